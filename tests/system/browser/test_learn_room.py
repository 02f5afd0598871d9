"""A hidden kernel forms under gradient descent; two images of one's own; and what goes wrong."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.support.rooms import draw_photo, read_canvas, wait_for_result

LONG_MS = 60_000
"""A descent on a machine that does other things, too."""


@pytest.fixture
def room(page: Page) -> Page:
    page.goto("/#learn")
    expect(page.locator("#learn-title")).to_be_visible()
    return page


def choose_pair(room: Page, folder: Path, before: Image.Image, after: Image.Image) -> None:
    for slot, image in (("before", before), ("after", after)):
        image.save(folder / f"{slot}.png")
        room.set_input_files(f"#{slot}-file", folder / f"{slot}.png")
        expect(room.locator(f"#{slot}-name")).to_contain_text(f"{slot}.png")


def test_a_hidden_kernel_forms_and_is_told_at_the_end(page: Page) -> None:
    page.goto("/#learn?hidden=emboss")
    expect(page.locator("#guess button")).to_have_count(4, timeout=LONG_MS)
    expect(page.locator("#step-count")).to_contain_text("loss", timeout=LONG_MS)
    first = read_canvas(page, "#kernels canvas")
    assert "emboss" not in page.locator("#learn-status").inner_text()
    page.get_by_role("button", name="emboss").click()
    expect(page.locator("#guessed")).to_have_text("Yes: emboss.")
    expect(page.locator("#learn-status")).to_have_text("Done. It was emboss.", timeout=LONG_MS)
    expect(page.locator("#lesson")).to_have_attribute("data-verdict", "kernel")
    expect(page.locator("#lesson dd").first).to_have_text("emboss")
    assert np.abs(read_canvas(page, "#kernels canvas").astype(int) - first).max() > 20, "it has changed while watched"
    points = page.locator("#loss polyline").get_attribute("points")
    assert points
    heights = [float(point.split(",")[1]) for point in points.split()]
    assert len(heights) > 10
    assert heights[-1] > heights[0] + 50, "further down is less"
    expect(page.locator("#residual-share")).to_contain_text(
        "% of the pixels differ by more than 1 level", timeout=LONG_MS
    )


def test_a_pair_of_ones_own_gives_fractions_and_a_filter(room: Page, tmp_path: Path) -> None:
    photo = draw_photo(160, 120)
    choose_pair(room, tmp_path, photo, Image.fromarray(cv2.blur(np.asarray(photo), (3, 3))))
    room.select_option("#learn-size", "3")
    room.get_by_label("Least squares").check()
    room.get_by_role("button", name="Learn", exact=True).click()
    expect(room.locator(".fractions td").first).to_have_text("1/9", timeout=LONG_MS)
    assert room.locator(".fractions td").all_inner_texts() == ["1/9"] * 9
    expect(room.locator("#lesson dd").first).to_have_text("average")
    expect(room.locator("#residual-share")).to_contain_text("1 level", timeout=LONG_MS)
    left = read_canvas(room, "#residual canvas")
    assert left.shape == (120, 160, 3)
    assert left[2:-2, 2:-2].max() <= 16, "at most a level, 16 times as strong"
    room.locator("#use-kernel").click()
    wait_for_result(room)
    assert room.input_value("#set-divisor") == "9"
    assert room.locator(".weights input").count() == 9


def test_what_is_no_kernel_is_said(room: Page, tmp_path: Path) -> None:
    photo = draw_photo(160, 120)
    choose_pair(room, tmp_path, photo, photo.transpose(Image.Transpose.ROTATE_180))
    room.get_by_label("Least squares").check()
    room.get_by_role("button", name="Learn", exact=True).click()
    expect(room.locator("#lesson-reason")).to_contain_text("turned or mirrored", timeout=LONG_MS)
    expect(room.locator("#lesson")).to_have_attribute("data-verdict", "none")
    assert room.locator("#use-kernel").count() == 0


def test_images_that_cannot_be_compared_are_refused(room: Page, tmp_path: Path, errors: list[str]) -> None:
    choose_pair(room, tmp_path, draw_photo(160, 120), draw_photo(150, 120))
    room.get_by_role("button", name="Learn", exact=True).click()
    expect(room.locator("#learn-error")).to_contain_text("before is 160×120, after is 150×120", timeout=LONG_MS)
    errors.clear()


def test_a_descent_is_stopped(room: Page, tmp_path: Path) -> None:
    photo = draw_photo(400, 300)
    choose_pair(room, tmp_path, photo, Image.fromarray(cv2.GaussianBlur(np.asarray(photo), (31, 31), 5)))
    room.select_option("#learn-size", "31")
    room.get_by_role("button", name="Learn", exact=True).click()
    room.get_by_role("button", name="Stop").click()
    expect(room.locator("#learn-status")).to_have_text("Stopped.")
    expect(room.locator("#stop")).to_be_disabled()
    assert room.locator("#lesson").is_hidden()
