"""Opening images in the filters view: files, drops, the clipboard, the camera and links."""

from pathlib import Path

import httpx
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.support.page_actions import (
    decode,
    draw_photo,
    filter_by_api,
    mark_busy,
    open_filter_view,
    read_canvas,
    read_result,
    save_photo,
    upload,
    wait_for_result,
)


def test_uploaded_image_shows_the_pixels_of_the_api(page: Page, api: httpx.Client, tmp_path: Path) -> None:
    photo = save_photo(tmp_path, 90, 70)
    open_filter_view(page, "#filter/sharpen?border=zero")
    upload(page, photo)
    assert np.array_equal(read_canvas(page, "canvas.before"), np.asarray(draw_photo(90, 70)))
    expected = filter_by_api(api, photo.read_bytes(), "/filter/sharpen", border="zero")
    assert np.array_equal(read_result(page), expected)
    assert not np.array_equal(expected, np.asarray(draw_photo(90, 70)))
    expect(page.locator("#status")).to_contain_text("90 × 70 → 90 × 70")


def test_large_photo_is_reduced_for_the_preview(page: Page, tmp_path: Path) -> None:
    photo = tmp_path / "large.jpg"
    draw_photo(1500, 900).save(photo, quality=80)
    open_filter_view(page, "#filter/blur")
    upload(page, photo)
    expect(page.locator("#image-note")).to_have_text(
        "large.jpg, 1500 × 900: scaled down to 1000 × 600 for the preview. “Full size” filters the original."
    )
    assert read_result(page).shape == (600, 1000, 3)
    page.select_option("#full-format", "png")
    page.click("#full")
    expect(page.locator("#full-result")).to_contain_text("1500 × 900")
    with page.expect_download() as download:
        page.click("#full-link")
    assert download.value.suggested_filename == "large-blur.png"
    assert decode(Path(download.value.path()).read_bytes()).shape == (900, 1500, 3)


def test_format_unknown_to_the_browser_is_converted(page: Page, tmp_path: Path) -> None:
    photo = tmp_path / "scan.tiff"
    draw_photo(40, 30).save(photo)
    open_filter_view(page, "#filter/identity")
    upload(page, photo)
    assert np.array_equal(read_result(page), np.asarray(draw_photo(40, 30)))


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_image_is_dropped_or_pasted(page: Page, tmp_path: Path, kind: str) -> None:
    photo = save_photo(tmp_path, 30, 20)
    open_filter_view(page, "#filter/identity")
    mark_busy(page)
    page.evaluate(
        """([kind, bytes]) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], "given.png", { type: "image/png" }));
          const event = kind === "drop" ? new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true })
            : new ClipboardEvent("paste", { clipboardData: data, bubbles: true });
          document.body.dispatchEvent(event);
        }""",
        [kind, list(photo.read_bytes())],
    )
    wait_for_result(page)
    assert np.array_equal(read_result(page), np.asarray(draw_photo(30, 20)))
    expect(page.locator("#image-note")).to_have_text("given.png, 30 × 20")


def test_image_is_taken_with_the_camera(page: Page) -> None:
    open_filter_view(page, "#filter/identity")
    page.click("#camera")
    page.wait_for_function("() => document.querySelector('dialog video')?.videoWidth > 0")
    mark_busy(page)
    page.get_by_role("button", name="Take photo").click()
    wait_for_result(page)
    expect(page.locator("#image-note")).to_contain_text("photo.png")
    assert page.locator("dialog").count() == 0
    assert read_result(page).std() > 1


def test_link_to_an_image_it_does_not_include_is_explained(page: Page) -> None:
    open_filter_view(page, "#filter/edge?image=own")
    expect(page.locator("#link-note")).to_contain_text("Choose your own")
    assert page.input_value("#set-kernel") == "edge"
