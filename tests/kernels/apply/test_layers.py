"""Layers on images: the reference is SciPy in float64, TensorFlow's definition of pooling, and scipy.ndimage."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from kernels import KernelParameterError, convolve, convolve_in_steps
from kernels.apply.filter import apply_steps
from kernels.catalogue import Catalogue
from kernels.chain import resolve_chain
from kernels.settings import Operation
from tests.support import layer_reference as reference
from tests.support.images import draw_noise
from tests.support.reference import assert_equal_to_rounding

BORDERS = ("edge", "zero", "reflect", "symmetric", "wrap", "valid")
GENERATOR = np.random.default_rng(3)
TWO_OUTPUTS = GENERATOR.normal(0, 0.3, (3, 2, 3, 2))
"""(height, width, inputs, outputs). Every weight differs, so that a wrong order of axes or a flip is seen."""


def conv(weights: NDArray[Any], **more: Any) -> dict[str, Any]:
    return {"kernel": "conv", "weights": weights.tolist(), "layout": "hwio", **more}


def run(image: NDArray[Any], *operations: Any) -> NDArray[Any]:
    """The maps of a chain, in float32."""
    steps = resolve_chain([Operation.model_validate(operation) for operation in operations], Catalogue())
    return apply_steps(image, steps, as_maps=True).image


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize(
    ("stride", "dilation"), [((1, 1), (1, 1)), ((2, 2), (1, 1)), ((1, 3), (1, 1)), ((1, 1), (2, 3)), ((2, 3), (3, 2))]
)
def test_convolution_sums_over_all_inputs(border: str, stride: tuple[int, int], dilation: tuple[int, int]) -> None:
    image = draw_noise(17, 14)
    layer = conv(TWO_OUTPUTS, bias=[3, -20.5], border=border, stride=stride, dilation=dilation)
    expected = reference.convolve(image, TWO_OUTPUTS, [3, -20.5], border, stride, dilation)
    np.testing.assert_allclose(run(image, layer), expected, atol=1e-3)


def test_layouts_are_the_same_weights_in_another_order() -> None:
    image = draw_noise(9, 8)
    oihw = {"kernel": "conv", "weights": TWO_OUTPUTS.transpose(3, 2, 0, 1).tolist()}
    np.testing.assert_array_equal(run(image, oihw), run(image, conv(TWO_OUTPUTS)))
    np.testing.assert_allclose(run(image, oihw), reference.convolve(image, TWO_OUTPUTS), atol=1e-3)


def test_convolution_equals_the_call_of_tensorflow_in_the_lecture() -> None:
    import tensorflow as tf

    image = draw_noise(12, 13)
    weights = GENERATOR.normal(size=(5, 5, 3, 8)).astype(np.float32)
    expected = tf.nn.relu(tf.nn.conv2d(image[None].astype(np.float32), weights, 1, "SAME") + 7)
    pooled = tf.nn.max_pool2d(expected, 2, 2, "SAME")
    result = run(image, conv(weights, border="SAME", bias=7), "relu", "max-pool")
    np.testing.assert_allclose(result, pooled[0], atol=2e-3)
    assert result.shape == (6, 7, 8)


def test_a_colour_matrix_has_a_row_for_each_output() -> None:
    image = draw_noise(7, 5)
    matrix = [[0.5, 0.25, 0], [0, 1, 0], [1, -1, 0.125]]
    result = convolve_in_steps(image, [{"kernel": "conv", "weights": matrix}])
    assert result.dtype == np.uint8
    assert_equal_to_rounding(result, image.astype(np.float64) @ np.array(matrix).T)


@pytest.mark.parametrize("kind", ["max", "average", "min"])
@pytest.mark.parametrize("border", ["zero", "valid"])
@pytest.mark.parametrize(
    ("size", "stride"), [((2, 2), (2, 2)), ((3, 3), (1, 1)), ((3, 2), (2, 1)), ((2, 5), (3, 3)), ((1, 4), (4, 2))]
)
@pytest.mark.parametrize("shape", [(13, 10), (6, 7)])
def test_pooling_is_that_of_the_definition(
    kind: str, border: str, size: tuple[int, int], stride: tuple[int, int], shape: tuple[int, int]
) -> None:
    image = draw_noise(*shape)
    maps = image.astype(np.float32) - 140  # negative values: padding with 0 would win
    result = run(maps, {"kernel": f"{kind}-pool", "size": size, "stride": stride, "border": border})
    expected = reference.pool(maps, kind, size, stride, border == "zero")
    np.testing.assert_allclose(result, expected, atol=0 if kind != "average" else 1e-4)


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_pooling_is_that_of_tensorflow(padding: str) -> None:
    import tensorflow as tf

    image = draw_noise(11, 9)
    for kind, pool in (("max", tf.nn.max_pool2d), ("average", tf.nn.avg_pool2d)):
        expected = pool(image[None].astype(np.float32), (3, 2), (2, 2), padding)[0]
        result = run(image, {"kernel": f"{kind}-pool", "size": "3,2", "stride": 2, "border": padding})
        np.testing.assert_allclose(result, expected, atol=1e-4)


@pytest.mark.parametrize("size", [3, 5, 9])
def test_dilate_and_erode_are_those_of_scipy(size: int) -> None:
    image = draw_noise(20, 23)
    for name, morphology in (("dilate", ndimage.grey_dilation), ("erode", ndimage.grey_erosion)):
        planes = [morphology(image[:, :, channel], size=(size, size), mode="nearest") for channel in range(3)]
        np.testing.assert_array_equal(convolve(image, name, size=size), np.dstack(planes))
    assert (convolve(image, "dilate") == np.dstack([ndimage.maximum_filter(image[:, :, c], 3) for c in range(3)])).all()


def test_many_maps_are_pooled_and_filtered_like_one() -> None:
    """OpenCV has at most 128 channels, and some of its functions 4."""
    maps = np.random.default_rng(1).normal(size=(12, 13, 3))
    layer = conv(np.random.default_rng(2).normal(size=(1, 1, 3, 256)))
    many = run(maps.astype(np.float32), layer)
    for kind, size in (("max", 3), ("min", 4)):
        result = run(maps.astype(np.float32), layer, {"kernel": f"{kind}-pool", "size": size, "stride": 1})
        np.testing.assert_array_equal(result, reference.pool(many, kind, (size, size), (1, 1), same=True))
    blurred = run(maps.astype(np.float32), layer, "average")
    expected = [ndimage.uniform_filter(many[:, :, number], 3, mode="nearest") for number in range(256)]
    np.testing.assert_allclose(blurred, np.dstack(expected), atol=1e-5)


def test_relu_keeps_what_is_positive() -> None:
    image = draw_noise(8, 8).astype(np.float32) - 128
    np.testing.assert_array_equal(run(image, "relu"), np.where(image > 0, image, 0))


def test_a_kernel_between_layers_filters_every_map_alone() -> None:
    image = draw_noise(12, 11)
    weights = GENERATOR.normal(size=(3, 3, 3, 5))
    blur = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
    maps = reference.convolve(image, weights, border="zero")
    assert maps.min() < -100
    expected = np.dstack(
        [ndimage.correlate(maps[:, :, number], blur, mode="nearest") for number in range(maps.shape[2])]
    )
    result = run(image, conv(weights, border="zero"), "blur", {"kernel": "conv", "weights": np.eye(5).tolist()})
    np.testing.assert_allclose(result, expected, atol=1e-2)


def test_a_response_between_layers_is_applied() -> None:
    image = draw_noise(6, 6)
    difference = {"kernel": "conv", "weights": [[1, -1, 0]], "response": "abs"}
    red, green = image[:, :, 0].astype(float), image[:, :, 1].astype(float)
    np.testing.assert_allclose(run(image, difference, "relu")[:, :, 0], np.abs(red - green))


def test_values_are_rounded_once_at_the_end() -> None:
    image = np.full((2, 2), 9, np.uint8)
    tenth = {"kernel": "conv", "weights": [[0.1]]}
    ten = {"kernel": "conv", "weights": [[10]]}
    np.testing.assert_array_equal(convolve_in_steps(image, [tenth, ten]), image)
    np.testing.assert_array_equal(convolve_in_steps(image, [tenth]), np.ones((2, 2)))


def test_halves_are_rounded_to_even() -> None:
    image = np.array([[1, 3, 5, 7]], np.uint8)
    assert convolve_in_steps(image, [{"kernel": "conv", "weights": [[0.5]]}]).tolist() == [[0, 2, 2, 4]]


def test_16_bits_and_percentages() -> None:
    image = draw_noise(5, 6, dtype="uint16")
    matrix = np.array([[0.5, 0.25, 0.25], [0, 1, 0], [0, 0, 1]])
    result = convolve_in_steps(image, [{"kernel": "conv", "weights": matrix.tolist(), "bias": ["10%", 5, 0]}])
    assert result.dtype == np.uint16
    assert_equal_to_rounding(result, image.astype(np.float64) @ matrix.T + [6553.5, 5, 0], 65535)


def test_float_images_are_not_rounded() -> None:
    image = draw_noise(5, 6).astype(np.float32)
    np.testing.assert_allclose(convolve(image, "saturate", amount=0)[..., 0], image @ [0.213, 0.715, 0.072], rtol=1e-5)


def test_grey_images_are_equal_channels() -> None:
    grey = draw_noise(6, 7, 1)
    np.testing.assert_array_equal(convolve(grey, "sepia"), convolve(np.dstack([grey] * 3), "sepia"))


def test_a_colour_image_becomes_grey_for_one_input() -> None:
    image = draw_noise(6, 7)
    luma = image.astype(np.float64) @ [0.299, 0.587, 0.114]
    result = run(image, {"kernel": "conv", "weights": [[[[2]]], [[[1]]]], "channels": "gray"})
    np.testing.assert_allclose(result, np.dstack([2 * luma, luma]), atol=1e-3)


def test_the_result_is_linear_light_if_the_image_is() -> None:
    """The mean of black and white is 188 in sRGB: 0.5 in linear light (IEC 61966-2-1)."""
    image = np.array([[0, 255]], np.uint8).repeat(2, axis=0)
    step = {"kernel": "average-pool", "size": 2}
    assert convolve_in_steps(image, [step], linear=True).tolist() == [[188]]
    assert convolve_in_steps(image, [step]).tolist() == [[128]]


def test_grey_of_linear_light_is_luminance() -> None:
    red = np.full((2, 2, 3), (255, 0, 0), np.uint8)
    assert convolve(red, "gray")[0, 0] == [76]  # 0.299 of 255
    assert convolve(red, "gray", linear=True)[0, 0] == [127]  # 0.2126 of linear light


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_random_chains(data: st.DataObject) -> None:
    """Any chain of layers gives what the reference gives, and the planned shape."""
    seed = data.draw(st.integers(0, 2**32 - 1))
    generator = np.random.default_rng(seed)
    height, width = data.draw(st.tuples(st.integers(6, 16), st.integers(6, 16)))
    image = generator.integers(0, 256, (height, width, 3), np.uint8)
    maps: NDArray[Any] = image.astype(np.float64)
    operations: list[Any] = []
    for _ in range(data.draw(st.integers(1, 5))):
        kind = data.draw(st.sampled_from(["conv", "relu", "max", "average", "min"]))
        if kind == "conv":
            rows, columns, outputs = data.draw(st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 6)))
            weights = generator.normal(0, 1 / (rows * columns), (rows, columns, maps.shape[2], outputs))
            bias = generator.normal(0, 20, outputs).tolist()
            border = data.draw(st.sampled_from(BORDERS[:5]))
            stride = data.draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
            operations.append(conv(weights, bias=bias, border=border, stride=stride))
            maps = reference.convolve(maps, weights, bias, border, stride)
        elif kind == "relu":
            operations.append("relu")
            maps = np.maximum(maps, 0)
        else:
            size = data.draw(st.tuples(st.integers(1, min(3, maps.shape[0])), st.integers(1, min(3, maps.shape[1]))))
            stride = data.draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
            operations.append({"kernel": f"{kind}-pool", "size": size, "stride": stride})
            maps = reference.pool(maps, kind, size, stride, same=True)
    result = run(image, *operations)
    assert result.shape == maps.shape
    np.testing.assert_allclose(result, maps, atol=2e-4 * max(1, np.abs(maps).max()))


# -- alpha


def premultiply(image: NDArray[Any]) -> NDArray[np.float64]:
    return image[:, :, :3] * (image[:, :, 3:] / 255.0)


def draw_transparent() -> NDArray[np.uint8]:
    image = draw_noise(9, 10, 4)
    image[:3, :, 3] = 255
    image[5:, :4, 3] = 0
    return image


def test_a_layer_with_three_inputs_sees_premultiplied_colour_and_keeps_alpha() -> None:
    image = draw_transparent()
    weights = np.abs(GENERATOR.normal(0, 0.1, (3, 3, 3, 3)))
    alpha = image[:, :, 3:] / 255.0
    # SVG, feConvolveMatrix: the bias is multiplied by alpha.
    premultiplied = reference.convolve(premultiply(image), weights) + np.array([4.0, 5.0, 6.0]) * alpha
    expected = np.divide(premultiplied, alpha, out=np.zeros_like(premultiplied), where=alpha > 0)
    result = convolve_in_steps(image, [conv(weights, bias=[4, 5, 6])])
    np.testing.assert_array_equal(result[:, :, 3], image[:, :, 3])
    assert_equal_to_rounding(result[:, :, :3], expected)


def test_colour_matrices_do_not_depend_on_alpha() -> None:
    image = draw_transparent()
    visible = image[:, :, 3] > 0
    opaque = convolve(np.ascontiguousarray(image[:, :, :3]), "sepia")
    result = convolve(image, "sepia")
    assert np.abs(result[visible][:, :3].astype(int) - opaque[visible]).max() <= 1
    np.testing.assert_array_equal(result[:, :, 3], image[:, :, 3])
    assert not result[~visible][:, :3].any()


def test_hidden_colours_do_not_show() -> None:
    image = draw_transparent()
    other = image.copy()
    other[image[:, :, 3] == 0, :3] = 255 - other[image[:, :, 3] == 0, :3]
    weights = GENERATOR.normal(0, 0.3, (3, 3, 3, 3))
    for operation in (conv(weights), "average-pool", "dilate", "erode"):
        np.testing.assert_array_equal(convolve_in_steps(image, [operation]), convolve_in_steps(other, [operation]))


def test_a_layer_with_four_inputs_sees_alpha_as_a_channel() -> None:
    image = draw_transparent()
    channels = np.dstack([premultiply(image), image[:, :, 3]])
    weights = GENERATOR.normal(0, 0.3, (3, 3, 4, 2))
    np.testing.assert_allclose(run(image, conv(weights)), reference.convolve(channels, weights), atol=1e-3)
    identity = conv(np.eye(4)[None, None])
    visible = image[:, :, 3] > 0
    np.testing.assert_array_equal(convolve_in_steps(image, [identity])[visible], image[visible])


def test_four_inputs_of_an_opaque_image() -> None:
    image = draw_noise(6, 6)
    result = run(image, {"kernel": "conv", "weights": [[0, 0, 0, 1], [1, 0, 0, 0]]})
    np.testing.assert_array_equal(result, np.dstack([np.full((6, 6), 255), image[:, :, 0]]))


def test_pooling_pools_alpha_like_premultiplied_colour() -> None:
    image = draw_transparent()
    colours = reference.pool(premultiply(image), "average", (2, 2), (2, 2), same=True)
    alpha = reference.pool(image[:, :, 3:], "average", (2, 2), (2, 2), same=True)
    expected = np.divide(colours, alpha / 255, out=np.zeros_like(colours), where=alpha > 0)
    result = convolve_in_steps(image, ["average-pool"])
    assert_equal_to_rounding(result, np.dstack([expected, alpha]))
    kept = convolve_in_steps(image, [{"kernel": "average-pool", "alpha": "keep"}])
    np.testing.assert_array_equal(kept[:, :, 3], image[::2, ::2, 3])


@pytest.mark.parametrize("count", [2, 5, 200])
def test_a_kernel_after_a_layer_filters_alpha_as_it_does_alone(count: int) -> None:
    """The mean of 3x3: sums of premultiplied values over the sum of alpha. OpenCV has at most 128 channels."""
    image = draw_transparent()
    matrix = GENERATOR.normal(size=(count, 3))
    alpha = image[:, :, 3] / 255.0
    sums = ndimage.uniform_filter((image[:, :, :3] @ matrix.T) * alpha[:, :, None], (3, 3, 1), mode="nearest")
    weights = ndimage.uniform_filter(alpha, 3, mode="nearest")[:, :, None]
    expected = np.divide(sums, weights, out=np.zeros_like(sums), where=weights > 1e-9)
    result = run(image, {"kernel": "conv", "weights": matrix.tolist()}, "average")
    np.testing.assert_allclose(result, expected, atol=2e-3)


def test_a_kernel_after_a_colour_matrix_is_that_of_the_image() -> None:
    image = draw_transparent()
    image[:, :, :3] //= 2  # sepia is then in range: values between layers are not clipped
    chained = convolve_in_steps(image, ["sepia", "blur"]).astype(int)
    np.testing.assert_allclose(chained, convolve(convolve(image, "sepia"), "blur"), atol=2)


# -- results


def test_numbers_of_maps_that_are_an_image() -> None:
    image = draw_noise(5, 5)
    for outputs, dtype in ((1, "uint8"), (2, "float32"), (3, "uint8"), (4, "uint8"), (5, "float32")):
        result = convolve_in_steps(image, [{"kernel": "conv", "weights": np.ones((outputs, 3)).tolist()}])
        assert (result.shape, str(result.dtype)) == ((5, 5, outputs), dtype)


def test_maps_are_selected_in_the_given_order() -> None:
    image = draw_noise(5, 5)
    weights = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0.5, 0], [0, 0.5, 0.5]])
    result = convolve_in_steps(image, [{"kernel": "conv", "weights": weights.tolist()}], maps=[4, 0, 1])
    assert_equal_to_rounding(result, (image @ weights.T)[:, :, [4, 0, 1]])
    one = convolve_in_steps(image, [{"kernel": "opponent", "response": "clip"}], maps=[2])
    np.testing.assert_array_equal(one, convolve(image, "opponent", response="clip")[..., 2:])


def test_maps_of_a_kernel_have_its_response() -> None:
    image = draw_noise(7, 7)
    for response in ("offset", "abs", "clip"):
        edges = convolve(image, "left-sobel", response=response)
        step = {"kernel": "left-sobel", "response": response}
        np.testing.assert_array_equal(convolve_in_steps(image, [step], maps=[1]), edges[:, :, 1:2])


@pytest.mark.parametrize(
    ("operations", "maps", "message"),
    [
        ([conv(np.ones((1, 1, 2, 1)))], None, "The layer has 2 inputs (1x1, 1 outputs) and gets 3 maps of 5x4"),
        (["gray", conv(np.ones((1, 1, 8, 8)))], None, "Step 2 (conv): The layer has 8 inputs"),
        ([conv(np.ones((1, 1, 1, 4)))], None, "channels=gray converts the image to grey first"),
        ([{"kernel": "conv", "weights": np.ones((5, 5, 3, 8)).tolist()}], None, "hwio [height,width,in,out]"),
        (["relu", {"kernel": "max-pool", "size": 6}], None, "Step 2 (max-pool): The pooling window is 6x6"),
        ([{"kernel": "max-pool", "size": "1,6"}], None, "it may be at most 5x4"),
        ([conv(np.ones((5, 5, 3, 1)), border="valid")], None, "does not fit into 4"),
        (["sepia"], [3], "maps has the number 3; the result has 3 maps, 0 to 2"),
        ([conv(np.ones((1, 1, 3, 8))), {"kernel": "blur", "channels": "r"}], None, "Step 2 (blur): channels is 'r'"),
        ([conv(np.full((1, 1, 3, 3), 1e6))] * 7, None, "exceed the range of float32"),
    ],
)
def test_mistakes(operations: list[Any], maps: list[int] | None, message: str) -> None:
    with pytest.raises(KernelParameterError) as caught:
        convolve_in_steps(draw_noise(4, 5), operations, maps=maps)
    assert message in str(caught.value)
