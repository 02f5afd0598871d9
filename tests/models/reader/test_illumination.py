"""Shading is made here, by multiplication, so what the reader should see without it is known."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from models.reader.illumination import flatten_illumination
from models.reader.reader import DigitReader
from models.training.mnist import Mnist
from tests.support.paper import Digits, add_grain, write_lines, write_on_paper

Shade = Callable[[NDArray[np.float64], NDArray[np.float64], float], NDArray[np.float64]]

# Each is the light at x and y in 0..1; `depth` is the share of the light that is lost at the darkest place.
SHADES: dict[str, Shade] = {
    "all corners": lambda x, y, depth: 1 - depth * np.clip((np.hypot(x - 0.5, y - 0.5) - 0.25) / 0.46, 0, 1),
    "one corner": lambda x, y, depth: 1 - depth * np.exp(-((x**2 + y**2) / 0.3)),
    "right edge": lambda x, y, depth: 1 - depth * np.clip((x - 0.4) / 0.6, 0, 1),
    "lower edge": lambda x, y, depth: 1 - depth * np.clip(y, 0, 1) ** 2,
    "soft shadow": lambda x, y, depth: 1 - depth * 0.5 * (1 + np.tanh((x + 0.6 * y - 0.8) / 0.25)),
}


def shade(image: NDArray[np.float32], name: str, depth: float) -> NDArray[np.float32]:
    height, width = image.shape
    y, x = np.meshgrid(np.linspace(0, 1, height), np.linspace(0, 1, width), indexing="ij")
    return (image * SHADES[name](x, y, depth)).astype(np.float32)


@pytest.mark.parametrize("name", SHADES)
def test_shade_is_removed(digits: Digits, name: str) -> None:
    flat = write_on_paper(digits[5])

    removed = flatten_illumination(shade(flat, name, 0.7))

    paper = flat > 0.89
    before = np.ptp(np.quantile(shade(flat, name, 0.7)[paper], [0.01, 0.99]))
    after = np.ptp(np.quantile(removed[paper], [0.01, 0.99]))
    assert before > 0.35
    assert after < 0.45 * before
    assert np.median(removed[flat < 0.16]) < 0.35 * np.median(removed[paper])


def test_evenly_lit_image_is_not_changed(digits: Digits) -> None:
    for image in (write_on_paper(digits[0]), 1 - write_on_paper(digits[8]), add_grain(write_on_paper(digits[1]), 0.02)):
        np.testing.assert_array_equal(flatten_illumination(image), image)
    assert flatten_illumination(np.full((3, 200), 0.5, np.float32)).shape == (3, 200)


@pytest.mark.slow
def test_shade_changes_no_more_than_two_percent_of_the_answers(reader: DigitReader, excerpt: Mnist) -> None:
    images = [
        add_grain(write_on_paper(image, (160, 180), 100), 0.012, seed) for seed, image in enumerate(excerpt.test.images)
    ][:60]
    plain = reader.classify(images)
    changed = [
        (name, depth, number)
        for name in SHADES
        for depth in (0.4, 0.75)
        for number, (before, after) in enumerate(
            zip(plain, reader.classify([shade(image, name, depth) for image in images]), strict=True)
        )
        if (before.digit, before.verdict == "blank") != (after.digit, after.verdict == "blank")
    ]

    assert sum(one.digit == label for one, label in zip(plain, excerpt.test.labels[:60], strict=True)) >= 57
    assert len(changed) < 0.02 * len(images) * 2 * len(SHADES), changed


@pytest.mark.parametrize("name", SHADES)
def test_shaded_page_is_read(reader: DigitReader, digits: Digits, name: str) -> None:
    page = add_grain(write_lines([[digits[digit] for digit in (2, 7, 0, 5)], [digits[3], digits[8]]]), 0.01)

    assert reader.read(shade(page, name, 0.7)).lines == ("2705", "38")
