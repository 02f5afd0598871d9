"""The setting `channels`: the selected planes are filtered, the others are unchanged."""

import numpy as np
import pytest

from kernels import convolve
from kernels.catalogue import Catalogue
from tests.kernels.noise import draw_noise
from tests.support import reference


def test_gray_filters_the_luma_of_bt_601() -> None:
    image = draw_noise(16, 8, 9, 3)
    luma = image @ np.array([[0.299], [0.587], [0.114]])
    result = convolve(image, "emboss", channels="gray")
    assert result.shape == (8, 9, 1)
    reference.assert_equal_to_rounding(result, reference.correlate(luma, Catalogue()["emboss"].make_kernel().weights))


def test_luma_changes_the_brightness_and_keeps_the_colour_differences() -> None:
    image = np.random.default_rng(17).integers(115, 140, (8, 9, 3)).astype(np.uint8)
    luma = image @ np.array([[0.299], [0.587], [0.114]])
    exact = image + reference.correlate(luma, Catalogue()["sharpen"].make_kernel().weights) - luma
    assert not np.array_equal(exact, image)
    reference.assert_equal_to_rounding(convolve(image, "sharpen", channels="luma"), exact)


@pytest.mark.parametrize("channels", ["r", "g", "b", "rg", "bg", "BR"])
def test_only_the_selected_channels_are_filtered(channels: str) -> None:
    image = draw_noise(18, 8, 9, 3)
    filtered = convolve(image, "blur")
    result = convolve(image, "blur", channels=channels)
    for index, letter in enumerate("rgb"):
        expected = filtered if letter in channels.lower() else image
        np.testing.assert_array_equal(result[:, :, index], expected[:, :, index])


def test_unselected_channels_follow_the_stride() -> None:
    image = draw_noise(19, 9, 9, 3)
    result = convolve(image, [[1]], divisor=2, channels="r", stride=2)
    np.testing.assert_array_equal(result[:, :, 1:], image[::2, ::2, 1:])
    np.testing.assert_array_equal(result[:, :, 0], np.rint(image[::2, ::2, 0] / 2))


def test_a_grey_image_becomes_colour_only_if_single_channels_are_selected() -> None:
    image = draw_noise(20, 8, 9)
    for channels in ("rgb", "gray", "luma"):
        np.testing.assert_array_equal(convolve(image, "blur", channels=channels), convolve(image, "blur"))
    tinted = convolve(image, "darken", channels="b")
    assert tinted.shape == (8, 9, 3)
    np.testing.assert_array_equal(tinted[:, :, 0], image)
    np.testing.assert_array_equal(tinted[:, :, 2], convolve(image, "darken"))
