"""Reading drawn digits, and the view of the network's input and feature maps."""

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.support.page_actions import decode, open_filter_view, read_result, wait_for_result

Points = list[tuple[float, float]]
STROKES: dict[str, list[Points]] = {
    "1": [[(0.5, 0.15), (0.5, 0.85)]],
    "3": [[(0.3, 0.2), (0.45, 0.12), (0.62, 0.16), (0.66, 0.3), (0.56, 0.42), (0.44, 0.47), (0.6, 0.52), (0.7, 0.66),
           (0.62, 0.82), (0.44, 0.88), (0.28, 0.8)]],
    "4": [[(0.4, 0.12), (0.28, 0.55), (0.72, 0.55)], [(0.62, 0.3), (0.6, 0.9)]],
    "7": [[(0.28, 0.18), (0.72, 0.18), (0.56, 0.5), (0.45, 0.85)]],
}  # fmt: skip


def draw(page: Page, strokes: list[Points], left: float = 0, width: float = 1) -> None:
    box = page.locator("#pad").bounding_box()
    assert box
    for points in strokes:
        places = [(box["x"] + (left + width * x) * box["width"], box["y"] + y * box["height"]) for x, y in points]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=2)
        page.mouse.up()


@pytest.fixture
def view(page: Page) -> Page:
    page.goto("/#digits")
    expect(page.locator("#digit-result")).to_have_attribute("data-verdict", "blank")
    return page


def test_digits_drawn_with_the_mouse_are_read(view: Page) -> None:
    for digit, strokes in STROKES.items():
        view.click("#clear")
        draw(view, strokes)
        expect(view.locator("#digit-result")).to_have_attribute("data-digit", digit)
        expect(view.locator("#verdict")).to_contain_text(f"Digit: {digit}")
        assert view.locator(".bars .best .name").text_content() == digit
        shares = view.locator(".bars .fill").evaluate_all("bars => bars.map((bar) => parseFloat(bar.style.width))")
        assert int(np.argmax(shares)) == int(digit)
        assert sum(shares) == pytest.approx(100, abs=1)


def test_network_input_is_shown(view: Page) -> None:
    draw(view, STROKES["7"])
    expect(view.locator(".seen img")).to_have_count(1)
    sizes = view.locator(".stages img").evaluate_all("images => images.map((one) => one.naturalWidth)")
    assert sizes[-1] == 28
    assert len(sizes) == 5
    expect(view.locator(".facts")).to_contain_text("dark ink")


def test_undo_and_clear(view: Page) -> None:
    draw(view, STROKES["4"])
    expect(view.locator("#digit-result")).to_have_attribute("data-digit", "4")
    view.click("#undo")
    view.click("#undo")
    expect(view.locator("#digit-result")).to_have_attribute("data-verdict", "blank")
    draw(view, STROKES["7"])
    expect(view.locator("#digit-result")).to_have_attribute("data-digit", "7")
    view.click("#clear")
    expect(view.locator("#digit-result")).to_have_attribute("data-verdict", "blank")
    expect(view.locator("#verdict")).to_have_text("Draw a digit")


def test_thickness_sets_the_stroke_width(view: Page) -> None:
    def count_ink() -> int:
        url = view.locator("#pad").evaluate("canvas => canvas.toDataURL()")
        import base64

        return int((decode(base64.b64decode(url.split(",")[1])) < 128).all(axis=2).sum())

    draw(view, STROKES["1"])
    thin = count_ink()
    view.click("#clear")
    view.fill("#thickness", "40")
    draw(view, STROKES["1"])
    assert count_ink() > 1.8 * thin


def test_examples_have_their_verdicts(view: Page) -> None:
    view.get_by_role("button", name="not a digit").click()
    expect(view.locator("#digit-result")).to_have_attribute("data-verdict", "not_a_digit")
    view.get_by_role("button", name="7", exact=True).click()
    expect(view.locator("#digit-result")).to_have_attribute("data-verdict", "digit")


def test_several_digits_are_read(view: Page) -> None:
    view.get_by_label("Several digits").check()
    view.get_by_role("button", name="Sample page").click()
    expect(view.locator("#read-text")).to_have_text("31415\n92653\n58979", use_inner_text=True)
    assert view.locator("#overlay rect").count() == 15
    view.click("#clear")
    for number, digit in enumerate("371"):
        draw(view, STROKES[digit], left=0.05 + 0.3 * number, width=0.25)
    expect(view.locator("#read-text")).to_have_text("371")
    assert "mode=several" in view.url


def test_kernel_of_the_network_opens_as_a_filter(view: Page) -> None:
    view.wait_for_timeout(300)
    if view.locator("#first-layer a").count() == 0:
        pytest.skip("this service's catalogue has no learned kernels")
    assert view.locator("#first-layer a").count() == 32
    view.locator("#first-layer a").nth(7).click()
    wait_for_result(view)
    assert "#filter/mnist-conv1-07" in view.url
    assert view.input_value("#set-kernel") == "mnist-conv1-07"
    assert view.locator(".weights input").count() == 25
    assert read_result(view).std() > 1


def test_feature_maps_and_importance_are_shown(view: Page) -> None:
    with view.expect_response("**/classify/explain*") as asked:
        draw(view, STROKES["3"])
    if asked.value.status == 404:
        pytest.skip("this service does not explain")
    expect(view.locator(".maps.conv1 img")).to_have_count(32)
    expect(view.locator(".maps.conv2 img")).to_have_count(64)
    expect(view.locator(".importance img")).to_have_count(2)


def test_views_keep_their_state(page: Page) -> None:
    open_filter_view(page, "#filter/gaussian?sigma=5")
    page.get_by_role("link", name="Digits").click()
    expect(page.locator("#digits-title")).to_be_visible()
    draw(page, STROKES["1"])
    page.go_back()
    assert page.input_value(".slider[data-parameter=sigma] .number") == "5"
    page.go_forward()
    expect(page.locator("#digit-result")).to_have_attribute("data-digit", "1")
