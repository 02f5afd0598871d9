"""Divisor, bias, amount and response: from the sums of a kernel to pixel values."""

from typing import Any

import numpy as np
import pytest

from kernels import convolve
from kernels.catalogue import Catalogue
from tests.kernels.noise import draw_noise
from tests.support import reference


def test_amount_0_gives_the_original() -> None:
    image = draw_noise(12, 9, 10, 3)
    for name in Catalogue():
        np.testing.assert_array_equal(convolve(image, name, amount=0), image, err_msg=name)


def test_amount_mixes_the_kernel_with_the_identity() -> None:
    image = draw_noise(13, 9, 10, 3)
    mixed = 0.25 * np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
    mixed[1, 1] += 0.75
    exact = reference.correlate(image, mixed)
    reference.assert_equal_to_rounding(convolve(image, "sharpen", amount=0.25), exact)
    # A mix of an edge with the original is an image, not a signed response: it is clipped, not made absolute.
    mixed = 0.5 * np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]])
    mixed[1, 1] += 0.5
    reference.assert_equal_to_rounding(convolve(image, "edge", amount=0.5), reference.correlate(image, mixed))


def test_amount_with_a_stride_uses_the_original_at_the_same_pixels() -> None:
    image = draw_noise(14, 9, 10, 3)
    for stride, dilation, size in ((2, 1, 3), (3, 2, 4), (8, 1, 2)):
        weights = np.zeros((size, size))
        weights[0, 0] = 1
        arguments: dict[str, Any] = {"stride": stride, "dilation": dilation}
        delta = np.zeros([dilation * (size - 1) + 1] * 2)
        delta[(len(delta) - 1) // 2, (len(delta) - 1) // 2] = 1
        expected = reference.correlate(image, delta, stride=(stride, stride))
        np.testing.assert_array_equal(convolve(image, weights, amount=0, **arguments), expected)


@pytest.mark.parametrize(
    ("divisor", "expected"), [("auto", 20), ("none", 120), (3, 40), ("-3", 0), (None, 120), (0.75, 160)]
)
def test_the_sum_is_divided_by_the_divisor(divisor: Any, expected: int) -> None:
    settings = {} if divisor is None else {"divisor": divisor}
    assert convolve(np.full((3, 3), 20, np.uint8), [[1, 2, 3]], **settings)[1, 1] == expected


def test_the_automatic_divisor_of_a_kernel_that_sums_to_0_is_1() -> None:
    image = draw_noise(15, 6, 6)
    np.testing.assert_array_equal(convolve(image, "edge", divisor="auto"), convolve(image, "edge"))


def test_the_default_divisor_is_that_of_the_kernel() -> None:
    uniform = np.full((3, 3), 9, np.uint8)
    assert convolve(uniform, "blur")[1, 1] == 9
    assert convolve(uniform, "blur", divisor="none")[1, 1] == 144
    assert convolve(uniform, "lighten")[1, 1] == 12
    assert convolve(uniform, "lighten", divisor="auto")[1, 1] == 9


@pytest.mark.parametrize(
    ("dtype", "bias", "expected"),
    [(np.uint8, 30, 130), (np.uint8, "30", 130), (np.uint8, -300, 0), (np.uint8, "50%", 228), (np.uint8, "-10%", 74),
     (np.uint16, 30, 130), (np.uint16, "50%", 32868), (np.float32, "50%", 227.5)],
)  # fmt: skip
def test_the_bias_is_added_in_pixel_units_or_as_a_percentage_of_white(dtype: Any, bias: Any, expected: float) -> None:
    assert convolve(np.full((3, 3), 100, dtype), "blur", bias=bias)[1, 1] == expected


RISE = np.array([[0, 0, 100, 200, 200]], np.uint8)
"""Filtered by [1, 0, -1]: 0, -100, -200, -100, 0."""


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ("clip", [0, 0, 0, 0, 0]),
        ("abs", [0, 100, 200, 100, 0]),
        ("offset", [128, 78, 28, 78, 128]),
        ("rescale", [255, 128, 0, 128, 255]),
        ("raw", [0, -100, -200, -100, 0]),
    ],
)
def test_each_response_equals_values_computed_by_hand(response: str, expected: list[int]) -> None:
    result = convolve(RISE, [[1, 0, -1]], response=response)
    assert result[0].tolist() == expected
    assert result.dtype == (np.float32 if response == "raw" else np.uint8)


def test_offset_maps_0_to_mid_grey() -> None:
    """In float32, because 127.5 would also be rounded to 128."""
    result = convolve(RISE.astype(np.float32), [[1, 0, -1]], response="offset")
    assert result[0].tolist() == [128, 78, 28, 78, 128]


def test_16_bit_results_use_the_range_of_16_bits() -> None:
    deep = RISE.astype(np.uint16) * 257
    assert convolve(deep, [[1, 0, -1]], response="offset")[0].tolist() == [32768, 19918, 7068, 19918, 32768]
    assert convolve(deep, [[1, 0, -1]], response="rescale")[0].tolist() == [65535, 32768, 0, 32768, 65535]


def test_raw_values_are_not_clipped() -> None:
    result = convolve(np.full((3, 3), 200, np.uint8), [[2]], response="raw", bias=0.25)
    assert result.dtype == np.float32
    assert (result == 400.25).all()


def test_abs_is_the_default_only_for_a_sum_of_0() -> None:
    fall = RISE[:, ::-1].copy()
    assert convolve(RISE, [[1, 0, -1]])[0].max() == 200
    assert convolve(fall, [[-1, 0, 1]])[0].max() == 200
    assert convolve(RISE, [[1, 0, -1.01]])[0].max() == 0


def test_rescaling_a_uniform_result_gives_black() -> None:
    assert not convolve(np.full((4, 4), 77, np.uint8), "blur", response="rescale").any()


def test_a_result_is_rounded_to_nearest() -> None:
    image = np.full((1, 1), 199, np.uint8)
    assert convolve(image, [[1]], divisor=4)[0, 0] == 50  # 49.75
    assert convolve(image, [[1]], divisor=3)[0, 0] == 66  # 66.33
