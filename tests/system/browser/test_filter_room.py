"""The filter room shows what the API gives, and says how it came about."""

import json
import re
from pathlib import Path
from urllib.parse import unquote

import httpx
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.rooms import (
    change,
    decode,
    draw_photo,
    filter_by_api,
    follow_link,
    open_filter_room,
    read_canvas,
    read_result,
    save_photo,
    upload,
    wait_for_result,
)


def test_an_uploaded_image_shows_the_pixels_of_the_api(page: Page, api: httpx.Client, tmp_path: Path) -> None:
    photo = save_photo(tmp_path, 90, 70)
    open_filter_room(page, "#filter/sharpen?border=zero")
    upload(page, photo)
    assert np.array_equal(read_canvas(page, "canvas.before"), np.asarray(draw_photo(90, 70)))
    expected = filter_by_api(api, photo.read_bytes(), "/filter/sharpen", border="zero")
    assert np.array_equal(read_result(page), expected)
    assert not np.array_equal(expected, np.asarray(draw_photo(90, 70)))
    expect(page.locator("#status")).to_contain_text("90 × 70 → 90 × 70")


def test_a_large_photo_is_scaled_down_and_sent_whole_on_demand(page: Page, tmp_path: Path) -> None:
    photo = tmp_path / "large.jpg"
    draw_photo(1500, 900).save(photo, quality=80)
    open_filter_room(page, "#filter/blur")
    upload(page, photo)
    expect(page.locator("#image-note")).to_have_text(
        "large.jpg, 1500 × 900: scaled down to 1000 × 600 for the live view. “Full size” sends the original."
    )
    assert read_result(page).shape == (600, 1000, 3)
    page.select_option("#full-format", "png")
    page.click("#full")
    expect(page.locator("#full-result")).to_contain_text("1500 × 900")
    with page.expect_download() as download:
        page.click("#full-link")
    assert download.value.suggested_filename == "large-blur.png"
    assert decode(Path(download.value.path()).read_bytes()).shape == (900, 1500, 3)


def test_a_format_that_the_browser_cannot_show_is_converted_by_the_service(page: Page, tmp_path: Path) -> None:
    photo = tmp_path / "scan.tiff"
    draw_photo(40, 30).save(photo)
    open_filter_room(page, "#filter/identity")
    upload(page, photo)
    assert np.array_equal(read_result(page), np.asarray(draw_photo(40, 30)))


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_an_image_is_dropped_or_pasted(page: Page, tmp_path: Path, way: str) -> None:
    photo = save_photo(tmp_path, 30, 20)
    open_filter_room(page, "#filter/identity")
    page.evaluate(
        """([way, bytes]) => {
          document.querySelector("#filter-room").ariaBusy = "true";
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], "given.png", { type: "image/png" }));
          const event = way === "drop" ? new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true })
            : new ClipboardEvent("paste", { clipboardData: data, bubbles: true });
          document.body.dispatchEvent(event);
        }""",
        [way, list(photo.read_bytes())],
    )
    wait_for_result(page)
    assert np.array_equal(read_result(page), np.asarray(draw_photo(30, 20)))
    expect(page.locator("#image-note")).to_have_text("given.png, 30 × 20")


def test_an_image_is_taken_with_the_camera(page: Page) -> None:
    open_filter_room(page, "#filter/identity")
    page.click("#camera")
    page.wait_for_function("() => document.querySelector('dialog video')?.videoWidth > 0")
    page.evaluate("document.querySelector('#filter-room').ariaBusy = 'true'")
    page.get_by_role("button", name="Take the image").click()
    wait_for_result(page)
    expect(page.locator("#image-note")).to_contain_text("photo.png")
    assert page.locator("dialog").count() == 0
    assert read_result(page).std() > 1


def test_a_link_to_somebody_elses_image_says_so(page: Page) -> None:
    open_filter_room(page, "#filter/edge?image=own")
    expect(page.locator("#image-note")).to_contain_text("Choose yours")
    assert page.input_value("#set-kernel") == "edge"


def test_the_line_follows_mouse_and_keyboard(page: Page) -> None:
    open_filter_room(page)
    box = page.locator("#compare .viewer").bounding_box()
    knob = page.locator(".handle span").bounding_box()
    assert box
    assert knob
    page.mouse.move(knob["x"] + 18, knob["y"] + 18)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.25 * box["width"], knob["y"], steps=4)
    page.mouse.up()
    assert page.input_value("#split") == "25"
    line = page.locator(".veil").evaluate(
        "veil => { const box = veil.getBoundingClientRect();"
        " return box.left + box.width * parseFloat(veil.style.clipPath.split(' ').at(-1)) / 100; }"
    )
    assert line == pytest.approx(box["x"] + 0.25 * box["width"], abs=3)
    page.wait_for_url("**split=25*")
    page.focus("#split")
    page.keyboard.press("ArrowRight")
    assert page.input_value("#split") == "26"
    page.wait_for_url("**split=26*")


def test_zoomed_in_every_pixel_is_a_square(page: Page) -> None:
    open_filter_room(page, "#filter/emboss?zoom=8")
    style = page.locator("canvas.after").evaluate(
        "canvas => [getComputedStyle(canvas).imageRendering, canvas.getBoundingClientRect().width / canvas.width]"
    )
    assert style == ["pixelated", 8]


def test_an_edited_cell_filters_with_the_new_weights(page: Page, api: httpx.Client, tmp_path: Path) -> None:
    photo = save_photo(tmp_path, 64, 48)
    open_filter_room(page, "#filter/blur")
    upload(page, photo)
    change(page, "[aria-label='row 2, column 2']", "1/4")
    assert page.input_value("#set-kernel") == "custom"
    weights = "1,2,1;2,1/4,2;1,2,1"
    assert np.array_equal(
        read_result(page), filter_by_api(api, photo.read_bytes(), "/filter/custom", weights=weights, divisor=16)
    )
    page.wait_for_url(f"**divisor=16&weights={weights}*")
    expect(page.locator("[aria-label='row 2, column 2']")).to_be_focused()


def test_custom_starts_from_the_kernel_that_was_there(page: Page) -> None:
    open_filter_room(page, "#filter/blur")
    before = read_result(page)
    change(page, "#set-kernel", "custom")
    page.wait_for_url("**#filter/custom?*divisor=16*")
    assert np.array_equal(read_result(page), before)


def test_the_editor_turns_and_normalises(page: Page) -> None:
    open_filter_room(page)
    for button, weights in EDITS.items():
        follow_link(page, "#filter/custom?weights=1,2,3;4,5,6")
        page.evaluate("document.querySelector('#filter-room').ariaBusy = 'true'")
        page.get_by_role("button", name=button).click()
        wait_for_result(page)
        page.wait_for_url(f"**weights={weights}*")


EDITS = {
    "Transpose": "1,4;2,5;3,6",
    "Rotate 90°": "4,1;5,2;6,3",
    "Mirror": "3,2,1;6,5,4",
    "Normalise": "1/21,2/21,1/7;4/21,5/21,2/7",
}


def test_the_editor_grows_to_nine_by_nine(page: Page) -> None:
    open_filter_room(page, "#filter/sharpen")
    for label in ("Rows", "Columns"):
        page.evaluate("document.querySelector('#filter-room').ariaBusy = 'true'")
        page.get_by_label(label).select_option("9")
        wait_for_result(page)
    assert page.locator(".weights input").count() == 81
    assert page.input_value("[aria-label='row 5, column 5']") == "5"
    expect(page.locator("#size")).to_contain_text("(768 - 9 + 2×4)/1 + 1 = 768")


def test_a_shared_link_brings_the_whole_setting(browser: Browser, page: Page, site: str, api: httpx.Client) -> None:
    open_filter_room(page, "#filter/gaussian")
    page.click("[data-sample=chart]")
    change(page, "#set-border", "wrap")
    change(page, "#set-response", "offset")
    change(page, "#set-stride", "2")
    change(page, ".slider[data-parameter=sigma] .number", "1.5")
    page.select_option("#zoom", "2")
    page.locator("#compare .sheet").click(position={"x": 40, "y": 40})
    page.wait_for_url(re.compile("sigma=1.5.*at=|at=.*sigma=1.5"))
    with browser.new_page() as other:
        other.goto(page.url)
        wait_for_result(other)
        assert other.input_value("#set-border") == "wrap"
        assert other.input_value("#set-stride") == "2"
        assert other.input_value("#zoom") == "2"
        assert other.text_content(".where") == page.text_content(".where")
        shown = read_result(other)
    image = api.get("/samples/chart.png").content
    expected = filter_by_api(api, image, "/filter/gaussian", sigma=1.5, border="wrap", response="offset", stride=2)
    assert np.array_equal(shown, expected)


SETTINGS = [
    "#filter/emboss",
    "#filter/average?border=zero",
    "#filter/sobel?border=reflect",
    "#filter/kirsch?border=symmetric",
    "#filter/gaussian?sigma=1.3&border=wrap&stride=2",
    "#filter/gaussian?sigma=2&border=valid",
    "#filter/top-sobel?response=offset&dilation=3",
    "#filter/log?response=rescale",
    "#filter/edge?amount=0.35&bias=10",
    "#filter/emboss?behaviour=convolve&channels=luma",
    "#filter/custom?weights=1,2;3,4&divisor=auto&anchor=1,0&bias=-5%25",
    "#filter/laplacian?channels=gray&response=abs",
    "#filter/sharpen?channels=rb&stride=3,2",
    "#filter/blur?linear=true",
    "#filter/unsharp?amount=2.5",
]


def test_the_worked_out_pixel_is_the_pixel_of_the_api(page: Page, tmp_path: Path) -> None:
    open_filter_room(page, "#filter/identity")
    upload(page, save_photo(tmp_path, 61, 47))
    wrong = []
    for setting in [*SETTINGS, "#filter?operations=" + json.dumps(CHAIN)]:
        follow_link(page, setting + "&image=own" if "?" in setting else setting + "?image=own")
        height, width = read_result(page).shape[:2]
        for x, y in ((0, 0), (width - 1, height - 1), (width // 3, height // 2), (width // 2, height - 2)):
            page.evaluate(
                "([x, y]) => { location.hash = location.hash.replace(/&at=[^&]*/, '') + `&at=${x},${y}`; }", [x, y]
            )
            verdict = page.wait_for_function(
                "([x, y]) => document.querySelector('.where')?.textContent.startsWith(`Pixel ${x}, ${y} `)"
                " && document.querySelector('#filter-room').ariaBusy === 'false'"
                " && { ...document.querySelector('#inspected').dataset }",
                arg=[x, y],
            ).json_value()
            if verdict["worked"] != verdict["given"]:
                wrong.append((setting, (x, y), verdict))
    assert wrong == []


CHAIN = [{"kernel": "gaussian", "sigma": 1.5}, {"kernel": "top-sobel", "stride": 2, "response": "offset"}]


def test_a_change_just_before_leaving_does_not_overwrite_the_new_address(page: Page) -> None:
    open_filter_room(page, "#filter/blur")
    page.select_option("#zoom", "2")
    page.evaluate("location.hash = 'digits'")
    page.wait_for_timeout(600)
    assert page.evaluate("location.hash") == "#digits"


def test_hovering_and_arrow_keys_choose_the_pixel(page: Page) -> None:
    open_filter_room(page, "#filter/blur?zoom=4")
    page.locator("#compare .sheet").hover(position={"x": 4 * 30 + 2, "y": 4 * 20 + 2})
    expect(page.locator(".where")).to_contain_text("Pixel 30, 20")
    assert page.locator(".patch").evaluate("patch => [patch.style.left, patch.style.width]") == ["116px", "12px"]
    page.focus("#compare .viewer")
    page.locator("#compare .sheet").click(position={"x": 4 * 30 + 2, "y": 4 * 20 + 2})
    page.mouse.move(5, 5)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    expect(page.locator(".where")).to_contain_text("Pixel 31, 30")
    page.wait_for_url("**at=31,30*")


def test_a_chain_is_added_to_reordered_and_shortened(page: Page, api: httpx.Client) -> None:
    image = api.get("/samples/house.png").content
    open_filter_room(page, "#filter/gaussian?sigma=2")
    page.evaluate("document.querySelector('#filter-room').ariaBusy = 'true'")
    page.click("#add-step")
    wait_for_result(page)
    change(page, "#set-kernel", "edge")
    expected = filter_by_api(api, image, "/filter/gaussian,edge", sigma=2)
    assert np.array_equal(read_result(page), expected)
    page.get_by_role("button", name="Move edge up").click()
    page.wait_for_url(lambda url: unquote(url).find('"edge"') < unquote(url).find('"gaussian"') and "operations" in url)
    wait_for_result(page)
    assert np.array_equal(read_result(page), filter_by_api(api, image, "/filter/edge,gaussian", sigma=2))
    page.get_by_role("button", name="Remove gaussian").click()
    page.wait_for_url("**#filter/edge*")
    wait_for_result(page)
    assert np.array_equal(read_result(page), filter_by_api(api, image, "/filter/edge"))


def test_the_gallery_shows_every_kernel_and_opens_one(page: Page, api: httpx.Client) -> None:
    open_filter_room(page)
    page.locator("#gallery").scroll_into_view_if_needed()
    page.wait_for_selector(".tile")
    names = page.locator(".tile span").all_text_contents()
    kernels = api.get("/kernels").json()["kernels"]
    assert names == [kernel["name"] for kernel in kernels if kernel["source"] != "learned"]
    page.get_by_role("button", name="laplacian").click()
    page.wait_for_url("**#filter/laplacian*")
    wait_for_result(page)
    assert page.input_value("#set-kernel") == "laplacian"


def test_the_clipped_hint_offers_what_helps(page: Page) -> None:
    open_filter_room(page, "#filter/top-sobel?response=clip")
    expect(page.locator("#clipped")).to_contain_text("were cut off. Try abs, offset or rescale.")
    page.evaluate("document.querySelector('#filter-room').ariaBusy = 'true'")
    page.locator("#clipped").get_by_role("button", name="rescale").click()
    wait_for_result(page)
    assert page.input_value("#set-response") == "rescale"
    expect(page.locator("#clipped")).to_be_hidden()


def test_a_change_cancels_the_request_that_it_replaces(page: Page) -> None:
    open_filter_room(page, "#filter/gaussian")
    cancelled: list[str] = []
    page.on("requestfailed", lambda request: cancelled.append(request.url))
    page.route("**/filter/gaussian?sigma=5*", lambda route: None)  # never answered
    page.fill(".slider[data-parameter=sigma] .number", "5")
    page.wait_for_timeout(200)
    page.fill(".slider[data-parameter=sigma] .number", "1")
    wait_for_result(page)
    assert any("sigma=5" in url for url in cancelled)
    page.unroute_all(behavior="ignoreErrors")
