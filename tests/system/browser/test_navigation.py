"""The views and the addresses that lead to them, also when their files cannot be loaded."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.page_actions import open_filter_view, save_photo, set_value, upload, wait_for_result


def test_view_is_left_and_found_as_it_was(page: Page, tmp_path: Path) -> None:
    open_filter_view(page, "#filter/gaussian?sigma=5")
    upload(page, save_photo(tmp_path, 90, 70))
    set_value(page, ".slider[data-parameter=sigma] .number", "3")
    for view in ("Digits", "Learn", "Kernels"):
        page.get_by_role("link", name=view, exact=True).click()
        page.get_by_role("link", name="Filters").click()
        expect(page.locator("#filter-view")).to_be_visible()
        wait_for_result(page)
        assert page.input_value("#set-kernel") == "gaussian"
        assert page.input_value(".slider[data-parameter=sigma] .number") == "3"
        expect(page.locator("#image-note")).to_contain_text("photo.png, 90 × 70")
    page.get_by_role("link", name="Digits").click()
    page.get_by_label("Several digits").check()
    page.get_by_role("link", name="convserve").click()
    wait_for_result(page)
    assert page.input_value("#set-kernel") == "gaussian"
    page.get_by_role("link", name="Digits").click()
    expect(page.get_by_label("Several digits")).to_be_checked()


def test_link_to_the_open_view_changes_nothing(page: Page) -> None:
    open_filter_view(page, "#filter/gaussian?sigma=5")
    page.get_by_role("link", name="Filters").click()
    page.wait_for_timeout(200)
    assert page.url.endswith("#filter/gaussian?sigma=5")
    assert page.input_value("#set-kernel") == "gaussian"


def test_skip_link_keeps_the_address(page: Page) -> None:
    open_filter_view(page, "#filter/gaussian?sigma=5")
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    assert page.url.endswith("#filter/gaussian?sigma=5")


def test_link_of_the_kernels_view_keeps_the_photo(page: Page, tmp_path: Path) -> None:
    open_filter_view(page)
    upload(page, save_photo(tmp_path, 90, 70))
    page.get_by_role("link", name="Kernels", exact=True).click()
    page.locator(".kernel").get_by_role("link", name="scharr", exact=True).click()
    wait_for_result(page)
    assert page.input_value("#set-kernel") == "scharr"
    expect(page.locator("#image-note")).to_contain_text("photo.png, 90 × 70")


def test_kernels_are_listed_for_people(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="Kernels", exact=True).click()
    blur = page.locator(".kernel").filter(has=page.get_by_role("link", name="blur", exact=True))
    assert blur.locator("td").all_inner_texts() == ["1", "2", "1", "2", "4", "2", "1", "2", "1"]
    expect(blur).to_contain_text("divided by 16")
    expect(page).to_have_title("convserve: all kernels")


def test_malformed_address_opens_the_page(page: Page, errors: list[str]) -> None:
    page.goto("/#filter/%E0%A4%A")
    expect(page.locator("#step-kernel")).to_contain_text("%E0%A4%A")
    errors.clear()  # the browser logs the 404


@pytest.mark.parametrize("module", ["digits/digit-view.js*", "digits/draw-pad.js"])
def test_view_that_could_not_be_loaded_is_loaded_again(page: Page, errors: list[str], module: str) -> None:
    open_filter_view(page, "#filter/gaussian?sigma=5")
    page.route(f"**/js/{module}", lambda route: route.abort())
    page.get_by_role("link", name="Digits").click()
    message = page.locator("#digits-view .error[role=alert]").first
    expect(message).to_contain_text("This section could not be loaded")
    message.get_by_role("button", name="Try again").click()
    expect(message).to_contain_text("This section could not be loaded")
    page.unroute_all()
    message.get_by_role("button", name="Try again").click()
    expect(page.locator("#verdict")).to_have_text("Draw a digit")
    page.get_by_role("link", name="Filters").click()
    assert page.input_value("#set-kernel") == "gaussian"
    errors.clear()


def test_first_view_that_could_not_be_loaded_is_explained(page: Page, errors: list[str]) -> None:
    page.route("**/js/filters/filter-view.js*", lambda route: route.abort())
    page.goto("/")
    message = page.locator("#filter-view .error[role=alert]").first
    expect(message).to_contain_text("This section could not be loaded")
    page.unroute_all()
    message.get_by_role("button", name="Try again").click()
    wait_for_result(page)
    errors.clear()
