"""The convention: weights are applied as written (correlation), and the anchor is above the output pixel."""

import numpy as np
import pytest
from numpy.typing import NDArray

from kernels import convolve
from tests.kernels.noise import draw_noise

NINE = np.arange(1, 10).reshape(3, 3)
"""All weights differ, so that every flip or turn changes the result."""


def paint_impulse() -> NDArray[np.uint8]:
    image = np.zeros((5, 5), np.uint8)
    image[2, 2] = 1
    return image


def paint_steps(axis: int) -> NDArray[np.uint8]:
    """An edge from 20 to 220 along the axis."""
    image = np.full((8, 8), 20, np.uint8)
    image[(slice(4, None), slice(None)) if axis == 0 else (slice(None), slice(4, None))] = 220
    return image


def test_the_response_to_an_impulse_is_the_kernel_turned_by_180_degrees() -> None:
    result = convolve(paint_impulse(), NINE)
    np.testing.assert_array_equal(result[1:4, 1:4], NINE[::-1, ::-1])
    assert result.sum() == NINE.sum()


def test_with_behaviour_convolve_the_response_to_an_impulse_is_the_kernel() -> None:
    result = convolve(paint_impulse(), NINE, behaviour="convolve")
    np.testing.assert_array_equal(result[1:4, 1:4], NINE)


def test_a_single_weight_right_of_the_middle_shifts_the_image_to_the_left() -> None:
    image = draw_noise(1, 6, 7)
    result = convolve(image, [[0, 0, 0], [0, 0, 1], [0, 0, 0]])
    np.testing.assert_array_equal(result[:, :-1], image[:, 1:])


@pytest.mark.parametrize("anchor", [(x, y) for x in range(3) for y in range(3)])
def test_the_anchor_is_the_weight_above_the_output_pixel(anchor: tuple[int, int]) -> None:
    image = draw_noise(2, 6, 7)
    x, y = anchor
    impulse = np.zeros((3, 3))
    impulse[y, x] = 1
    np.testing.assert_array_equal(convolve(image, impulse, anchor=anchor), image)


def test_a_shifted_anchor_shifts_the_image() -> None:
    image = draw_noise(3, 7, 9)
    middle = convolve(image, NINE, divisor=45, border="wrap")
    np.testing.assert_array_equal(
        convolve(image, NINE, divisor=45, border="wrap", anchor=(2, 0)), np.roll(middle, (-1, 1), (0, 1))
    )


def test_the_default_anchor_of_an_even_side_is_before_the_middle() -> None:
    image = draw_noise(4, 6, 7)
    np.testing.assert_array_equal(convolve(image, [[1, 0]]), image)
    np.testing.assert_array_equal(convolve(image, [[0, 1]])[:, :-1], image[:, 1:])
    np.testing.assert_array_equal(convolve(image, [[0, 1]], anchor=(1, 0)), image)


def test_with_behaviour_convolve_the_anchor_is_in_the_turned_kernel() -> None:
    image = draw_noise(4, 6, 7)
    np.testing.assert_array_equal(convolve(image, [[1, 0, 0]], anchor=(2, 0), behaviour="convolve"), image)
    np.testing.assert_array_equal(convolve(image, [[0, 1]], behaviour="convolve"), image)


def test_with_an_anchor_a_stride_starts_at_the_first_pixel() -> None:
    image = draw_noise(5, 10, 10)
    for stride in range(1, 9):
        for anchor in range(3):
            impulse = np.zeros((3, 3))
            impulse[anchor, anchor] = 1
            result = convolve(image, impulse, stride=stride, anchor=(anchor, anchor))
            np.testing.assert_array_equal(result, image[::stride, ::stride])


def test_a_sobel_of_one_direction_is_0_at_an_edge_of_the_other() -> None:
    assert not convolve(paint_steps(axis=0), "left-sobel").any()
    assert convolve(paint_steps(axis=1), "left-sobel").max() == 255
    assert not convolve(paint_steps(axis=1), "top-sobel").any()
    assert convolve(paint_steps(axis=0), "top-sobel").max() == 255


@pytest.mark.parametrize(
    ("name", "axis", "brighter_first"),
    [("top-sobel", 0, True), ("bottom-sobel", 0, False), ("left-sobel", 1, True), ("right-sobel", 1, False),
     ("top-prewitt", 0, True), ("left-prewitt", 1, True), ("top-scharr", 0, True), ("left-scharr", 1, True)],
)  # fmt: skip
def test_a_directional_kernel_is_positive_if_its_side_is_brighter(name: str, axis: int, brighter_first: bool) -> None:
    darker_first = convolve(paint_steps(axis), name, response="raw")
    sign = -1 if brighter_first else 1
    assert (sign * darker_first).min() == 0
    assert (sign * darker_first).max() > 0
