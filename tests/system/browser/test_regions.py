"""Regions and masks in the filters view: drawn, moved, typed, in the address, and filtered as the API filters them."""

import io
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Page, expect

from kernels.errors import KernelParameterError
from kernels.regions import place_region
from tests.support.page_actions import (
    Pixels,
    decode,
    draw_photo,
    follow_link,
    mark_busy,
    open_filter_view,
    read_result,
    save_photo,
    set_value,
    upload,
    wait_for_result,
)

WIDTH, HEIGHT = 60, 45
AGREES = "0 of 2,700 pixels differ"


def open_photo(page: Page, folder: Path, setting: str = "#filter/blur?view=image") -> Path:
    path = save_photo(folder, WIDTH, HEIGHT)
    open_filter_view(page, setting)
    upload(page, path)
    page.wait_for_url("**image=own*")  # an entry of the history
    return path


def edit_regions(page: Page) -> None:
    page.click("#regions")
    page.wait_for_selector("#add-region")


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Between two places of the image, in its pixels."""
    box = page.locator(".images").bounding_box()
    assert box
    scale = box["width"] / WIDTH
    mark_busy(page)
    page.mouse.move(box["x"] + scale * start[0], box["y"] + scale * start[1])
    page.mouse.down()
    page.mouse.move(box["x"] + scale * end[0], box["y"] + scale * end[1], steps=4)
    page.mouse.up()
    wait_for_result(page)


def filter_region(api: httpx.Client, path: Path, route: str, mask: Path | None = None, **query: Any) -> Pixels:
    files = {"file": path.read_bytes(), **({"mask": mask.read_bytes()} if mask else {})}
    reply = api.post(route, params={**query, "format": "png"}, files=files)
    assert reply.status_code == 200, reply.text
    return decode(reply.content)


def expect_region(page: Page, path: Path, x: int, y: int, width: int, height: int) -> None:
    """Pixels outside are those of the file, and those inside are not."""
    result, photo = read_result(page), decode(path.read_bytes())
    inside = np.zeros((HEIGHT, WIDTH), bool)
    inside[y : y + height, x : x + width] = True
    assert np.array_equal(result[~inside], photo[~inside])
    assert (result[inside] != photo[inside]).any(axis=1).mean() > 0.5


def test_region_is_drawn_moved_and_resized_with_the_pointer(page: Page, api: httpx.Client, tmp_path: Path) -> None:
    path = open_photo(page, tmp_path)
    edit_regions(page)
    drag(page, (10.5, 8.5), (29.5, 19.5))
    expect(page.locator("#regions")).to_have_text("Regions (1)")
    expect(page.locator("#live-status")).to_contain_text(AGREES)
    expect_region(page, path, 10, 8, 20, 12)
    assert np.array_equal(read_result(page), filter_region(api, path, "/filter/blur", region="10,8,20,12"))
    drag(page, (20, 14), (23, 10))
    page.wait_for_url("**region=13,4,20,12*")
    expect_region(page, path, 13, 4, 20, 12)
    drag(page, (33, 16), (53, 41))
    page.wait_for_url("**region=13,4,40,37*")
    drag(page, (30, 20), (90, 20))  # beyond the edge
    page.wait_for_url("**region=20,4,40,37*")
    expect_region(page, path, 20, 4, 40, 37)
    drag(page, (2, 2), (8, 9))
    page.wait_for_url("**region=20,4,40,37;2,2,6,7*")
    page.get_by_role("button", name="Remove region 1").click()
    page.wait_for_url("**region=2,2,6,7*")
    expect_region(page, path, 2, 2, 6, 7)


def test_click_on_the_image_draws_no_region(page: Page, tmp_path: Path) -> None:
    open_photo(page, tmp_path)
    edit_regions(page)
    page.locator(".region-layer").click()
    expect(page.locator(".region-list li")).to_have_count(0)
    page.click("#regions")
    page.locator(".images").click()  # chooses a pixel again
    page.wait_for_url("**at=*")


def test_region_is_edited_with_the_keyboard(page: Page, tmp_path: Path) -> None:
    path = open_photo(page, tmp_path)
    page.focus("#regions")
    page.keyboard.press("Enter")
    page.wait_for_selector("#add-region")
    page.focus("#add-region")
    page.keyboard.press("Enter")
    page.wait_for_url("**region=22,17,15,11*")
    expect(page.locator("#region-box-1")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowUp")
    page.wait_for_url("**region=21,7,15,11*")
    page.keyboard.press("Tab")
    expect(page.locator("#region-corner-1")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+ArrowRight")
    page.wait_for_url("**region=21,7,25,12*")
    wait_for_result(page)
    expect_region(page, path, 21, 7, 25, 12)
    page.focus("#region-1-x")
    page.keyboard.press("ArrowDown")
    page.wait_for_url("**region=20,7,25,12*")
    expect(page.locator("#region-1-x")).to_be_focused()
    set_value(page, "#region-1-height", "40%")
    page.wait_for_url("**region=20,7,25,40%25*")
    expect(page.locator("#live-status")).to_contain_text(AGREES)
    expect_region(page, path, 20, 7, 25, 18)
    page.focus("#region-box-1")
    mark_busy(page)
    page.keyboard.press("Delete")
    wait_for_result(page)
    expect(page.locator("#regions")).to_have_text("Regions")
    assert (read_result(page) != decode(path.read_bytes())).any(axis=2).mean() > 0.5


def test_regions_are_undone_and_survive_tabs_and_links(page: Page, tmp_path: Path) -> None:
    path = open_photo(page, tmp_path)
    whole = read_result(page)
    edit_regions(page)
    drag(page, (10.5, 8.5), (29.5, 19.5))
    page.wait_for_url("**region=10,8,20,12*")
    page.click("[data-view=learn]")
    expect(page.locator("#learn-view")).to_be_visible()
    page.click("[data-view=filter]")
    wait_for_result(page)
    expect_region(page, path, 10, 8, 20, 12)
    mark_busy(page)
    page.click("#undo")
    wait_for_result(page)
    assert np.array_equal(read_result(page), whole)
    expect(page.locator(".region-list li")).to_have_count(0)
    mark_busy(page)
    page.click("#redo")
    wait_for_result(page)
    expect_region(page, path, 10, 8, 20, 12)
    follow_link(page, "#filter/blur?region=0,0,5,5;50%25,0,10,4&reads=region&view=image&image=own")
    expect(page.locator("#region-2-x")).to_have_value("50%")
    expect(page.locator("#reads")).to_have_value("region")
    mark_busy(page)
    page.click("[data-sample=coffee]")  # regions belong to the image
    wait_for_result(page)
    page.wait_for_url("**image=coffee*")
    assert "region" not in page.url
    mark_busy(page)
    page.click("#undo")
    wait_for_result(page)
    assert "region=0,0,5,5;50%25,0,10,4&reads=region" in page.url


def test_link_keeps_its_regions_for_the_image_that_it_waits_for(page: Page, tmp_path: Path) -> None:
    open_filter_view(page, "#filter/blur?region=10,8,20,12&image=own&view=image")
    expect(page.locator("#link-note")).to_contain_text("Choose your own")
    path = save_photo(tmp_path, WIDTH, HEIGHT)
    upload(page, path)
    expect_region(page, path, 10, 8, 20, 12)


def test_what_the_kernels_read_is_a_choice(page: Page, api: httpx.Client, tmp_path: Path) -> None:
    path = open_photo(page, tmp_path, "#filter/gaussian?sigma=3&border=zero&view=image")
    edit_regions(page)
    expect(page.locator("#reads")).to_have_count(0)
    drag(page, (10.5, 8.5), (29.5, 19.5))
    set_value(page, "#reads", "region")
    expect(page.locator("#live-status")).to_contain_text(AGREES)
    query: dict[str, Any] = {"sigma": 3, "border": "zero", "region": "10,8,20,12"}
    expected = filter_region(api, path, "/filter/gaussian", **query, reads="region")
    assert not np.array_equal(expected, filter_region(api, path, "/filter/gaussian", **query))
    assert np.array_equal(read_result(page), expected)


def test_mask_is_chosen_shown_and_left_out_of_the_link(page: Page, api: httpx.Client, tmp_path: Path) -> None:
    path = open_photo(page, tmp_path)
    mask = np.tile(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, 1))
    mask[:, :20] = 0
    Image.fromarray(mask).save(tmp_path / "mask.png")
    Image.fromarray(mask[:-1]).save(tmp_path / "other.png")
    edit_regions(page)
    page.set_input_files("#mask-file", tmp_path / "other.png")
    expect(page.locator("#area-error")).to_contain_text("60 × 44 pixels, the image 60 × 45")
    mark_busy(page)
    page.set_input_files("#mask-file", tmp_path / "mask.png")
    wait_for_result(page)
    expect(page.locator("#mask-name")).to_have_text("mask.png (not part of the link)")
    expected = filter_region(api, path, "/filter/blur", tmp_path / "mask.png")
    assert np.array_equal(read_result(page), expected)
    assert np.array_equal(expected[:, :20], decode(path.read_bytes())[:, :20])
    shade = page.locator(".mask-shade").evaluate(
        "canvas => [...canvas.getContext('2d').getImageData(0, 0, 60, 1).data]"
    )
    assert shade[3] > 100
    assert shade[-1] == 0
    drag(page, (25.5, 8.5), (49.5, 29.5))
    expected = filter_region(api, path, "/filter/blur", tmp_path / "mask.png", region="25,8,25,22")
    assert np.array_equal(read_result(page), expected)
    expect(page.locator("#live-status")).to_contain_text("Computed by the service.")
    page.wait_for_url("**mask=mask-1*")
    with page.expect_download() as download:
        page.click("#to-download")
    assert np.array_equal(decode(Path(download.value.path()).read_bytes()), expected)
    page.reload()
    wait_for_result(page)
    expect(page.locator("#area-note")).to_contain_text("made with a mask that it does not include")


def test_regions_of_a_reduced_image_are_in_pixels_of_the_original(page: Page, tmp_path: Path) -> None:
    draw_photo(1600, 800).save(tmp_path / "large.png")
    open_filter_view(page, "#filter/edge?view=image")
    upload(page, tmp_path / "large.png")
    edit_regions(page)
    mark_busy(page)
    page.click("#add-region")
    page.wait_for_url("**region=600,300,400,200*")
    wait_for_result(page)
    shown = read_result(page)
    assert shown.shape == (500, 1000, 3)
    expect(page.locator("#area-note")).to_contain_text("The file is 1.6 times as large as what is shown.")
    page.click("#regions")
    follow_link(page, "#filter/edge?view=image&image=own")
    whole = read_result(page)
    changed = (shown != whole).any(axis=2)
    assert not changed[188:312, 375:625].any()
    changed[187:313, 374:626] = True
    assert changed.mean() > 0.9
    follow_link(page, "#filter/edge?view=image&image=own&region=600,300,400,200")
    with page.expect_download() as download:
        page.click("#to-download")
    result = decode(Path(download.value.path()).read_bytes())
    photo = np.asarray(draw_photo(1600, 800))
    differs = (result != photo).any(axis=2)
    assert differs[300:500, 600:1000].mean() > 0.9
    differs[300:500, 600:1000] = False
    assert not differs.any()


def test_errors_are_shown_at_the_regions(page: Page, errors: list[str], tmp_path: Path) -> None:
    open_photo(page, tmp_path)
    edit_regions(page)
    drag(page, (10.5, 8.5), (29.5, 19.5))
    mark_busy(page)
    page.fill("#region-1-width", "55")
    expect(page.locator("#area-error")).to_contain_text("x 10 to 65, y 8 to 20 in an image of 60 × 45 pixels")
    expect(page.locator("#filter-error")).to_contain_text("Regions: see the message there.")
    set_value(page, "#region-1-width", "20")
    expect(page.locator("#area-error")).to_be_empty()
    page.select_option("#set-stride", "2")
    expect(page.locator("#area-error")).to_contain_text("the size must stay: use stride=1")
    errors.clear()  # the browser logs the status 422
    set_value(page, "#set-stride", "1")
    expect(page.locator("#filter-error")).to_be_empty()


def test_pixel_outside_of_the_regions_is_said_to_keep_its_value(page: Page, tmp_path: Path) -> None:
    open_photo(page, tmp_path)
    edit_regions(page)
    drag(page, (10.5, 8.5), (29.5, 19.5))
    page.wait_for_url("**region=10,8,20,12*")
    follow_link(page, page.evaluate("location.hash") + "&at=40,30")
    expect(page.locator("#inspector")).to_have_text("Pixel 40, 30 is outside the regions. It keeps its value.")
    follow_link(page, page.evaluate("location.hash").replace("at=40,30", "at=15,12"))
    expect(page.locator("#inspected")).to_have_class("check same")
    follow_link(page, page.evaluate("location.hash").replace("view=image&", ""))
    expect(page.locator("#area-note")).to_contain_text("The bench shows the step on all of it.")
    expect(page.locator("#sum .check")).to_have_class("check same")


def test_accuracy_is_a_choice_for_long_blurs(page: Page) -> None:
    open_filter_view(page, "#filter/gaussian?sigma=3&view=image")
    expect(page.locator("#set-exact")).to_be_hidden()
    set_value(page, ".slider[data-parameter=sigma] .number", "30")
    expect(page.locator("#set-exact")).to_be_visible()
    with page.expect_response("**/filter/gaussian?sigma=30&exact=false*") as reply:
        page.select_option("#set-exact", "false")
    assert "convolve=interpolated" in reply.value.headers["x-convserve-path"]


REGIONS = [
    "0,0,60,45", "3,4,5,6", "10%,10%,50%,25%", "12.5%,0,87.5%,100%", "0.8333%,1,1e1%,.5e1%", "59,44,1,1", "60,0,1,1",
    "-1,0,5,5", "0,0,0,5", "1,2,3", "1,2,3,x", "1.5,2,3,4", "50%,50%,50.9%,50%", "0,0,1%,1%", "",
]  # fmt: skip


def test_regions_have_the_place_that_the_service_gives_them(page: Page) -> None:
    """Its rules are in kernels/regions.py."""
    page.goto("/")
    placed = page.evaluate(
        """async regions => {
          const { placeRegion } = await import("/static/js/filters/area/area.js");
          return regions.map((region) => {
            try { const { x, y, width, height } = placeRegion(region, 60, 45); return [x, y, width, height]; }
            catch { return null; }
          });
        }""",
        REGIONS,
    )
    assert [place is None for place in placed].count(True) == 9
    for region, place in zip(REGIONS, placed, strict=True):
        assert place == place_by_service(region), region


def place_by_service(region: str) -> list[int] | None:
    from kernels.regions import parse_regions

    try:
        one = place_region(parse_regions(region)[0], WIDTH, HEIGHT)
    except (ValueError, KernelParameterError):
        return None
    return [one.left, one.top, one.width, one.height]


@pytest.mark.parametrize(("width", "height", "scheme"), [(1280, 720, "light"), (390, 844, "dark")])
def test_editor_of_regions_is_accessible_and_fits(page: Page, width: int, height: int, scheme: Any) -> None:
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme)
    open_filter_view(page, "#filter/gaussian?sigma=8&region=100,50,150,200;300,20,100,100&view=image")
    edit_regions(page)
    expect(page.locator(".region")).to_have_count(2)
    found = Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    shown = page.locator(".viewer").bounding_box()
    assert shown
    assert shown["height"] > 150


def test_regions_are_drawn_by_touch(page: Page) -> None:
    """A finger draws instead of scrolling."""
    open_filter_view(page, "#filter/blur?view=image")
    edit_regions(page)
    assert page.locator(".region-layer").evaluate("layer => getComputedStyle(layer).touchAction") == "none"
    session = page.context.new_cdp_session(page)
    box = page.locator(".images").bounding_box()
    assert box
    for kind, place in (("touchStart", 0.2), ("touchMove", 0.4), ("touchMove", 0.6), ("touchEnd", None)):
        points = (
            [] if place is None else [{"x": box["x"] + place * box["width"], "y": box["y"] + place * box["height"]}]
        )
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    page.wait_for_url("**region=90,60,181,120*")
    wait_for_result(page)
    png = page.locator("canvas.after").screenshot()
    assert Image.open(io.BytesIO(png)).size[0] > 100
