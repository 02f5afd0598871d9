"""The median equals that of NumPy and SciPy, with every border, dtype and size."""

from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from kernels import KernelParameterError, convolve
from tests.kernels.noise import draw_noise
from tests.support import reference


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("border", ["edge", "zero", "reflect", "symmetric", "wrap", "valid"])
@pytest.mark.parametrize("size", [3, 5, 7])
def test_every_border_and_dtype_equals_numpy(size: int, border: str, dtype: Any) -> None:
    image = draw_noise(size, 19, 22, 3, dtype=dtype)
    result = convolve(image, "median", size=size, border=border)
    np.testing.assert_array_equal(result, reference.find_medians(image, size, border))


@pytest.mark.parametrize("size", [3, 5, 7])
def test_the_median_equals_scipy(size: int) -> None:
    image = draw_noise(1, 60, 70, 1)[:, :, 0]
    np.testing.assert_array_equal(
        convolve(image, "median", size=size, border="symmetric"), ndimage.median_filter(image, size, mode="reflect")
    )


@pytest.mark.parametrize(("stride", "dilation"), [((2, 3), (1, 1)), ((1, 1), (2, 1)), ((2, 2), (1, 3))])
@pytest.mark.parametrize("size", [3, 7])
def test_stride_and_dilation(size: int, stride: tuple[int, int], dilation: tuple[int, int]) -> None:
    image = draw_noise(2, 25, 24, 3)
    result = convolve(image, "median", size=size, stride=stride, dilation=dilation, border="reflect")
    np.testing.assert_array_equal(result, reference.find_medians(image, size, "reflect", stride, dilation))


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (1, 40)])
def test_images_smaller_than_the_kernel(size: tuple[int, int]) -> None:
    image = draw_noise(3, *size, 1)
    np.testing.assert_array_equal(convolve(image, "median", size=7), reference.find_medians(image, 7))


def test_salt_and_pepper_vanishes() -> None:
    image = np.full((20, 20, 3), 90, np.uint8)
    image[3::5, 2::5] = 255
    image[1::5, 4::5] = 0
    assert (convolve(image, "median") == 90).all()
    assert (convolve(image, "average") != 90).any()


@pytest.mark.parametrize("channels", ["rg", "luma", "gray"])
def test_channels_are_selected_as_for_kernels(channels: str) -> None:
    image = draw_noise(4, 12, 13, 3)
    result = convolve(image, "median", channels=channels)
    if channels == "rg":
        np.testing.assert_array_equal(result[:, :, :2], reference.find_medians(image, 3)[:, :, :2])
        np.testing.assert_array_equal(result[:, :, 2], image[:, :, 2])
    else:
        luma = image @ np.array([[0.299], [0.587], [0.114]])
        medians = reference.find_medians(luma, 3)
        expected = medians if channels == "gray" else np.clip(image + medians - luma, 0, 255)
        assert np.abs(result - expected).max() <= 0.51


@pytest.mark.parametrize("channels", [2, 4])
def test_only_visible_pixels_count(channels: int) -> None:
    image = draw_noise(5, 15, 16, channels)
    image[np.random.default_rng(6).random((15, 16)) < 0.4, -1] = 0
    result = convolve(image, "median")
    np.testing.assert_array_equal(result[:, :, -1], image[:, :, -1])
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)), "edge")
    for y, x in np.argwhere(image[:, :, -1] > 0):
        under = padded[y : y + 3, x : x + 3].reshape(9, channels)
        seen = np.sort(under[under[:, -1] > 0][:, :-1], axis=0)
        assert result[y, x, :-1].tolist() == seen[(len(seen) - 1) // 2].tolist()
    assert (result[image[:, :, -1] == 0] == 0).all()


def test_alpha_is_filtered_on_request() -> None:
    image = draw_noise(7, 9, 9, 2)
    result = convolve(image, "median", alpha="filter")
    np.testing.assert_array_equal(result[:, :, 1:], reference.find_medians(image[:, :, 1:], 3))


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"size": 9}, "size is 9; it may be 3 to 7"), ({"size": 4}, "must be an odd"), ({"divisor": 2}, "no divisor")],
)
def test_what_does_not_fit_a_median_is_rejected(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(KernelParameterError, match=message):
        convolve(draw_noise(8, 5, 5, 1), "median", **settings)
