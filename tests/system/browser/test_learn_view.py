"""Puzzles, learning from the user's own images, and errors."""

import re
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from tests.support.page_actions import draw_photo, filter_by_api, read_canvas, wait_for_result

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


def find_hidden_kernel(page: Page, api: httpx.Client) -> str:
    """The choice whose result, by the API, is what the puzzle shows."""
    sample = api.get("/samples/house.png").content
    shown = read_canvas(page, "#after-canvas")
    choices = page.locator("#guess .choice-of-kernel").all_inner_texts()
    fitting = [
        name
        for name in choices
        if any(
            np.array_equal(filter_by_api(api, sample, f"/filter/{name}", response=how), shown)
            for how in ("clip", "offset")
        )
    ]
    assert len(fitting) == 1, (choices, fitting)
    return fitting[0]


def open_puzzle(page: Page, seed: int) -> None:
    page.goto(f"/#learn?puzzle={seed}")
    expect(page.locator("#guess .choice-of-kernel")).to_have_count(4, timeout=LONG_MS)


def test_puzzle_keeps_its_answer_until_the_right_guess(page: Page, api: httpx.Client) -> None:
    open_puzzle(page, 9)
    hidden = find_hidden_kernel(page, api)
    page.wait_for_timeout(1000)
    assert page.locator("#forming-kernels canvas").count() == 0, "nothing is learned before somebody asks for it"
    page.click("#start-learning")
    expect(page.locator("#step-count")).to_contain_text("loss", timeout=LONG_MS)
    first = read_canvas(page, "#forming-kernels canvas")
    expect(page.locator("#learn-status")).to_have_text("Done. Which kernel is it?", timeout=LONG_MS)
    assert page.locator("#learned").is_hidden()
    wrong = next(name for name in page.locator("#guess .choice-of-kernel").all_inner_texts() if name != hidden)
    page.get_by_role("button", name=wrong, exact=True).click()
    expect(page.locator("#guessed")).to_have_text(f"No, it is not {wrong}.")
    assert page.locator("#learned").is_hidden()
    page.get_by_role("button", name=hidden, exact=True).click()
    expect(page.locator("#guessed")).to_have_text(f"Correct: {hidden}.")
    expect(page.locator("#learn-status")).to_have_text(f"Done. The kernel was {hidden}.")
    expect(page.locator("#learned")).to_have_attribute("data-verdict", "kernel")
    expect(page.locator("#learned dd").first).to_have_text(hidden)
    assert np.abs(read_canvas(page, "#forming-kernels canvas").astype(int) - first).max() > 20, (
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


def test_answer_is_shown_on_request(page: Page, api: httpx.Client) -> None:
    open_puzzle(page, 5)
    hidden = find_hidden_kernel(page, api)
    page.get_by_label("Least squares").check()
    page.click("#start-learning")
    expect(page.locator("#learn-status")).to_have_text("Done. Which kernel is it?", timeout=LONG_MS)
    page.click("#show-answer")
    expect(page.locator("#guessed")).to_have_text(f"The kernel is {hidden}.")
    expect(page.locator("#learned dd").first).to_have_text(hidden)


def test_link_to_a_puzzle_has_a_seed_instead_of_the_answer(view: Page, context: BrowserContext) -> None:
    """The view opens with a puzzle. Its link shows the same puzzle to somebody else."""
    expect(view.locator("#guess .choice-of-kernel")).to_have_count(4, timeout=LONG_MS)
    assert re.search(r"#learn\?puzzle=\d+$", view.url)
    for selector in ("#before-canvas", "#after-canvas"):
        assert read_canvas(view, selector).std() > 1
    other = context.new_page()
    other.goto(view.url)
    expect(other.locator("#guess .choice-of-kernel")).to_have_count(4, timeout=LONG_MS)
    assert np.array_equal(read_canvas(other, "#after-canvas"), read_canvas(view, "#after-canvas"))
    choices = "#guess .choice-of-kernel"
    assert other.locator(choices).all_inner_texts() == view.locator(choices).all_inner_texts()
    other.close()
    first = view.url
    view.click("#new-puzzle")
    view.wait_for_function("url => location.href !== url", arg=first)
    view.go_back()
    assert view.url == first


def test_seeds_hide_different_kernels(view: Page) -> None:
    hidden = view.evaluate("""async () => {
      const { makePuzzle } = await import("/static/js/learn/kernel-puzzle.js");
      return Array.from({ length: 400 }, (_, seed) => makePuzzle(String(seed)).hidden);
    }""")
    counts = np.array([hidden.count(name) for name in set(hidden)])
    assert len(counts) == 11
    assert ((counts - 400 / 11) ** 2 / (400 / 11)).sum() < 29.6, "chi-squared, 10 degrees of freedom, p = 0.001"


def test_images_guesses_and_kernel_fit_on_one_screen(page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    open_puzzle(page, 9)
    page.get_by_label("Least squares").check()
    page.click("#start-learning")
    expect(page.locator("#forming-kernels canvas")).to_be_visible(timeout=LONG_MS)
    for selector in ("#before-canvas", "#after-canvas", "#forming-kernels canvas", "#guess", "#start-learning"):
        box = page.locator(selector).bounding_box()
        assert box, selector
        assert box["y"] + box["height"] <= 720, selector
    expect(page.locator("#learn-status")).to_contain_text("Done", timeout=LONG_MS)


def test_own_images_survive_other_views_and_a_puzzle(view: Page, tmp_path: Path) -> None:
    expect(view.locator("#guess .choice-of-kernel")).to_have_count(4, timeout=LONG_MS)
    choose_pair(view, tmp_path, draw_photo(60, 50), draw_photo(60, 50, seed=9))
    assert view.locator("#guess").is_hidden()
    own = read_canvas(view, "#after-canvas")
    view.get_by_role("link", name="Digits").click()
    view.get_by_role("link", name="Learn").click()
    assert np.array_equal(read_canvas(view, "#after-canvas"), own)
    view.click("#new-puzzle")
    expect(view.locator("#guess")).to_be_visible(timeout=LONG_MS)
    view.go_back()
    expect(view.locator("#guess")).to_be_hidden()
    assert np.array_equal(read_canvas(view, "#after-canvas"), own)
    assert view.locator("#start-learning").is_enabled()


def test_lost_connection_is_explained_and_the_descent_repeated(page: Page, errors: list[str]) -> None:
    open_puzzle(page, 9)
    page.get_by_label("Least squares").check()
    page.route("**/learn?*", lambda route: route.abort())
    page.click("#start-learning")
    expect(page.locator("#learn-error")).to_contain_text("The service is not responding")
    page.unroute_all()
    page.locator("#learn-error").get_by_role("button", name="Try again").click()
    expect(page.locator("#learn-status")).to_contain_text("Done", timeout=LONG_MS)
    expect(page.locator("#learn-error")).to_be_empty()
    errors.clear()


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
