"""Colour matrices equal published numbers."""

from typing import Any

import numpy as np
import pytest

from kernels import convolve
from kernels.layers.colour_matrices import OPPONENT, make_hue_turn, make_saturation
from tests.support.images import draw_noise


def test_sepia_is_that_of_css() -> None:
    """Filter Effects Module Level 1, 8.4 with amount 1: (100, 150, 200) gives these sums of products."""
    image = np.full((2, 2, 3), (100, 150, 200), np.uint8)
    red = 0.393 * 100 + 0.769 * 150 + 0.189 * 200  # 192.45
    green = 0.349 * 100 + 0.686 * 150 + 0.168 * 200  # 171.4
    blue = 0.272 * 100 + 0.534 * 150 + 0.131 * 200  # 133.5: float32 decides the half
    assert convolve(image, "sepia")[0, 0, :2].tolist() == [round(red), round(green)]
    assert abs(convolve(image, "sepia")[0, 0, 2] - blue) <= 0.5


def test_grey_is_luma() -> None:
    """ITU-R BT.601: 0.299 · 100 + 0.587 · 150 + 0.114 · 200 = 140.75."""
    image = np.full((2, 2, 3), (100, 150, 200), np.uint8)
    assert convolve(image, "gray").tolist() == [[[141], [141]]] * 2


@pytest.mark.parametrize("name", ["saturate", "hue"])
def test_neutral_parameters_change_nothing(name: str) -> None:
    image = draw_noise(6, 6)
    neutral: dict[str, Any] = {"saturate": {"amount": 1}, "hue": {"angle": 0}}[name]
    np.testing.assert_array_equal(convolve(image, name, **neutral), image)
    assert not np.array_equal(convolve(image, name), image)


def test_greys_stay_grey() -> None:
    for matrix in (make_saturation(3), make_saturation(0), make_hue_turn(77)):
        np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-9)


def test_half_a_turn_twice_is_a_whole_turn() -> None:
    """The matrix is rounded to three digits in the specification."""
    np.testing.assert_allclose(make_hue_turn(180) @ make_hue_turn(180), np.eye(3), atol=5e-3)
    np.testing.assert_allclose(make_hue_turn(360), np.eye(3), atol=1e-9)


def test_saturation_of_css() -> None:
    """Filter Effects, 9.5, saturate with 0.5: the first row is 0.213 + 0.787 s, 0.715 - 0.715 s, 0.072 - 0.072 s."""
    assert make_saturation(0.5)[0] == pytest.approx([0.6065, 0.3575, 0.036])


def test_opponent_colours_are_an_orthonormal_basis() -> None:
    np.testing.assert_allclose(np.array(OPPONENT) @ np.array(OPPONENT).T, np.eye(3), atol=1e-12)
    grey = np.full((2, 2, 3), 90, np.uint8)
    maps = convolve(grey, "opponent", response="raw")
    np.testing.assert_allclose(maps[0, 0], [0, 0, 90 * 3**0.5], atol=1e-4)
