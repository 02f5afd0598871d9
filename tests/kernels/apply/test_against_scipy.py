"""The result of every kernel and setting equals that of the reference implementation, rounded."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import ndimage

from kernels import KernelParameterError, convolve
from kernels.apply.filter import apply_steps
from kernels.catalogue import Catalogue
from kernels.chain import resolve_step
from kernels.kernel import Kernel
from kernels.settings import FilterSettings
from tests.kernels.noise import draw_noise
from tests.support import reference

BORDERS = ("edge", "zero", "reflect", "symmetric", "wrap", "valid")
SIZES = ((24, 31), (9, 8), (2, 3), (1, 1))
STRIDES_AND_DILATIONS = (
    ((1, 1), (1, 1)),
    ((2, 2), (1, 1)),
    ((3, 5), (1, 1)),
    ((1, 1), (2, 2)),
    ((1, 1), (1, 3)),
    ((2, 3), (3, 2)),
)


def filter_exactly(
    image: NDArray[Any], kernel: Kernel, border: str, stride: tuple[int, int], dilation: tuple[int, int]
) -> reference.Plane:
    if kernel.combine == "median":
        return reference.find_medians(image, kernel.shape[0], border, stride, dilation)
    sums = [reference.correlate(image, part, border, stride, dilation) / kernel.divisor for part in kernel.tables]
    if len(sums) == 2:
        result: reference.Plane = np.hypot(*sums)
    else:
        result = np.max(sums, axis=0)
    return np.abs(result) if kernel.sum == 0 else result


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("name", Catalogue())
def test_every_kernel_equals_scipy_with_every_border(name: str, border: str) -> None:
    kernel = Catalogue()[name].make_kernel()
    for seed, size in enumerate(SIZES):
        image = draw_noise(seed, *size, 3)
        for stride, dilation in STRIDES_AND_DILATIONS:
            footprint = [step * (side - 1) + 1 for side, step in zip(kernel.shape, dilation, strict=True)]
            arguments: dict[str, Any] = {"border": border, "stride": stride, "dilation": dilation}
            if border == "valid" and (footprint[0] > size[0] or footprint[1] > size[1]):
                with pytest.raises(KernelParameterError, match="does not fit"):
                    convolve(image, name, **arguments)
                continue
            exact = filter_exactly(image, kernel, **arguments)
            reference.assert_equal_to_rounding(convolve(image, name, **arguments), exact)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("name", ["blur", "sharpen", "emboss", "edge", "sobel", "kirsch", "gaussian", "roberts"])
def test_every_dtype_in_grey_and_rgb_equals_scipy(name: str, dtype: Any, channels: int) -> None:
    kernel = Catalogue()[name].make_kernel()
    image = draw_noise(21, 17, 22, channels, dtype=dtype)
    result = convolve(image, name)
    assert result.dtype == dtype
    exact = filter_exactly(image, kernel, "edge", (1, 1), (1, 1))
    if dtype == np.float32:
        np.testing.assert_allclose(result, np.clip(exact, 0, 255), atol=1e-3)
    else:
        reference.assert_equal_to_rounding(result, exact, np.iinfo(dtype).max)


@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("name", ["blur", "gaussian", "motion", "sharpen"])
def test_kernels_that_sum_to_1_filter_premultiplied_colour_and_alpha(
    name: str, border: str, dtype: Any, channels: int
) -> None:
    kernel = Catalogue()[name].make_kernel()
    maximum = np.iinfo(dtype).max
    image = draw_noise(5, 18, 19, channels, dtype=dtype)
    colours, alpha = image[:, :, :-1].astype(np.float64), image[:, :, -1:] / maximum
    covered = reference.correlate(alpha, kernel.weights, border) / kernel.divisor
    weighted = reference.correlate(colours * alpha, kernel.weights, border) / kernel.divisor
    result = convolve(image, name, border=border)
    reference.assert_equal_to_rounding(result[:, :, -1:], covered * maximum, maximum)
    # With little or no coverage the colour is the quotient of two rounding errors, and nearly invisible.
    visible = covered[:, :, 0] > 0.02
    reference.assert_equal_to_rounding(result[visible][:, None, :-1], (weighted / covered)[visible][:, None], maximum)
    assert visible.mean() > 0.5


weight_tables = st.tuples(st.integers(1, 6), st.integers(1, 6)).flatmap(
    lambda shape: arrays(np.int64, shape, elements=st.integers(-9, 9)).filter(lambda weights: bool(weights.any()))
)
images = st.tuples(st.integers(1, 13), st.integers(1, 13), st.sampled_from([1, 3])).flatmap(
    lambda shape: arrays(np.uint8, shape)
)
steps = st.tuples(st.integers(1, 8), st.integers(1, 8))


@given(images, weight_tables, st.sampled_from(BORDERS[:-1]), steps, steps, st.sampled_from([1, -2, 7.5]))
def test_any_kernel_on_any_image_equals_scipy(
    image: NDArray[np.uint8],
    weights: NDArray[np.int64],
    border: str,
    stride: tuple[int, int],
    dilation: tuple[int, int],
    divisor: float,
) -> None:
    result = convolve(image, weights, border=border, stride=stride, dilation=dilation, divisor=divisor, response="clip")
    exact = reference.correlate(image, weights, border, stride, dilation) / divisor
    reference.assert_equal_to_rounding(result, exact)


@given(images, weight_tables, steps, steps, st.sampled_from(["SAME", "VALID"]))
def test_zero_and_valid_borders_equal_tensorflow_same_and_valid(
    image: NDArray[np.uint8],
    weights: NDArray[np.int64],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    padding: str,
) -> None:
    import tensorflow as tf

    channels = image.shape[2]
    filters = np.repeat(weights[:, :, None, None].astype(np.float32), channels, axis=3)
    border = {"SAME": "zero", "VALID": "valid"}[padding]
    arguments: dict[str, Any] = {"border": border, "stride": stride, "dilation": dilation, "response": "raw"}
    footprint = [step * (side - 1) + 1 for side, step in zip(weights.shape, dilation, strict=True)]
    if padding == "VALID" and (footprint[0] > image.shape[0] or footprint[1] > image.shape[1]):
        with pytest.raises(KernelParameterError, match="does not fit"):
            convolve(image, weights, **arguments)
        return
    batch = image[None].astype(np.float32)
    # One image: for a larger batch, TensorFlow 2.21 pads a result one pixel wide with uninitialised memory.
    expected = tf.nn.conv2d(batch, filters, stride, padding, dilations=dilation).numpy()[0]
    np.testing.assert_array_equal(convolve(image, weights, **arguments), expected)


@pytest.mark.parametrize("border", BORDERS[:-1])
def test_a_63_tap_kernel_on_an_image_of_3_pixels_equals_scipy(border: str) -> None:
    image = draw_noise(8, 3, 3, 1)
    weights = np.random.default_rng(9).uniform(0, 1, (63, 62))
    exact = reference.correlate(image, weights, border) / weights.sum()
    reference.assert_equal_to_rounding(convolve(image, weights, border=border, divisor=float(weights.sum())), exact)


def test_the_reference_equals_sums_computed_by_hand() -> None:
    row = np.array([1.0, 2, 3, 4])[None, :, None]
    weights = np.array([[1, 10, 100]])
    for border, expected in {
        "edge": [211, 321, 432, 443],
        "zero": [210, 321, 432, 43],
        "reflect": [212, 321, 432, 343],
        "symmetric": [211, 321, 432, 443],
        "wrap": [214, 321, 432, 143],
        "valid": [321, 432],
    }.items():
        assert reference.correlate(row, weights, border)[0, :, 0].tolist() == expected
    assert reference.correlate(row, np.array([[1, 10]]), "zero")[0, :, 0].tolist() == [21, 32, 43, 4]
    assert reference.correlate(row, weights, "zero", stride=(1, 2))[0, :, 0].tolist() == [321, 43]
    assert reference.correlate(row, np.array([[1, 10]]), "zero", dilation=(1, 2))[0, :, 0].tolist() == [20, 31, 42, 3]


@pytest.mark.parametrize(
    ("border", "mode"),
    [("edge", "nearest"), ("zero", "constant"), ("reflect", "mirror"), ("symmetric", "reflect"), ("wrap", "grid-wrap")],
)
def test_borders_equal_the_modes_of_scipy(border: str, mode: str) -> None:
    image = draw_noise(4, 5, 6, 1)
    weights = np.random.default_rng(6).integers(-9, 10, (9, 11))
    expected = ndimage.correlate(image[:, :, 0].astype(np.float64), weights, mode=mode)
    result = convolve(image, weights, border=border, response="raw")
    np.testing.assert_array_equal(result[:, :, 0], expected)


def test_apply_steps_and_convolve_give_the_same_result() -> None:
    image = draw_noise(3, 6, 7, 3)
    step = resolve_step("emboss", FilterSettings(border="wrap"), Catalogue())
    np.testing.assert_array_equal(apply_steps(image, [step]).image, convolve(image, "emboss", border="wrap"))
