"""Shapes and dtypes of images, and the images and values that are rejected."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from kernels import KernelParameterError, convolve
from tests.kernels.noise import draw_noise


def test_a_two_dimensional_image_gives_a_two_dimensional_result() -> None:
    image = draw_noise(23, 5, 6)
    assert convolve(image, "blur").shape == (5, 6)
    assert convolve(image[:, :, None], "blur").shape == (5, 6, 1)


def test_the_input_is_not_modified() -> None:
    for dtype in (np.uint8, np.float32):
        image = draw_noise(24, 5, 6, 4).astype(dtype)
        before = image.copy()
        for settings in ({}, {"response": "raw"}, {"bias": 9, "amount": 0.0}, {"channels": "r"}):
            convolve(image, "identity", **settings)
            np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("dtype", [np.float64, np.int32, np.bool_])
def test_other_dtypes_are_rejected(dtype: Any) -> None:
    with pytest.raises(KernelParameterError, match=r"may be uint8, uint16 or float32"):
        convolve(np.zeros((4, 4), dtype), "blur")


@pytest.mark.parametrize("anchor", [(3, 0), (0, 2), (-1, 0)])
def test_an_anchor_outside_the_kernel_is_rejected_with_its_range(anchor: tuple[int, int]) -> None:
    with pytest.raises(KernelParameterError, match=r"3 columns and 2 rows it may be 0,0 to 2,1"):
        convolve(draw_noise(25, 4, 4), np.ones((2, 3)), anchor=anchor)


def test_values_that_overflow_are_rejected() -> None:
    image = np.full((4, 4), 255, np.uint8)
    for name in ("blur", "sobel"):
        for divisor in (1e-38, 1e-300):
            with pytest.raises(KernelParameterError, match=f"The values of '{name}' exceed the range of float32"):
                convolve(image, name, divisor=divisor, bias=1, border="zero")


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4, 5), np.uint8), np.zeros((4, 0, 3), np.uint8), np.zeros((2, 2, 2, 2), np.uint8), np.zeros((4, 4))],
    ids=["five channels", "no width", "four axes", "float64"],
)
def test_other_shapes_are_rejected(image: NDArray[Any]) -> None:
    with pytest.raises(KernelParameterError, match="The image is"):
        convolve(image, "blur")


def test_negative_values_stay_negative_in_linear_light() -> None:
    image = np.full((3, 3), -10, np.float32)
    assert convolve(image, "identity", linear=True, response="raw")[1, 1] == pytest.approx(-10 / 12.92)


@pytest.mark.parametrize("settings", [{"response": "raw"}, {"response": "clip"}])
def test_the_result_is_writable(settings: dict[str, Any]) -> None:
    image = np.full((6, 7, 3), 9, np.float32)
    result = convolve(image, [[0, 0, 0], [0, 1, 0], [0, 0, 0]], **settings)
    result[0, 0] = 5
    assert result[0, 0].tolist() == [5, 5, 5]
