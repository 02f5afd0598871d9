"""Properties that hold for every kernel: independent channels, linearity, symmetry and constant images."""

import numpy as np
import pytest

from kernels import convolve
from kernels.catalogue import Catalogue
from tests.kernels.noise import draw_noise

NINE = np.arange(1, 10).reshape(3, 3)
"""All weights differ, so that every flip or turn changes the result."""

LINEAR_KERNELS = [name for name in Catalogue() if Catalogue()[name].make_kernel().combine == "single"]


def test_channels_are_filtered_independently() -> None:
    image = draw_noise(6, 12, 13, 3)
    for name in Catalogue():
        separate = [convolve(image[:, :, channel], name) for channel in range(3)]
        np.testing.assert_array_equal(convolve(image, name), np.stack(separate, axis=2), err_msg=name)


def test_filters_of_shape_3_3_3_3_as_in_the_lecture_sum_the_channels() -> None:
    import tensorflow as tf

    blur = Catalogue()["blur"].make_kernel().weights / 16
    red = np.zeros((5, 5, 3), np.uint8)
    red[:, :, 0] = 160
    lecture = tf.nn.conv2d(
        red[None].astype(np.float32), np.broadcast_to(blur[:, :, None, None], (3, 3, 3, 3)), 1, "VALID"
    ).numpy()[0]
    assert lecture[0, 0].tolist() == [160, 160, 160], "the sum of red, green and blue turns red into grey"
    np.testing.assert_array_equal(convolve(red, "blur"), red)


@pytest.mark.parametrize("border", ["edge", "reflect", "symmetric", "wrap", "valid"])
@pytest.mark.parametrize("name", Catalogue())
def test_a_uniform_image_is_multiplied_by_the_sum_over_the_divisor(name: str, border: str) -> None:
    kernel = Catalogue()[name].make_kernel()
    gain = 1 if name == "emboss" else kernel.sum / kernel.divisor
    assert name not in ("lighten", "darken") or gain != 1
    uniform = np.full((40, 41, 3), (30, 90, 150), np.uint8)
    result = convolve(uniform, name, border=border)
    expected = np.broadcast_to(np.rint(np.array([30, 90, 150]) * gain), result.shape)
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("name", LINEAR_KERNELS)
def test_raw_results_are_linear_in_the_image(name: str) -> None:
    generator = np.random.default_rng(7)
    first, second = generator.uniform(-300, 300, (2, 20, 21, 3)).astype(np.float32)
    mixed = convolve(np.float32(2) * first - np.float32(3) * second, name, response="raw")
    separate = 2 * convolve(first, name, response="raw") - 3 * convolve(second, name, response="raw")
    np.testing.assert_allclose(mixed, separate, atol=0.01)
    assert np.abs(mixed).max() > 1


@pytest.mark.parametrize("border", ["edge", "zero", "reflect", "symmetric", "wrap", "valid"])
def test_a_flipped_image_with_a_flipped_kernel_gives_the_flipped_result(border: str) -> None:
    image = draw_noise(8, 9, 11, 3)
    result = convolve(image, NINE, divisor=45, border=border)
    flipped = convolve(image[:, ::-1], NINE[:, ::-1], divisor=45, border=border)
    np.testing.assert_array_equal(flipped[:, ::-1], result)
    turned = convolve(image.transpose(1, 0, 2), NINE.T, divisor=45, border=border)
    np.testing.assert_array_equal(turned.transpose(1, 0, 2), result)


@pytest.mark.parametrize(("left", "right"), [("top-sobel", "bottom-sobel"), ("left-sobel", "right-sobel")])
def test_opposite_sobels_differ_only_in_sign(left: str, right: str) -> None:
    image = draw_noise(9, 9, 9)
    one = convolve(image, left, response="raw")
    np.testing.assert_array_equal(one, -convolve(image, right, response="raw"))
    assert one.any()


def test_the_magnitude_is_the_length_of_the_vector_of_two_directions() -> None:
    image = draw_noise(10, 9, 9)
    for name in ("sobel", "prewitt", "scharr"):
        top, left = (convolve(image, f"{side}-{name}", response="raw") for side in ("top", "left"))
        np.testing.assert_allclose(convolve(image, name, response="raw"), np.hypot(top, left), rtol=1e-6)


def test_kirsch_is_the_largest_of_eight_directions() -> None:
    image = draw_noise(11, 8, 8)
    clockwise = [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0)]
    results = []
    for start in range(8):
        weights = np.full((3, 3), -3)
        weights[1, 1] = 0
        for index in range(3):
            weights[clockwise[(start + index) % 8]] = 5
        results.append(convolve(image, weights, response="raw"))
    assert len({result.tobytes() for result in results}) == 8
    np.testing.assert_array_equal(convolve(image, "kirsch", response="raw"), np.max(results, axis=0))
