"""Puzzles, learning from the user's own images, and errors."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.support.page_actions import draw_photo, read_canvas, wait_for_result

LONG_MS = 60_000
"""For a gradient descent on a busy machine."""


@pytest.fixture
def view(page: Page) -> Page:
    page.goto("/#learn")
    expect(page.locator("#learn-title")).to_be_visible()
    return page


def choose_pair(view: Page, folder: Path, before: Image.Image, after: Image.Image) -> None:
    for slot, image in (("before", before), ("after", after)):
        image.save(folder / f"{slot}.png")
        view.set_input_files(f"#{slot}-file", folder / f"{slot}.png")
        expect(view.locator(f"#{slot}-name")).to_contain_text(f"{slot}.png")


def test_puzzle_is_solved_by_descent_and_revealed(page: Page) -> None:
    page.goto("/#learn?hidden=emboss")
    expect(page.locator("#guess button")).to_have_count(4, timeout=LONG_MS)
    expect(page.locator("#step-count")).to_contain_text("loss", timeout=LONG_MS)
    first = read_canvas(page, "#kernels canvas")
    assert "emboss" not in page.locator("#learn-status").inner_text()
    page.get_by_role("button", name="emboss").click()
    expect(page.locator("#guessed")).to_have_text("Correct: emboss.")
    expect(page.locator("#learn-status")).to_have_text("Done. The kernel was emboss.", timeout=LONG_MS)
    expect(page.locator("#learned")).to_have_attribute("data-verdict", "kernel")
    expect(page.locator("#learned dd").first).to_have_text("emboss")
    assert np.abs(read_canvas(page, "#kernels canvas").astype(int) - first).max() > 20, (
        "the kernel changes during the descent"
    )
    points = page.locator("#loss polyline").get_attribute("points")
    assert points
    heights = [float(point.split(",")[1]) for point in points.split()]
    assert len(heights) > 10
    assert heights[-1] > heights[0] + 50, "the loss falls"
    expect(page.locator("#residual-share")).to_contain_text(
        "% of the pixels differ by more than 1 level", timeout=LONG_MS
    )


def test_own_images_give_fractions_and_a_filter(view: Page, tmp_path: Path) -> None:
    photo = draw_photo(160, 120)
    choose_pair(view, tmp_path, photo, Image.fromarray(cv2.blur(np.asarray(photo), (3, 3))))
    view.select_option("#learn-size", "3")
    view.get_by_label("Least squares").check()
    view.get_by_role("button", name="Learn", exact=True).click()
    expect(view.locator(".fractions td").first).to_have_text("1/9", timeout=LONG_MS)
    assert view.locator(".fractions td").all_inner_texts() == ["1/9"] * 9
    expect(view.locator("#learned dd").first).to_have_text("average")
    expect(view.locator("#residual-share")).to_contain_text("1 level", timeout=LONG_MS)
    left = read_canvas(view, "#residual canvas")
    assert left.shape == (120, 160, 3)
    assert left[2:-2, 2:-2].max() <= 16, "at most 1 level, amplified 16 times"
    view.locator("#use-kernel").click()
    wait_for_result(view)
    assert view.input_value("#set-divisor") == "9"
    assert view.locator(".weights input").count() == 9


def test_pair_without_a_kernel_is_explained(view: Page, tmp_path: Path) -> None:
    photo = draw_photo(160, 120)
    choose_pair(view, tmp_path, photo, photo.transpose(Image.Transpose.ROTATE_180))
    view.get_by_label("Least squares").check()
    view.get_by_role("button", name="Learn", exact=True).click()
    expect(view.locator("#learned-reason")).to_contain_text("turned or mirrored", timeout=LONG_MS)
    expect(view.locator("#learned")).to_have_attribute("data-verdict", "none")
    assert view.locator("#use-kernel").count() == 0


def test_images_of_different_sizes_are_rejected(view: Page, tmp_path: Path, errors: list[str]) -> None:
    choose_pair(view, tmp_path, draw_photo(160, 120), draw_photo(150, 120))
    view.get_by_role("button", name="Learn", exact=True).click()
    expect(view.locator("#learn-error")).to_contain_text("before is 160×120, after is 150×120", timeout=LONG_MS)
    errors.clear()


def test_descent_can_be_stopped(view: Page, tmp_path: Path) -> None:
    photo = draw_photo(400, 300)
    choose_pair(view, tmp_path, photo, Image.fromarray(cv2.GaussianBlur(np.asarray(photo), (31, 31), 5)))
    view.select_option("#learn-size", "31")
    view.get_by_role("button", name="Learn", exact=True).click()
    view.get_by_role("button", name="Stop").click()
    expect(view.locator("#learn-status")).to_have_text("Stopped.")
    expect(view.locator("#stop")).to_be_disabled()
    assert view.locator("#learned").is_hidden()
