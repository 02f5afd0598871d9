"""The kernel bench: magnified pixels, products, sum, dragging and the animation, compared with NumPy and SciPy."""

import base64
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import scipy.ndimage
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, expect

from tests.support.page_actions import (
    Pixels,
    decode,
    draw_photo,
    filter_by_api,
    follow_link,
    mark_busy,
    open_filter_view,
    read_result,
    save_photo,
    upload,
    wait_for_result,
)

EMBOSS = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], np.float64)
TOP_SOBEL = np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]], np.float64)
WIDTH, HEIGHT = 61, 47


def read_cells(page: Page, loupe: str, columns: int) -> Pixels:
    """The colours of the cells (rows, columns, 3), taken beside the number and between the lines of the hatching."""
    url = page.locator(f"#{loupe} canvas").evaluate("canvas => canvas.toDataURL('image/png')")
    drawn = decode(base64.b64decode(url.split(",")[1]))
    cell = drawn.shape[1] // columns
    return drawn[2::cell, 1::cell][: drawn.shape[0] // cell, :columns]


def read_sum(page: Page) -> int:
    expect(page.locator("#sum .check")).to_have_text("✓ service agrees")
    text = page.locator("#sum output").text_content() or ""
    return int(text.replace("=", "").replace("−", "-"))


CLASSIC_SCROLLBAR = 15


@pytest.mark.parametrize("size", [(1280, 720), (1280 - CLASSIC_SCROLLBAR, 720), (390, 844)])
def test_bench_fits_the_screen(page: Page, size: tuple[int, int]) -> None:
    width, height = size
    page.set_viewport_size({"width": width, "height": height})
    open_filter_view(page)
    panels = [("input", "#input-loupe"), ("kernel", "#board table"), ("output", "#output-loupe")]
    for name, part in panels:
        if width < 900:
            page.locator(f"[data-tab={name}]").click()
        for selector in (part, "#play", f"#{name}-panel"):
            box = page.locator(selector).bounding_box()
            assert box, selector
            assert box["x"] >= 0, selector
            assert box["x"] + box["width"] <= width, selector
            assert box["y"] + box["height"] <= height, selector
        room = page.locator(f"#{name}-panel").evaluate("panel => panel.scrollHeight - panel.clientHeight")
        assert room <= 0, f"the {name} panel scrolls by {room} pixels"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    top = page.locator(".toolbar").bounding_box()
    assert top
    assert top["y"] < 100  # the header is one line


@pytest.mark.parametrize(
    "setting",
    [
        "#filter/emboss",
        "#filter/gaussian?sigma=5",
        "#filter/box?size=9",
        "#filter/unsharp",
        "#filter/sobel",
        "#filter/kirsch",
        "#filter/opponent",
        "#filter/max-pool",
        '#filter?operations=[{"kernel":"blur"},{"kernel":"edge"}]',
    ],
)
def test_kernel_panel_does_not_scroll_beside_a_classic_scrollbar(page: Page, setting: str) -> None:
    """It makes the panel narrower: controls that wrap make it higher, and its own scrollbar narrower still."""
    page.set_viewport_size({"width": 1280 - CLASSIC_SCROLLBAR, "height": 720})
    open_filter_view(page, setting)
    expect(page.locator("#sum .check")).to_have_text("✓ service agrees")
    room = page.locator("#kernel-panel").evaluate("panel => panel.scrollHeight - panel.clientHeight")
    assert room <= 0


def clip_magnitude(value: float, low: float, high: float) -> float:
    return min(max(abs(value), low), high)


SUMS: list[tuple[str, NDArray[np.float64], int, str, Callable[[float, float, float], float]]] = [
    ("#filter/emboss", EMBOSS, 1, "nearest", np.clip),
    ("#filter/emboss?border=wrap", EMBOSS, 1, "grid-wrap", np.clip),
    ("#filter/emboss?border=zero&behaviour=convolve", EMBOSS[::-1, ::-1], 1, "constant", np.clip),
    ("#filter/top-sobel?border=reflect", TOP_SOBEL, 1, "mirror", clip_magnitude),
    ("#filter/blur?border=symmetric", np.outer([1, 2, 1], [1, 2, 1]), 16, "reflect", np.clip),
]  # fmt: skip


def test_sum_of_the_products_is_that_of_scipy(page: Page, tmp_path: Path) -> None:
    open_filter_view(page, "#filter/identity")
    upload(page, save_photo(tmp_path, WIDTH, HEIGHT))
    photo = np.asarray(draw_photo(WIDTH, HEIGHT), np.float64)
    for setting, weights, divisor, mode, respond in SUMS:
        filtered = [scipy.ndimage.correlate(photo[:, :, channel], weights, mode=mode) / divisor for channel in range(3)]
        for x, y in ((0, 0), (WIDTH - 1, HEIGHT - 1), (20, 17)):
            follow_link(page, f"{setting}{'&' if '?' in setting else '?'}at={x},{y}")
            expect(page.locator("#output-place")).to_have_text(f"pixel {x}, {y}")
            for channel, name in enumerate(("red", "green", "blue")):
                page.locator("#channels").get_by_role("button", name=name).click()
                expected = int(np.rint(respond(filtered[channel][y, x], 0, 255)))
                assert read_sum(page) == expected, (setting, x, y, name)
    products = page.locator("#board td .product").all_text_contents()
    padded = np.pad(photo[:, :, 2], 1, mode="symmetric")
    patch = padded[17:20, 20:23] * np.outer([1, 2, 1], [1, 2, 1])
    assert [float(text.replace("= ", "").replace("−", "-")) for text in products] == patch.ravel().tolist()


LAYOUTS = [
    # setting, NumPy's name of the border, the window's first result pixel and how many there are, at a corner
    ("#filter/emboss?border=wrap&at=0,0", "wrap", 11),
    ("#filter/emboss?border=edge&at=0,0", "edge", 11),
    ("#filter/emboss?border=reflect&dilation=3&at=0,0", "reflect", 9),
    ("#filter/emboss?border=zero&stride=2&at=0,0", "constant", 6),
]


def test_magnified_pixels_show_border_stride_and_dilation(page: Page, api: httpx.Client, tmp_path: Path) -> None:
    open_filter_view(page, "#filter/identity")
    upload(page, save_photo(tmp_path, WIDTH, HEIGHT))
    photo = np.asarray(draw_photo(WIDTH, HEIGHT))
    before = {"wrap": 1, "edge": 1, "reflect": 3, "constant": 0 if WIDTH % 2 == 0 else 1}
    for setting, mode, count in LAYOUTS:
        follow_link(page, setting)
        expect(page.locator("#sum .check")).to_have_text("✓ service agrees")
        side = 15 if "dilation" in setting else 13
        pad = before[mode]
        padded = np.pad(photo, ((pad, 20), (pad, 20), (0, 0)), mode=mode)  # type: ignore[call-overload]
        assert np.array_equal(read_cells(page, "input-loupe", side), padded[:side, :side]), setting
        cells = read_cells(page, "output-loupe", count)
        assert np.array_equal(cells, read_result(page)[:count, :count]), setting
        expect(page.locator("#outside")).to_contain_text("outside the image")
    follow_link(page, "#filter/emboss?border=valid&at=0,0")
    expect(page.locator("#outside")).to_be_empty()


def test_weight_is_dragged(page: Page, api: httpx.Client, tmp_path: Path) -> None:
    photo = save_photo(tmp_path, WIDTH, HEIGHT)
    open_filter_view(page, "#filter/sharpen")
    upload(page, photo)
    box = page.locator("#board td").nth(4).bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    mark_busy(page)
    page.mouse.move(box["x"] + box["width"] / 2 + 42, box["y"] + box["height"] / 2, steps=6)
    page.mouse.up()
    wait_for_result(page)
    expect(page.get_by_label("row 2, column 2")).to_have_value("8")
    expected = filter_by_api(api, photo.read_bytes(), "/filter/custom", weights="0,-1,0;-1,8,-1;0,-1,0")
    page.wait_for_url("**weights=0,-1,0;-1,8,-1;0,-1,0*")
    wait_for_result(page)
    assert np.array_equal(read_result(page), expected)


def test_bench_follows_before_the_service_has_responded(page: Page, tmp_path: Path) -> None:
    open_filter_view(page, "#filter/identity")
    upload(page, save_photo(tmp_path, WIDTH, HEIGHT))
    follow_link(page, "#filter/custom?weights=0,0,0;0,1,0;0,0,0&at=20,17")
    page.route("**/filter/**", lambda route: None)  # never answered
    page.get_by_label("row 2, column 2").fill("1/2")
    red = float(np.asarray(draw_photo(WIDTH, HEIGHT))[17, 20, 0])
    expect(page.locator("#sum output")).to_have_text(f"= {round(red / 2)}")
    assert (read_cells(page, "output-loupe", 11)[..., 0] < 128).all()
    page.unroute_all(behavior="ignoreErrors")


def test_service_that_disagrees_is_shown(page: Page, api: httpx.Client, tmp_path: Path) -> None:
    photo = save_photo(tmp_path, WIDTH, HEIGHT)
    open_filter_view(page, "#filter/identity")
    upload(page, photo)
    wrong = api.post("/filter/edge?format=png", files={"file": photo.read_bytes()}).content
    page.route("**/filter/blur*", lambda route: route.fulfill(body=wrong, content_type="image/png"))
    follow_link(page, "#filter/blur?at=20,17")
    expect(page.locator("#sum .check")).to_contain_text("service: ")


def count_painted(page: Page) -> int:
    """Cells of the result that are painted: the others are transparent."""
    return int(
        page.locator("#output-loupe canvas").evaluate(
            """canvas => {
              const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
              const cell = canvas.width / 11;
              let painted = 0;
              for (let row = 0; row < 11; row++) for (let column = 0; column < 11; column++) {
                painted += data[4 * ((row * cell + 2) * canvas.width + column * cell + 1) + 3] > 0;
              }
              return painted;
            }"""
        )
    )


def test_play_paints_the_result_pixel_by_pixel(page: Page) -> None:
    open_filter_view(page)
    expect(page.locator("#sum .check")).to_have_text("✓ service agrees")
    assert count_painted(page) == 121
    page.select_option("#speed", "fast")
    page.click("#play")
    expect(page.locator("#play")).to_contain_text("Pause")
    counts = [count_painted(page)]
    places = {page.locator("#input-loupe .cover").evaluate("frame => frame.style.transform")}
    while counts[-1] < 121 and page.locator("#play").text_content() != "▶ Play":
        counts.append(count_painted(page))
        places.add(page.locator("#input-loupe .cover").evaluate("frame => frame.style.transform"))
    assert counts[0] < 60
    assert counts == sorted(counts)
    assert len(set(counts)) > 5
    assert len(places) > 5
    expect(page.locator("#play")).to_contain_text("Play")
    assert count_painted(page) == 121


def test_keys_step_pause_and_change_the_speed(page: Page) -> None:
    open_filter_view(page, "#filter/emboss?at=200,100")
    place = page.locator("#output-place")
    expect(place).to_have_text("pixel 200, 100")
    page.focus("#input-loupe")
    page.keyboard.press("ArrowRight")
    expect(place).to_have_text("pixel 201, 100")
    page.keyboard.press("Shift+ArrowDown")
    expect(place).to_have_text("pixel 201, 110")
    page.keyboard.press("+")
    expect(page.locator("#speed")).to_have_value("fast")
    page.keyboard.press("-")
    page.keyboard.press("-")
    expect(page.locator("#speed")).to_have_value("slow")
    page.keyboard.press(" ")
    expect(page.locator("#play")).to_contain_text("Pause")
    expect(page.locator("#board td.lit")).to_have_count(1)
    page.locator("#input-loupe").evaluate("loupe => loupe.blur()")
    page.keyboard.press(" ")  # works without a focus, too
    expect(page.locator("#play")).to_contain_text("Play")
    painted = count_painted(page)
    assert painted < 121
    page.click("#step-on")
    assert count_painted(page) == painted + 1
    page.click("#step-back")
    assert count_painted(page) == painted


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_animation_plays_once_for_a_first_time_visitor(browser: Browser, site: str, motion: Any) -> None:
    with browser.new_context(base_url=site, reduced_motion=motion) as context:
        page = context.new_page()
        open_filter_view(page)
        if motion == "reduce":
            page.wait_for_timeout(600)
            expect(page.locator("#play")).to_contain_text("Play")
            assert (
                page.locator("#input-loupe .cover").evaluate("frame => getComputedStyle(frame).transitionDuration")
                == "0s"
            )
            return
        expect(page.locator("#play")).to_contain_text("Pause")
        page.locator("#input-loupe").click()
        expect(page.locator("#play")).to_contain_text("Play")
        page.reload()
        wait_for_result(page)
        page.wait_for_timeout(600)
        expect(page.locator("#play")).to_contain_text("Play")


def test_whole_image_is_one_click_away(page: Page) -> None:
    open_filter_view(page)
    page.click("#show-image")
    expect(page.locator("#compare canvas.before")).to_be_visible()
    page.wait_for_url("**view=image*")
    page.click("#show-bench")
    expect(page.locator("#input-loupe")).to_be_visible()
    page.click("#output-overview")
    expect(page.locator("#compare canvas.before")).to_be_visible()


def test_bench_shows_the_chosen_step_of_a_chain(page: Page, api: httpx.Client, tmp_path: Path) -> None:
    photo = save_photo(tmp_path, WIDTH, HEIGHT)
    open_filter_view(page, "#filter/identity")
    upload(page, photo)
    follow_link(page, '#filter?operations=[{"kernel":"blur"},{"kernel":"emboss"}]&step=1&at=6,6')
    expect(page.locator("#output-place")).to_have_text("pixel 6, 6")
    expect(page.locator("#sum .check")).to_have_text("✓ service agrees")
    blurred = filter_by_api(api, photo.read_bytes(), "/filter/blur")
    assert np.array_equal(read_cells(page, "output-loupe", 11), blurred[1:12, 1:12])
    page.locator("#chain .step-name", has_text="emboss").click()
    page.wait_for_url(re.compile("^((?!step=).)*$"))
    both = filter_by_api(api, photo.read_bytes(), "/filter/blur,emboss")
    wait_for_result(page)
    expect(page.locator("#sum .check")).to_have_text("✓ service agrees")
    assert np.array_equal(read_cells(page, "output-loupe", 11), both[1:12, 1:12])
