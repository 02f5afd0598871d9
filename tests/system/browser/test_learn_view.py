"""Puzzles, learning from the user's own images, and errors."""

import re
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import scipy.ndimage
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from tests.support.page_actions import Pixels, draw_photo, read_canvas, wait_for_result

LONG_MS = 60_000
"""For a gradient descent on a busy machine."""
READ_CELLS = "cells => cells.map((cell) => [cell.className, cell.firstChild.value])"


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


def read_answer(page: Page, seed: int) -> tuple[str, NDArray[np.float64], int]:
    """Name, weights and bias of the hidden kernel, which the page's module knows and `GET /kernels` lists."""
    puzzle = page.evaluate(
        """async (seed) => (await import("/static/js/learn/kernel-puzzle.js")).makePuzzle({ seed: String(seed) })""",
        seed,
    )
    kernel = page.request.get(f"/kernels/{puzzle['hidden']}").json()
    return puzzle["hidden"], np.array(kernel["weights"]) / kernel["divisor"], puzzle["bias"]


def find_seed(page: Page, name: str) -> int:
    """The first puzzle that hides this kernel."""
    page.goto("/#learn")
    seed: int = page.evaluate(
        """async (name) => {
          const { makePuzzle } = await import("/static/js/learn/kernel-puzzle.js");
          for (let seed = 0; ; seed++) if (makePuzzle({ seed: String(seed) }).hidden === name) return seed;
        }""",
        name,
    )
    return seed


def open_puzzle(page: Page, seed: int, easy: bool = False) -> None:
    page.goto(f"/#learn?puzzle={seed}{'&free=1' * easy}")
    expect(page.locator("#guess .choice-of-kernel")).to_have_count(0 if easy else 4, timeout=LONG_MS)
    expect(page.locator("#own-loss")).to_contain_text("loss", timeout=LONG_MS)


def set_weights(page: Page, weights: NDArray[np.float64]) -> None:
    """Types them, and waits for the loss of the last."""
    for cell, weight in zip(page.locator("#own-board td input").all(), weights.ravel(), strict=True):
        cell.fill(f"{weight:.17g}")
    page.keyboard.press("Enter")
    page.wait_for_timeout(500)


def wait_for_canvas(page: Page, selector: str, wanted: Pixels) -> None:
    """Fails if it does not show the wanted pixels in time: a busy machine needs seconds for the last weight."""
    deadline = time.monotonic() + LONG_MS / 1000
    while not np.array_equal(read_canvas(page, selector), wanted):
        assert time.monotonic() < deadline
        page.wait_for_timeout(100)


def read_loss(page: Page) -> float:
    text = page.locator("#own-loss").get_attribute("data-loss")
    assert text
    return float(text)


def filter_by_scipy(before: Pixels, weights: NDArray[np.float64], bias: float) -> Pixels:
    planes = [scipy.ndimage.correlate(before[..., c].astype(float), weights, mode="nearest") for c in range(3)]
    return np.clip(np.rint(np.stack(planes, axis=2) + bias), 0, 255).astype(np.uint8)


def measure_loss(own: Pixels, wanted: Pixels) -> float:
    """The mean squared error of all pixels and channels, in grey levels²."""
    return float(((own.astype(float) - wanted) ** 2).mean())


def fit_kernel(before: Pixels, after: Pixels) -> tuple[NDArray[np.float64], float]:
    """The closed-form solution of least squares for 3x3 weights and a bias, from the values that are not clipped."""
    height, width, _ = before.shape
    shifted = [before[y : height - 2 + y, x : width - 2 + x].ravel() for y in range(3) for x in range(3)]
    inside = after[1:-1, 1:-1].ravel()
    usable = (inside > 0) & (inside < 255)
    equations = np.stack([*shifted, np.ones_like(inside)], axis=1)[usable].astype(float)
    solution = np.linalg.lstsq(equations, inside[usable].astype(float), rcond=None)[0]
    return solution[:9].reshape(3, 3), float(solution[9])


@pytest.mark.parametrize("name", ["blur", "emboss", "left-sobel"])
def test_loss_of_own_weights_equals_the_mean_squared_error(page: Page, name: str) -> None:
    """It is computed in the browser: no request is sent."""
    open_puzzle(page, find_seed(page, name))
    before, target = read_canvas(page, "#before-canvas"), read_canvas(page, "#after-canvas")
    bias = 128 if name == "left-sobel" else 0
    assert read_loss(page) == pytest.approx(measure_loss(np.full_like(target, bias), target), rel=1e-9)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    weights = np.random.default_rng(5).integers(-8, 9, (3, 3)) / 8  # exact in float32
    set_weights(page, weights)
    own = filter_by_scipy(before, weights, bias)
    wait_for_canvas(page, "#own-canvas", own)
    assert read_loss(page) == pytest.approx(measure_loss(own, target), rel=1e-9)
    assert [url for url in requests if "/static/" not in url and not url.startswith("blob:")] == []


def test_dragging_a_weight_moves_the_point_on_the_curve(page: Page) -> None:
    open_puzzle(page, find_seed(page, "sharpen"))
    before = read_loss(page)
    point = page.locator("#loss .mark-1").bounding_box()
    cell = page.locator("#own-board td").nth(4)
    cell.hover()
    page.mouse.down()
    box = cell.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x + 20, y)
    page.wait_for_function("before => Number(document.querySelector('#own-loss').dataset.loss) < before", arg=before)
    assert page.locator("#own-board td input").nth(4).input_value() == "1"
    moved = page.locator("#loss .mark-1").bounding_box()
    assert point
    assert moved
    assert moved["y"] > point["y"] + 5, "a lower loss is lower in the chart, while the button is held"
    page.mouse.up()
    points = page.locator("#loss .curve-1").get_attribute("points") or ""
    assert len(points.split()) == 2, "the weights of 0, and the first try"


def test_race_ends_at_the_loss_of_least_squares(page: Page) -> None:
    seed = find_seed(page, "average")
    open_puzzle(page, seed)
    before, target = read_canvas(page, "#before-canvas"), read_canvas(page, "#after-canvas")
    set_weights(page, np.full((3, 3), 0.125))
    own = measure_loss(filter_by_scipy(before, np.full((3, 3), 0.125), 0), target)
    page.click("#start-learning")
    expect(page.locator("#learn-status")).to_contain_text("Done.", timeout=LONG_MS)
    reached = page.evaluate("""() => document.querySelector("#step-count").textContent.match(/loss (.*)/)[1]""")
    weights, bias = fit_kernel(before, target)
    floor = measure_loss(filter_by_scipy(before, weights, bias), target)
    assert float(reached) == pytest.approx(floor, abs=0.1)
    assert own > 100 * floor, "another kernel is far away"
    expect(page.locator("#learn-status")).to_contain_text(f"your best loss of {float(f'{own:.3g}'):g} from step")
    for curve, least in (("0", 10), ("1", 2)):
        points = page.locator(f"#loss .curve-{curve}").get_attribute("points") or ""
        heights = [float(point.split(",")[1]) for point in points.split()]
        assert len(heights) >= least
        assert heights[-1] > heights[0] + 20, "both losses fall"
    page.get_by_label("Least squares").check()
    page.click("#start-learning")
    expect(page.locator("#step-count")).to_contain_text("least squares, loss", timeout=LONG_MS)
    exact = page.evaluate("""() => document.querySelector("#step-count").textContent.match(/loss (.*)/)[1]""")
    assert float(exact) == pytest.approx(floor, abs=0.02)


def test_steps_can_be_looked_at_again(page: Page) -> None:
    """By keyboard, after the race."""
    open_puzzle(page, find_seed(page, "emboss"))
    expect(page.locator("#shown-step")).to_be_disabled()
    page.click("#start-learning")
    expect(page.locator("#learn-status")).to_contain_text("Done.", timeout=LONG_MS)
    last = read_canvas(page, "#forming-kernels canvas")
    page.focus("#shown-step")
    page.keyboard.press("Home")
    expect(page.locator("#step-count")).to_contain_text("step 1,")
    expect(page.locator("#shown-step")).to_have_attribute("aria-valuetext", "step 1")
    assert not np.array_equal(read_canvas(page, "#forming-kernels canvas"), last)
    page.keyboard.press("ArrowRight")
    expect(page.locator("#step-count")).to_contain_text("step 2,")
    page.keyboard.press("End")
    assert np.array_equal(read_canvas(page, "#forming-kernels canvas"), last)


@pytest.mark.parametrize(("motion", "most", "least"), [("reduce", 3, 1), ("no-preference", 100, 8)])
def test_kernel_forms_in_one_piece_for_reduced_motion(page: Page, motion: Any, most: int, least: int) -> None:
    page.emulate_media(reduced_motion=motion)
    open_puzzle(page, find_seed(page, "emboss"))
    page.evaluate("""() => {
      window.shown = new Set();
      const watch = () => window.shown.add(document.querySelector("#step-count").textContent);
      new MutationObserver(watch).observe(document.querySelector("#step-count"), { childList: true, subtree: true });
    }""")
    page.click("#start-learning")
    expect(page.locator("#learn-status")).to_contain_text("Done.", timeout=LONG_MS)
    expect(page.locator("#shown-step")).to_be_enabled()
    assert least <= page.evaluate("window.shown.size") <= most


@pytest.mark.parametrize("easy", [False, True])
def test_nothing_on_the_page_tells_the_answer(page: Page, easy: bool) -> None:
    """Until the user asks for it: not the address, the markup, a field, or what the browser stores."""
    open_puzzle(page, 9, easy)
    hidden, weights, _ = read_answer(page, 9)
    secrets = page.evaluate("""() => [location.href, document.querySelector("#learn-view").outerHTML,
      JSON.stringify({ ...localStorage }), JSON.stringify({ ...sessionStorage }), JSON.stringify(history.state)]""")
    choices = page.locator("#guess .choice-of-kernel").all_inner_texts()
    assert sum(text.count(hidden) for text in secrets) == (0 if easy else 1), "as one of four names"
    assert easy or hidden in choices
    fields = page.locator("#own-board td input")
    typed = np.array([fields.nth(index).input_value() for index in range(9)])
    given = [fields.nth(index).get_attribute("readonly") is not None for index in range(9)]
    if easy:
        assert given.count(False) == 1
        missing = given.index(False)
        assert typed[missing] == "0"
        assert weights.ravel()[missing] != 0
        assert [Fraction(text) for text in typed[given]] == [
            Fraction(w).limit_denominator(99) for w in weights.ravel()[given]
        ]
    else:
        assert list(typed) == ["0"] * 9
        assert not any(given)
    assert page.locator("#forming-kernels canvas").count() == 0
    page.click("#show-answer")
    expect(page.locator("#guessed")).to_have_text(f"The kernel is {hidden}.")
    expect(page.locator("#step-count")).to_have_text("the hidden kernel")


def test_right_weights_solve_a_puzzle(page: Page) -> None:
    open_puzzle(page, 9)
    hidden, weights, _ = read_answer(page, 9)
    wrong = weights.copy()
    wrong[1, 1] += 1
    set_weights(page, wrong)
    expect(page.locator("#guessed")).to_be_empty()
    set_weights(page, weights)
    expect(page.locator("#guessed")).to_have_text(f"Your kernel makes the target. It is {hidden}.")
    assert read_loss(page) == 0


def test_missing_weight_of_an_easy_puzzle_is_found(page: Page) -> None:
    open_puzzle(page, 9, easy=True)
    hidden, weights, _ = read_answer(page, 9)
    missing = page.locator("#own-board td:not(.given)")
    place = page.locator("#own-board td").all()
    index = next(index for index, cell in enumerate(place) if "missing" in (cell.get_attribute("class") or ""))
    given = page.locator("#own-board td.given").first
    text = given.locator("input").input_value()
    given.drag_to(page.locator("#loss"))
    assert given.locator("input").input_value() == text, "a given weight cannot be dragged"
    assert page.locator("#own-board .tools").is_hidden()
    missing.locator("input").fill(f"{weights.ravel()[index]:.17g}")
    expect(page.locator("#guessed")).to_have_text(f"Your kernel makes the target. It is {hidden}.")
    page.select_option("#free-weights", "all")
    expect(page).to_have_url(re.compile(r"#learn\?puzzle=9$"))
    expect(page.locator("#guess .choice-of-kernel")).to_have_count(4)
    assert page.locator("#own-board td.given").count() == 0
    expect(page.locator("#own-board td input").nth(index)).to_have_value("0")
    expect(page.locator("#own-board td input").first).to_be_editable()


def test_browser_without_webassembly_says_so_and_still_races(page: Page) -> None:
    """The curve of descent is then that of the stream."""
    page.add_init_script("delete window.WebAssembly;")
    open_puzzle(page, 9)
    page.locator("#own-board td input").nth(4).fill("1")
    expect(page.locator("#attempt-error")).to_have_text("This browser has no WebAssembly.")
    page.click("#start-learning")
    expect(page.locator("#learn-status")).to_contain_text("Which kernel is it?", timeout=LONG_MS)
    assert len((page.locator("#loss .curve-0").get_attribute("points") or "").split()) > 5


def test_puzzle_keeps_its_answer_until_the_right_guess(page: Page) -> None:
    open_puzzle(page, 9)
    hidden, _, _ = read_answer(page, 9)
    page.click("#start-learning")
    expect(page.locator("#learn-status")).to_contain_text("Which kernel is it?", timeout=LONG_MS)
    assert page.locator("#learned").is_hidden()
    wrong = next(name for name in page.locator("#guess .choice-of-kernel").all_inner_texts() if name != hidden)
    page.get_by_role("button", name=wrong, exact=True).click()
    expect(page.locator("#guessed")).to_have_text(f"No, it is not {wrong}.")
    assert page.locator("#learned").is_hidden()
    page.get_by_role("button", name=hidden, exact=True).click()
    expect(page.locator("#guessed")).to_have_text(f"Correct: {hidden}.")
    expect(page.locator("#learn-status")).to_contain_text(f"The kernel was {hidden}.")
    expect(page.locator("#learned")).to_have_attribute("data-verdict", "kernel")
    expect(page.locator("#learned dd").first).to_have_text(hidden)
    expect(page.locator("#residual-share")).to_contain_text(
        "% of the pixels differ by more than 1 level", timeout=LONG_MS
    )


def test_answer_is_shown_on_request(page: Page) -> None:
    open_puzzle(page, 5)
    hidden, _, _ = read_answer(page, 5)
    page.get_by_label("Least squares").check()
    page.click("#start-learning")
    expect(page.locator("#learn-status")).to_have_text("Done. Which kernel is it?", timeout=LONG_MS)
    page.click("#show-answer")
    expect(page.locator("#guessed")).to_have_text(f"The kernel is {hidden}.")
    expect(page.locator("#learned dd").first).to_have_text(hidden)


def test_link_to_a_puzzle_has_a_seed_instead_of_the_answer(view: Page, context: BrowserContext) -> None:
    """The view opens with a puzzle. Its link shows the same puzzle to somebody else."""
    expect(view.locator("#own-loss")).to_contain_text("loss", timeout=LONG_MS)
    assert re.search(r"#learn\?puzzle=\d+&free=1$", view.url)
    for selector in ("#before-canvas", "#after-canvas"):
        assert read_canvas(view, selector).std() > 1
    other = context.new_page()
    other.goto(view.url)
    expect(other.locator("#own-loss")).to_contain_text("loss", timeout=LONG_MS)
    assert np.array_equal(read_canvas(other, "#after-canvas"), read_canvas(view, "#after-canvas"))
    cells = [one.locator("#own-board td").evaluate_all(READ_CELLS) for one in (view, other)]
    assert cells[0] == cells[1]
    other.close()
    first = view.url
    view.click("#new-puzzle")
    view.wait_for_function("url => location.href !== url", arg=first)
    view.go_back()
    assert view.url == first


def test_seeds_hide_different_kernels(view: Page) -> None:
    hidden = view.evaluate("""async () => {
      const { makePuzzle } = await import("/static/js/learn/kernel-puzzle.js");
      return Array.from({ length: 400 }, (_, seed) => makePuzzle({ seed: String(seed) }).hidden);
    }""")
    counts = np.array([hidden.count(name) for name in set(hidden)])
    assert len(counts) == 10
    assert ((counts - 40) ** 2 / 40).sum() < 27.88, "chi-squared, 9 degrees of freedom, p = 0.001"


def test_images_guesses_and_kernel_fit_on_one_screen(page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    open_puzzle(page, 9)
    page.get_by_label("Least squares").check()
    page.click("#start-learning")
    expect(page.locator("#forming-kernels canvas")).to_be_visible(timeout=LONG_MS)
    parts = ("#before-canvas", "#after-canvas", "#own-canvas", "#own-board", "#loss", "#forming-kernels canvas")
    for selector in (*parts, "#guess", "#start-learning"):
        box = page.locator(selector).bounding_box()
        assert box, selector
        assert box["y"] + box["height"] <= 720, selector
    expect(page.locator("#learn-status")).to_contain_text("Done", timeout=LONG_MS)


def test_own_images_survive_other_views_and_a_puzzle(view: Page, tmp_path: Path) -> None:
    expect(view.locator("#own-loss")).to_contain_text("loss", timeout=LONG_MS)
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
    assert view.locator("#board .weights input").count() == 9


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
