"""Errors are explained at the control that caused them, and settings are kept."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.support.page_actions import (
    follow_link,
    open_filter_view,
    read_canvas,
    read_result,
    save_photo,
    set_value,
    upload,
    wait_for_result,
)
from tests.support.paths import ROOT
from tests.system.browser.conftest import MAX_UPLOAD_BYTES


@pytest.fixture(autouse=True)
def ignore_error_responses(page: Page, errors: list[str]) -> object:
    """The browser logs every error response. These tests provoke them."""
    yield
    errors[:] = [error for error in errors if not error.startswith("Failed to load resource")]


def test_file_that_is_not_an_image_is_rejected(page: Page, tmp_path: Path) -> None:
    open_filter_view(page, "#filter/gaussian?sigma=3")
    before = read_canvas(page, "canvas.before")
    letter = tmp_path / "letter.png"
    letter.write_text("This is not an image.")
    upload(page, letter)
    expect(page.locator("#image-error")).to_contain_text("letter.png: ")
    expect(page.locator("#image-error")).to_contain_text("PNG")
    assert np.array_equal(read_canvas(page, "canvas.before"), before)
    assert page.url.endswith("#filter/gaussian?sigma=3")
    upload(page, save_photo(tmp_path, 20, 20))
    expect(page.locator("#image-error")).to_be_empty()


def test_too_large_file_is_rejected(page: Page, tmp_path: Path) -> None:
    open_filter_view(page)
    heavy = tmp_path / "heavy.bin"
    heavy.write_bytes(bytes(MAX_UPLOAD_BYTES + 1))
    upload(page, heavy)
    expect(page.locator("#image-error")).to_contain_text("The file has 3 MB or more; the limit is 3 MB.")


def test_too_large_original_is_rejected_only_at_full_size(page: Page, tmp_path: Path) -> None:
    heavy = save_photo(tmp_path, 1400, 1200, "heavy.png")
    assert heavy.stat().st_size > MAX_UPLOAD_BYTES
    open_filter_view(page, "#filter/blur")
    upload(page, heavy)
    assert read_result(page).shape[1] == 1000
    page.click("#full")
    expect(page.locator("#full-error")).to_contain_text("the limit is 3 MB")


def test_letters_in_a_weight_are_rejected(page: Page) -> None:
    open_filter_view(page, "#filter/sharpen")
    before = read_result(page)
    cell = page.get_by_label("row 1, column 2")
    cell.fill("abc")
    expect(page.locator("#weights-error")).to_have_text(
        "row 1, column 2: 'abc' is not a number. Allowed: 5, -1.5, 1e-3, 1/16."
    )
    expect(cell).to_have_attribute("aria-invalid", "true")
    assert np.array_equal(read_result(page), before)
    set_value(page, "[aria-label='row 1, column 2']", "-2")
    expect(page.locator("#weights-error")).to_be_empty()
    expect(page.get_by_label("row 1, column 2")).not_to_have_attribute("aria-invalid", "true")
    assert not np.array_equal(read_result(page), before)


INVALID_PARAMETERS = [
    ("#filter/gaussian?sigma=999", "sigma", "sigma is 999; it may be 0.1 to 200."),
    ("#filter/blur?border=mirror", "border", "'mirror' is ambiguous"),
    ("#filter/blur?divisor=0", "divisor", "a divisor must not be 0"),
    ("#filter/embos", "kernel", "Did you mean emboss"),
    ('#filter?operations=[{"kernel":"blur"},{"kernel":"gaussian","sigma":-1}]', "sigma", "sigma is -1"),
]


def test_invalid_parameter_has_its_error_at_its_control(page: Page) -> None:
    open_filter_view(page)
    for setting, parameter, message in INVALID_PARAMETERS:
        follow_link(page, setting)
        expect(page.locator(f"#step [data-parameter={parameter}] .field-error")).to_contain_text(message)
        expect(page.locator("#filter-error")).to_contain_text("see the message there")
        assert message not in (page.text_content("#filter-error") or "")  # it is said once
        assert setting.split("?")[0] in page.url
        follow_link(page, "#filter/emboss")
        expect(page.locator("#filter-error")).to_be_empty()
        assert set(page.locator("#step .field-error").all_text_contents()) == {""}


def test_settings_survive_a_stopped_service(page: Page) -> None:
    open_filter_view(page, "#filter/gaussian?sigma=2")
    page.route("**/filter/**", lambda route: route.abort())
    page.fill(".slider[data-parameter=sigma] .number", "4")
    expect(page.locator("#filter-error")).to_contain_text(
        "The service is not responding. Your image and settings are kept."
    )
    assert page.input_value(".slider[data-parameter=sigma] .number") == "4"
    page.unroute_all()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#filter-error")).to_be_empty()
    expect(page).to_have_url(re.compile("sigma=4"))
    wait_for_result(page)


def test_busy_service_is_retried_after_the_stated_time(page: Page) -> None:
    open_filter_view(page, "#filter/gaussian?sigma=2")
    problem = '{"type": "about:blank", "title": "Busy", "status": 503, "detail": "All workers are busy."}'
    page.route(
        "**/filter/**",
        lambda route: route.fulfill(
            status=503, headers={"Retry-After": "1"}, content_type="application/problem+json", body=problem
        ),
    )
    page.fill(".slider[data-parameter=sigma] .number", "4")
    expect(page.locator("#filter-error")).to_contain_text("All workers are busy. ")
    expect(page.locator("#filter-error")).to_contain_text("Retrying in 1 s")
    page.unroute_all()
    expect(page.locator("#filter-error")).to_be_empty()
    expect(page).to_have_url(re.compile("sigma=4"))


def test_digits_view_rejects_a_file_that_is_not_an_image(page: Page, tmp_path: Path) -> None:
    page.goto("/#digits")
    letter = tmp_path / "letter.png"
    letter.write_text("not an image")
    page.set_input_files("#digit-file", letter)
    expect(page.locator("#pad-error")).to_contain_text("letter.png: ")


def list_messages_with_settings() -> list[str]:
    """The f-strings of the service that name a setting for operators, with 123456789 in place of each value."""
    found = []
    for path in sorted((ROOT / "app").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else "123456789" for part in node.values]
                text = "".join(str(part) for part in parts)
                found += [text] if "(CONVSERVE_" in text else []
    return found


def test_messages_for_people_name_no_settings(page: Page) -> None:
    messages = list_messages_with_settings()
    assert len(messages) > 8
    page.goto("/problems")  # a page of the service that runs no script of its own
    shown = page.evaluate(
        """async (messages) => {
          const { leaveOutSettings } = await import("/static/js/shared/problem-words.js");
          return messages.map(leaveOutSettings);
        }""",
        [*messages, "'123456 (CONVSERVE' is no number: 0.123456 is.", "The limit is 5000000 (CONVSERVE_MAX_PIXELS)."],
    )
    *shown, quoted, limit = shown
    assert [text for text in shown if "CONVSERVE" in text or "123456789" in text or "  " in text or "()" in text] == []
    assert quoted.startswith("'123456 (")
    assert "0.123456 is" in quoted
    assert limit == "The limit is 5,000,000."
