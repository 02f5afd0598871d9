"""The filters view: comparison slider, chains, gallery, links and requests."""

import re
from urllib.parse import unquote

import httpx
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.page_actions import (
    filter_by_api,
    follow_link,
    mark_busy,
    open_filter_view,
    read_result,
    set_value,
    wait_for_result,
)


def test_dividing_line_follows_mouse_and_keyboard(page: Page) -> None:
    open_filter_view(page, "#filter/emboss?view=image")
    box = page.locator("#compare .viewer").bounding_box()
    knob = page.locator(".handle span").bounding_box()
    assert box
    assert knob
    page.mouse.move(knob["x"] + 18, knob["y"] + 18)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.25 * box["width"], knob["y"], steps=4)
    page.mouse.up()
    assert page.input_value("#split") == "25"
    line = page.locator(".after-layer").evaluate(
        "layer => { const box = layer.getBoundingClientRect();"
        " return box.left + box.width * parseFloat(layer.style.clipPath.split(' ').at(-1)) / 100; }"
    )
    assert line == pytest.approx(box["x"] + 0.25 * box["width"], abs=3)
    page.wait_for_url("**split=25*")
    page.focus("#split")
    page.keyboard.press("ArrowRight")
    assert page.input_value("#split") == "26"
    page.wait_for_url("**split=26*")


def test_zoom_shows_pixels_as_squares(page: Page) -> None:
    open_filter_view(page, "#filter/emboss?zoom=8")
    style = page.locator("canvas.after").evaluate(
        "canvas => [getComputedStyle(canvas).imageRendering, canvas.getBoundingClientRect().width / canvas.width]"
    )
    assert style == ["pixelated", 8]


def test_link_contains_the_whole_setting(browser: Browser, page: Page, site: str, api: httpx.Client) -> None:
    open_filter_view(page, "#filter/gaussian")
    page.click("[data-sample=chart]")
    set_value(page, "#set-border", "wrap")
    set_value(page, "#set-response", "offset")
    set_value(page, "#set-stride", "2")
    set_value(page, ".slider[data-parameter=sigma] .number", "1.5")
    page.click("#show-image")
    page.select_option("#zoom", "2")
    page.locator("#compare .images").click(position={"x": 40, "y": 40})
    page.wait_for_url(re.compile("sigma=1.5.*at=|at=.*sigma=1.5"))
    with browser.new_page() as other:
        other.goto(page.url)
        wait_for_result(other)
        assert other.input_value("#set-border") == "wrap"
        assert other.input_value("#set-stride") == "2"
        assert other.input_value("#zoom") == "2"
        other.locator("#inspector").scroll_into_view_if_needed()
        assert other.text_content(".pixel-position") == page.text_content(".pixel-position")
        shown = read_result(other)
    image = api.get("/samples/chart.png").content
    expected = filter_by_api(api, image, "/filter/gaussian", sigma=1.5, border="wrap", response="offset", stride=2)
    assert np.array_equal(shown, expected)


def test_late_change_does_not_overwrite_a_new_address(page: Page) -> None:
    open_filter_view(page, "#filter/blur?view=image")
    page.select_option("#zoom", "2")
    page.evaluate("location.hash = 'digits'")
    page.wait_for_timeout(600)
    assert page.evaluate("location.hash") == "#digits"


def test_steps_are_added_moved_and_removed(page: Page, api: httpx.Client) -> None:
    image = api.get("/samples/house.png").content
    open_filter_view(page, "#filter/gaussian?sigma=2&image=house")
    mark_busy(page)
    page.click("#add-step")
    wait_for_result(page)
    set_value(page, "#set-kernel", "edge")
    expected = filter_by_api(api, image, "/filter/gaussian,edge", sigma=2)
    assert np.array_equal(read_result(page), expected)
    page.get_by_role("button", name="Move edge up").click()
    page.wait_for_url(lambda url: unquote(url).find('"edge"') < unquote(url).find('"gaussian"') and "operations" in url)
    wait_for_result(page)
    assert np.array_equal(read_result(page), filter_by_api(api, image, "/filter/edge,gaussian", sigma=2))
    page.locator("#chain .step-name", has_text="gaussian").click()
    page.get_by_role("button", name="Remove gaussian").click()
    page.wait_for_url("**#filter/edge*")
    wait_for_result(page)
    assert np.array_equal(read_result(page), filter_by_api(api, image, "/filter/edge"))


def test_gallery_shows_every_kernel_and_opens_one(page: Page, api: httpx.Client) -> None:
    open_filter_view(page)
    page.locator("#gallery").scroll_into_view_if_needed()
    page.wait_for_selector(".tile")
    # Kernels with the same weights share a tile.
    names = [name for label in page.locator(".tile span").all_text_contents() for name in label.split(", ")]
    kernels = api.get("/kernels").json()["kernels"]
    assert sorted(names) == sorted(kernel["name"] for kernel in kernels if kernel["source"] != "learned")
    page.get_by_role("button", name="laplacian").click()
    page.wait_for_url("**#filter/laplacian*")
    wait_for_result(page)
    assert page.input_value("#set-kernel") == "laplacian"


def test_clipping_hint_offers_other_responses(page: Page) -> None:
    open_filter_view(page, "#filter/top-sobel?response=clip")
    expect(page.locator("#clipped")).to_contain_text("are clipped. Try abs, offset or rescale.")
    mark_busy(page)
    page.locator("#clipped").get_by_role("button", name="rescale").click()
    wait_for_result(page)
    assert page.input_value("#set-response") == "rescale"
    expect(page.locator("#clipped")).to_be_hidden()


def test_unknown_step_is_left_to_the_service(page: Page, api: httpx.Client, errors: list[str]) -> None:
    listed = api.get("/kernels").json()
    listed["kernels"] = [kernel for kernel in listed["kernels"] if kernel["name"] != "blur"]
    page.route("**/kernels", lambda route: route.fulfill(json=listed))
    page.route("**/kernels/blur*", lambda route: route.fulfill(status=404, json={"detail": "unknown", "status": 404}))
    open_filter_view(page, "#filter/identity?image=house")
    follow_link(page, "#filter/blur,emboss?image=house")
    expected = filter_by_api(api, api.get("/samples/house.png").content, "/filter/blur,emboss")
    assert np.array_equal(read_result(page), expected)
    expect(page.locator("#sum")).to_contain_text("A step of this chain is not worked out here")
    expect(page.locator("#filter-error")).to_be_empty()
    page.get_by_role("tab", name="SciPy").click()
    expect(page.locator("#snippet-note")).to_have_text("Not available: a step of this chain is no kernel.")
    page.unroute_all()
    follow_link(page, "#filter/edge?image=house")
    expect(page.locator("#sum .check")).to_have_text("✓ service agrees")
    errors[:] = [error for error in errors if "404" not in error]


def test_change_aborts_the_previous_request(page: Page) -> None:
    open_filter_view(page, "#filter/gaussian")
    cancelled: list[str] = []
    page.on("requestfailed", lambda request: cancelled.append(request.url))
    page.route("**/filter/gaussian?sigma=5*", lambda route: None)  # never answered
    page.fill(".slider[data-parameter=sigma] .number", "5")
    page.wait_for_timeout(200)
    page.fill(".slider[data-parameter=sigma] .number", "1")
    wait_for_result(page)
    assert any("sigma=5" in url for url in cancelled)
    page.unroute_all(behavior="ignoreErrors")


def test_kernels_without_listed_weights_are_filtered(page: Page, api: httpx.Client) -> None:
    open_filter_view(page, "#filter/identity?image=house")
    house = api.get("/samples/house.png").content
    for setting, path, query, message in (
        ("#filter/median?image=house", "/filter/median", {}, "the middle of the sorted pixels"),
        (
            "#filter/gaussian?sigma=30&image=house",
            "/filter/gaussian",
            {"sigma": 30},
            "181 × 181 weights, too many to list",
        ),
    ):
        follow_link(page, setting)
        assert np.array_equal(read_result(page), filter_by_api(api, house, path, **query))
        expect(page.locator("#board")).to_contain_text(message)
        expect(page.locator("#filter-error")).to_be_empty()
    set_value(page, "#set-sigma + .number", "3")
    wait_for_result(page)
    assert np.array_equal(read_result(page), filter_by_api(api, house, "/filter/gaussian", sigma=3))
    expect(page.locator("#inspected")).to_contain_text("Match")
