"""Editing weights."""

from pathlib import Path

import httpx
import numpy as np
from playwright.sync_api import Page, expect

from tests.support.page_actions import (
    filter_by_api,
    follow_link,
    mark_busy,
    open_filter_view,
    read_result,
    save_photo,
    set_value,
    upload,
    wait_for_result,
)

EDITS = {
    "Transpose": "1,4;2,5;3,6",
    "Rotate 90°": "4,1;5,2;6,3",
    "Mirror": "3,2,1;6,5,4",
    "Normalise": "1/21,2/21,1/7;4/21,5/21,2/7",
}


def test_edited_weight_is_applied(page: Page, api: httpx.Client, tmp_path: Path) -> None:
    photo = save_photo(tmp_path, 64, 48)
    open_filter_view(page, "#filter/blur")
    upload(page, photo)
    set_value(page, "[aria-label='row 2, column 2']", "1/4")
    assert page.input_value("#set-kernel") == "custom"
    weights = "1,2,1;2,1/4,2;1,2,1"
    assert np.array_equal(
        read_result(page), filter_by_api(api, photo.read_bytes(), "/filter/custom", weights=weights, divisor=16)
    )
    page.wait_for_url(f"**divisor=16&weights={weights}*")
    expect(page.locator("[aria-label='row 2, column 2']")).to_be_focused()


def test_custom_kernel_starts_from_the_selected_kernel(page: Page) -> None:
    open_filter_view(page, "#filter/blur")
    before = read_result(page)
    set_value(page, "#set-kernel", "custom")
    page.wait_for_url("**#filter/custom?*divisor=16*")
    assert np.array_equal(read_result(page), before)


def test_editor_transforms_the_weights(page: Page) -> None:
    open_filter_view(page)
    for button, weights in EDITS.items():
        follow_link(page, "#filter/custom?weights=1,2,3;4,5,6")
        mark_busy(page)
        page.get_by_role("button", name=button).click()
        wait_for_result(page)
        page.wait_for_url(f"**weights={weights}*")


def test_editor_grows_to_nine_by_nine(page: Page) -> None:
    open_filter_view(page, "#filter/sharpen")
    for label in ("Rows", "Columns"):
        mark_busy(page)
        page.get_by_label(label).select_option("9")
        wait_for_result(page)
    assert page.locator(".weights input").count() == 81
    assert page.input_value("[aria-label='row 5, column 5']") == "5"
    expect(page.locator("#size")).to_contain_text("(451 - 9 + 2×4)/1 + 1 = 451")
