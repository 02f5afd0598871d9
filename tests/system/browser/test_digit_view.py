"""Reading drawn digits, and the view of the network's input."""

import base64
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, expect

from tests.support.page_actions import Points, decode, draw, open_filter_view, save_photo

STROKES: dict[str, list[Points]] = {
    "1": [[(0.5, 0.15), (0.5, 0.85)]],
    "3": [[(0.3, 0.2), (0.45, 0.12), (0.62, 0.16), (0.66, 0.3), (0.56, 0.42), (0.44, 0.47), (0.6, 0.52), (0.7, 0.66),
           (0.62, 0.82), (0.44, 0.88), (0.28, 0.8)]],
    "4": [[(0.4, 0.12), (0.28, 0.55), (0.72, 0.55)], [(0.62, 0.3), (0.6, 0.9)]],
    "7": [[(0.28, 0.18), (0.72, 0.18), (0.56, 0.5), (0.45, 0.85)]],
}  # fmt: skip


def find_ink(page: Page) -> NDArray[np.bool_]:
    """Which pixels of the pad are dark."""
    url = page.locator("#pad").evaluate("canvas => canvas.toDataURL()")
    return np.asarray(decode(base64.b64decode(url.split(",")[1])).max(axis=2) < 128)


@pytest.fixture
def view(page: Page) -> Page:
    page.goto("/#digits")
    expect(page.locator("#digit-result")).to_have_attribute("data-verdict", "blank", timeout=30_000)
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
    view.click("#pad-undo")
    view.click("#pad-undo")
    expect(view.locator("#digit-result")).to_have_attribute("data-verdict", "blank")
    draw(view, STROKES["7"])
    expect(view.locator("#digit-result")).to_have_attribute("data-digit", "7")
    view.click("#clear")
    expect(view.locator("#digit-result")).to_have_attribute("data-verdict", "blank")
    expect(view.locator("#verdict")).to_have_text("Draw a digit")


def test_thickness_sets_the_stroke_width(view: Page) -> None:
    draw(view, STROKES["1"])
    thin = find_ink(view).sum()
    view.click("#clear")
    view.fill("#thickness", "40")
    draw(view, STROKES["1"])
    assert find_ink(view).sum() > 1.8 * thin


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


def test_views_keep_their_state(page: Page) -> None:
    open_filter_view(page, "#filter/gaussian?sigma=5")
    page.get_by_role("link", name="Digits").click()
    expect(page.locator("#digits-title")).to_be_visible()
    draw(page, STROKES["1"])
    page.go_back()
    assert page.input_value(".slider[data-parameter=sigma] .number") == "5"
    page.go_forward()
    expect(page.locator("#digit-result")).to_have_attribute("data-digit", "1")


def test_answers_appear_while_drawing(view: Page) -> None:
    """A stroke that does not pause for a second: a request that waits for a pause would wait until its end."""
    answers: list[str] = []
    view.on("response", lambda response: answers.append(response.url) if "/classify?" in response.url else None)
    box = view.locator("#pad").bounding_box()
    assert box
    view.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.2 * box["height"])
    view.mouse.down()
    start = time.monotonic()
    while (passed := time.monotonic() - start) < 1.5:
        view.mouse.move(box["x"] + (0.3 + 0.2 * passed) * box["width"], box["y"] + 0.2 * box["height"])
        view.wait_for_timeout(15)
    during = len(answers)
    assert view.locator("#digit-result").get_attribute("data-verdict") != "blank"
    view.mouse.up()
    assert during >= 2, "20 on an idle machine"


def test_answer_of_the_whole_drawing_comes_last(view: Page) -> None:
    for digit in ("3", "7", "4"):
        view.click("#clear")
        draw(view, STROKES[digit])
        expect(view.locator("#digit-result")).to_have_attribute("data-digit", digit)
        view.wait_for_timeout(500)
        assert view.locator("#digit-result").get_attribute("data-digit") == digit, "no older answer follows"


def test_every_change_can_be_undone_and_redone(view: Page, tmp_path: Path) -> None:
    expect(view.locator("#pad-undo")).to_be_disabled()
    draw(view, STROKES["7"])
    seven = find_ink(view)
    view.click("#clear")
    assert not find_ink(view).any()
    view.keyboard.press("Control+z")
    assert np.array_equal(find_ink(view), seven)
    view.set_input_files("#digit-file", save_photo(tmp_path, 60, 60))
    expect(view.locator("#pad-redo")).to_be_disabled()
    view.wait_for_function("() => document.querySelector('#pad').toDataURL().length > 20000")
    view.click("#pad-undo")
    assert np.array_equal(find_ink(view), seven)
    view.get_by_role("button", name="3", exact=True).click()
    view.click("#pad-undo")
    assert np.array_equal(find_ink(view), seven)
    view.click("#pad-undo")
    view.keyboard.press("Control+Shift+z")
    assert np.array_equal(find_ink(view), seven)


def test_second_touch_draws_nothing(view: Page) -> None:
    box = view.locator("#pad").bounding_box()
    assert box
    session = view.context.new_cdp_session(view)

    def touch(kind: str, *places: tuple[float, float]) -> None:
        points = [
            {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"], "id": number}
            for number, (x, y) in enumerate(places)
        ]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    palm = (0.8, 0.8)
    touch("touchStart", (0.2, 0.2))
    touch("touchStart", (0.2, 0.2), palm)
    for step in range(1, 11):
        touch("touchMove", (0.2, 0.2 + 0.05 * step), (palm[0], palm[1] - 0.01 * step))
    touch("touchEnd", palm)
    touch("touchEnd")
    ink = find_ink(view)
    assert ink[100:280, 75:85].any(), "the finger's line"
    assert not ink[:, 110:].any(), "nothing near the palm, and no line to it"
    touch("touchStart", (0.6, 0.2))
    touch("touchMove", (0.6, 0.5))
    touch("touchEnd")
    assert find_ink(view)[100:180, 235:245].any(), "the next touch draws"


def test_drawing_survives_loading_the_page_again(view: Page) -> None:
    draw(view, STROKES["4"])
    expect(view.locator("#digit-result")).to_have_attribute("data-digit", "4")
    ink = find_ink(view)
    view.reload()
    expect(view.locator("#digit-result")).to_have_attribute("data-digit", "4")
    assert np.mean(find_ink(view) != ink) < 0.001


def test_failed_answer_is_explained_and_repeated(view: Page, errors: list[str]) -> None:
    view.route("**/classify?*", lambda route: route.abort())
    draw(view, STROKES["4"])
    expect(view.locator("#digit-error")).to_contain_text("The service is not responding")
    assert find_ink(view).any()
    view.unroute_all()
    view.get_by_role("button", name="Try again").click()
    expect(view.locator("#digit-result")).to_have_attribute("data-digit", "4")
    expect(view.locator("#digit-error")).to_be_empty()
    errors.clear()


def test_failed_training_record_is_explained_in_its_place(page: Page, errors: list[str]) -> None:
    problem = (
        '{"type": "/problems#overloaded", "title": "Overloaded", "status": 503, "detail": "All workers are busy."}'
    )
    page.route(
        "**/model/curves", lambda it: it.fulfill(status=503, content_type="application/problem+json", body=problem)
    )
    page.goto("/#digits")
    message = page.locator("#curves .error")
    expect(message).to_contain_text("The service is busy with other images.")
    page.unroute_all()
    message.get_by_role("button", name="Try again").click()
    expect(page.locator("#curves")).to_be_visible()
    expect(message).to_have_count(0)
    errors.clear()


def test_answer_stays_on_the_screen_of_a_phone(browser: Browser, site: str) -> None:
    phone: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    with browser.new_context(base_url=site, **phone) as context:
        page = context.new_page()
        page.goto("/#digits")
        expect(page.locator("#digit-result")).to_have_attribute("data-verdict", "blank")
        page.locator("#pad").scroll_into_view_if_needed()
        draw(page, STROKES["7"])
        expect(page.locator("#digit-result")).to_have_attribute("data-digit", "7")
        pad, answer = page.locator("#pad").bounding_box(), page.locator("#verdict").bounding_box()
        assert pad
        assert answer
        assert pad["y"] >= 0
        assert pad["y"] + pad["height"] <= answer["y"], "the answer does not cover the drawing"
        assert answer["y"] + answer["height"] <= 844


def test_bars_do_not_move_for_users_who_want_less_motion(view: Page) -> None:
    duration = "getComputedStyle(document.querySelector('.bars .fill')).transitionDuration"
    assert view.evaluate(duration) != "0s"
    view.emulate_media(reduced_motion="reduce")
    assert view.evaluate(duration) == "0s"


def test_frames_of_a_camera_are_one_step_of_undo(view: Page) -> None:
    draw(view, STROKES["7"])
    seven = find_ink(view)
    view.evaluate("""async () => {
      const main = document.querySelector("script[type=module]").src;
      const { DrawPad } = await import(main.replace("main.js", "digits/draw-pad.js"));
      const canvas = document.createElement("canvas");
      const pad = new DrawPad(canvas, [{ width: 9, points: [[9, 9]] }], () => {});
      for (const shade of [50, 100, 150]) {
        const pixels = new ImageData(new Uint8ClampedArray(4).fill(shade), 1, 1);
        await pad.setFrame({ pixels });
      }
      if (pad.past.length !== 1 || !pad.image) throw new Error(`${pad.past.length} steps`);
      pad.undo();
      if (pad.image || pad.strokes.length !== 1) throw new Error("the strokes are not back");
    }""")
    assert np.array_equal(find_ink(view), seven)
