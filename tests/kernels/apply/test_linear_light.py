"""The option `linear`: values are decoded to linear light, filtered and encoded again."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from kernels import convolve
from kernels.catalogue import Catalogue
from tests.support import reference


def decode(encoded: NDArray[np.float64]) -> NDArray[np.float64]:
    """IEC 61966-2-1, 5.2, equations 5 and 6."""
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def encode(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """IEC 61966-2-1, 5.3, equations 9 and 10."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 0) ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize(("dtype", "maximum"), [(np.uint8, 255), (np.uint16, 65535)])
def test_values_are_decoded_filtered_and_encoded(dtype: Any, maximum: int) -> None:
    image = np.random.default_rng(22).integers(0, maximum, (12, 13, 3), dtype, endpoint=True)
    light = reference.correlate(decode(image / maximum), Catalogue()["blur"].make_kernel().weights / 16)
    reference.assert_equal_to_rounding(convolve(image, "blur", linear=True), maximum * encode(light), maximum)


def test_the_mean_of_black_and_white_has_half_the_light() -> None:
    halves = np.array([[0, 255]], np.uint8)
    assert convolve(halves, [[1, 1]], divisor=2, linear=True)[0, 0] == 188
    assert convolve(halves, [[1, 1]], divisor=2)[0, 0] == 128


def test_grey_in_linear_light_is_luminance() -> None:
    green = np.array([[[0, 255, 0]]], np.uint8)
    expected = round(255 * float(encode(np.array(0.7152))))
    assert convolve(green, "identity", channels="gray", linear=True)[0, 0, 0] == expected


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_identity_preserves_every_value(dtype: Any) -> None:
    values = np.arange(np.iinfo(dtype).max + 1).astype(dtype)[None]
    np.testing.assert_array_equal(convolve(values, "identity", linear=True), values)
