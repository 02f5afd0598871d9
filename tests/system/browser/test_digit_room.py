"""Digits drawn with the mouse are read; what the network saw is shown."""

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.support.rooms import decode, open_filter_room, read_result, wait_for_result

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
def room(page: Page) -> Page:
    page.goto("/#digits")
    expect(page.locator("#reading")).to_have_attribute("data-verdict", "blank")
    return page


def test_digits_drawn_with_the_mouse_are_read(room: Page) -> None:
    for digit, strokes in STROKES.items():
        room.click("#clear")
        draw(room, strokes)
        expect(room.locator("#reading")).to_have_attribute("data-digit", digit)
        expect(room.locator("#verdict")).to_contain_text(f"digit: {digit}")
        assert room.locator(".bars .best .name").text_content() == digit
        shares = room.locator(".bars .fill").evaluate_all("bars => bars.map((bar) => parseFloat(bar.style.width))")
        assert int(np.argmax(shares)) == int(digit)
        assert sum(shares) == pytest.approx(100, abs=1)


def test_the_28_by_28_that_the_network_saw_is_shown(room: Page) -> None:
    draw(room, STROKES["7"])
    expect(room.locator(".seen img")).to_have_count(1)
    sizes = room.locator(".stages img").evaluate_all("images => images.map((one) => one.naturalWidth)")
    assert sizes[-1] == 28
    assert len(sizes) == 5
    expect(room.locator(".facts")).to_contain_text("dark ink")


def test_undo_and_clear(room: Page) -> None:
    draw(room, STROKES["4"])
    expect(room.locator("#reading")).to_have_attribute("data-digit", "4")
    room.click("#undo")
    room.click("#undo")
    expect(room.locator("#reading")).to_have_attribute("data-verdict", "blank")
    draw(room, STROKES["7"])
    expect(room.locator("#reading")).to_have_attribute("data-digit", "7")
    room.click("#clear")
    expect(room.locator("#reading")).to_have_attribute("data-verdict", "blank")
    expect(room.locator("#verdict")).to_have_text("blank: there is no ink")


def test_the_thickness_is_that_of_the_stroke(room: Page) -> None:
    def count_ink() -> int:
        url = room.locator("#pad").evaluate("canvas => canvas.toDataURL()")
        import base64

        return int((decode(base64.b64decode(url.split(",")[1])) < 128).all(axis=2).sum())

    draw(room, STROKES["1"])
    thin = count_ink()
    room.click("#clear")
    room.fill("#thickness", "40")
    draw(room, STROKES["1"])
    assert count_ink() > 1.8 * thin


def test_examples_are_answered_in_four_ways(room: Page) -> None:
    room.get_by_role("button", name="not a digit").click()
    expect(room.locator("#reading")).to_have_attribute("data-verdict", "not_a_digit")
    room.get_by_role("button", name="7", exact=True).click()
    expect(room.locator("#reading")).to_have_attribute("data-verdict", "digit")


def test_several_digits_are_boxed_and_read(room: Page) -> None:
    room.get_by_label("Several digits").check()
    room.get_by_role("button", name="A page of digits").click()
    expect(room.locator("#read-text")).to_have_text("31415\n92653\n58979", use_inner_text=True)
    assert room.locator("#overlay rect").count() == 15
    room.click("#clear")
    for number, digit in enumerate("371"):
        draw(room, STROKES[digit], left=0.05 + 0.3 * number, width=0.25)
    expect(room.locator("#read-text")).to_have_text("371")
    assert "mode=several" in room.url


def test_a_feature_of_the_network_is_used_as_a_filter(room: Page) -> None:
    room.wait_for_timeout(300)
    if room.locator("#learned a").count() == 0:
        pytest.skip("this service's catalogue has no learned kernels")
    assert room.locator("#learned a").count() == 32
    room.locator("#learned a").nth(7).click()
    wait_for_result(room)
    assert "#filter/mnist-conv1-07" in room.url
    assert room.input_value("#set-kernel") == "mnist-conv1-07"
    assert room.locator(".weights input").count() == 25
    assert read_result(room).std() > 1


def test_maps_of_both_layers_and_what_mattered(room: Page) -> None:
    with room.expect_response("**/classify/explain*") as asked:
        draw(room, STROKES["3"])
    if asked.value.status == 404:
        pytest.skip("this service does not explain")
    expect(room.locator(".maps.conv1 img")).to_have_count(32)
    expect(room.locator(".maps.conv2 img")).to_have_count(64)
    expect(room.locator(".mattered img")).to_have_count(2)


def test_the_rooms_remember_what_was_in_them(page: Page) -> None:
    open_filter_room(page, "#filter/gaussian?sigma=5")
    page.get_by_role("link", name="Digits").click()
    expect(page.locator("#digits-title")).to_be_visible()
    draw(page, STROKES["1"])
    page.go_back()
    assert page.input_value(".slider[data-parameter=sigma] .number") == "5"
    page.go_forward()
    expect(page.locator("#reading")).to_have_attribute("data-digit", "1")
