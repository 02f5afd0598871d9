"""The computation of one pixel."""

import json
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.support.page_actions import (
    follow_link,
    open_filter_view,
    read_result,
    save_photo,
    upload,
)

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
    "#filter/median?size=5&border=wrap&dilation=2&amount=0.5",
]


CHAIN = [{"kernel": "gaussian", "sigma": 1.5}, {"kernel": "top-sobel", "stride": 2, "response": "offset"}]


def test_computed_pixel_is_the_pixel_of_the_api(page: Page, tmp_path: Path) -> None:
    open_filter_view(page, "#filter/identity")
    upload(page, save_photo(tmp_path, 61, 47))
    wrong = []
    for setting in [*SETTINGS, "#filter?operations=" + json.dumps(CHAIN)]:
        follow_link(page, setting + "&image=own" if "?" in setting else setting + "?image=own")
        height, width = read_result(page).shape[:2]
        for x, y in ((0, 0), (width - 1, height - 1), (width // 3, height // 2), (width // 2, height - 2)):
            page.evaluate(
                "([x, y]) => { location.hash = location.hash.replace(/&at=[^&]*/, '') + `&at=${x},${y}`; }", [x, y]
            )
            check = page.wait_for_function(
                "([x, y]) => document.querySelector('.pixel-position')?.textContent.startsWith(`Pixel ${x}, ${y} `)"
                " && document.querySelector('#filter-view').ariaBusy === 'false'"
                " && { ...document.querySelector('#inspected').dataset }",
                arg=[x, y],
            ).json_value()
            if check["computed"] != check["returned"]:
                wrong.append((setting, (x, y), check))
    assert wrong == []


def test_pointer_and_arrow_keys_move_the_inspected_pixel(page: Page) -> None:
    open_filter_view(page, "#filter/blur?zoom=4")
    page.locator("#inspector").scroll_into_view_if_needed()
    page.locator("#compare .images").hover(position={"x": 4 * 30 + 2, "y": 4 * 20 + 2})
    expect(page.locator(".pixel-position")).to_contain_text("Pixel 30, 20")
    assert page.locator(".patch").evaluate("patch => [patch.style.left, patch.style.width]") == ["116px", "12px"]
    page.focus("#compare .viewer")
    page.locator("#compare .images").click(position={"x": 4 * 30 + 2, "y": 4 * 20 + 2})
    page.mouse.move(5, 5)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    expect(page.locator(".pixel-position")).to_contain_text("Pixel 31, 30")
    page.wait_for_url("**at=31,30*")
