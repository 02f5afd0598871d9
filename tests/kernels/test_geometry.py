"""Output sizes against values computed by hand and against TensorFlow."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels import KernelParameterError
from kernels.geometry import lay_out_axis, measure_footprint

BY_HAND = [
    # input, kernel, stride, dilation, padding: output, before, after, first centre, formula
    (28, 5, 1, 1, 2, 28, 2, 2, 0, "(28 - 5 + 2×2)/1 + 1 = 28"),
    (28, 5, 1, 1, "SAME", 28, 2, 2, 0, "(28 - 5 + 2×2)/1 + 1 = 28"),
    (28, 5, 1, 1, "VALID", 24, 0, 0, 2, "(28 - 5 + 2×0)/1 + 1 = 24"),
    (28, 5, 1, 1, 0, 24, 0, 0, 2, "(28 - 5 + 2×0)/1 + 1 = 24"),
    (227, 11, 4, 1, 0, 55, 0, 0, 5, "(227 - 11 + 2×0)/4 + 1 = 55"),  # AlexNet, first layer
    (7, 3, 2, 1, 1, 4, 1, 1, 0, "(7 - 3 + 2×1)/2 + 1 = 4"),
    (10, 3, 2, 1, "SAME", 5, 0, 1, 1, "(10 - 3 + 0 + 1)/2 + 1 = 5"),
    (11, 3, 2, 1, "SAME", 6, 1, 1, 0, "(11 - 3 + 2×1)/2 + 1 = 6"),
    (10, 3, 3, 1, "VALID", 3, 0, 0, 1, "floor (10 - 3 + 2×0)/3 + 1 = 3"),
    (10, 4, 1, 1, "SAME", 10, 1, 2, 0, "(10 - 4 + 1 + 2)/1 + 1 = 10"),
    (10, 3, 1, 2, "SAME", 10, 2, 2, 0, "(10 - (2×(3 - 1) + 1) + 2×2)/1 + 1 = 10"),
    (10, 3, 1, 2, "VALID", 6, 0, 0, 2, "(10 - (2×(3 - 1) + 1) + 2×0)/1 + 1 = 6"),
    (10, 1, 4, 8, "SAME", 3, 0, 0, 0, "floor (10 - 1 + 2×0)/4 + 1 = 3"),
    (3, 15, 1, 1, "SAME", 3, 7, 7, 0, "(3 - 15 + 2×7)/1 + 1 = 3"),
]


@pytest.mark.parametrize(
    ("input", "kernel", "stride", "dilation", "padding", "output", "before", "after", "center", "formula"), BY_HAND
)
def test_sizes_are_those_computed_by_hand(
    input: int, kernel: int, stride: int, dilation: int, padding: Any,
    output: int, before: int, after: int, center: int, formula: str,
) -> None:  # fmt: skip
    axis = lay_out_axis(input, kernel, stride=stride, dilation=dilation, padding=padding)
    assert axis.output == output
    assert (axis.padding_before, axis.padding_after) == (before, after)
    assert axis.first_center == center
    assert axis.formula == formula


sizes = st.integers(1, 200)
sides = st.integers(1, 63)
steps = st.integers(1, 8)


@given(sizes, sides, steps, steps)
def test_same_and_valid_have_the_lengths_of_tensorflow(input: int, kernel: int, stride: int, dilation: int) -> None:
    import tensorflow as tf

    def measure(padding: str) -> int:
        # TensorFlow infers the shape without running the convolution.
        function = tf.function(lambda x, w: tf.nn.conv2d(x, w, (1, stride), padding, dilations=(1, dilation)))
        signature = tf.TensorSpec((1, 1, input, 1)), tf.TensorSpec((1, kernel, 1, 1))
        return int(function.get_concrete_function(*signature).output_shapes[2])

    arguments: dict[str, Any] = {"stride": stride, "dilation": dilation}
    assert lay_out_axis(input, kernel, padding="SAME", **arguments).output == measure("SAME")
    if input >= dilation * (kernel - 1) + 1:
        assert lay_out_axis(input, kernel, padding="VALID", **arguments).output == measure("VALID")
    else:
        with pytest.raises(KernelParameterError, match="does not fit"):
            lay_out_axis(input, kernel, padding="VALID", **arguments)


@given(sizes, sides, steps, steps, st.sampled_from(["SAME", "VALID"]), st.data())
def test_every_output_is_placed_at_a_pixel_of_the_image(
    input: int, kernel: int, stride: int, dilation: int, padding: Any, data: st.DataObject
) -> None:
    anchor = data.draw(st.none() | st.integers(0, kernel - 1))
    if padding == "VALID" and input < measure_footprint(kernel, dilation):
        return
    axis = lay_out_axis(input, kernel, stride=stride, dilation=dilation, padding=padding, anchor=anchor)
    centers = range(input)[axis.centers]
    assert len(centers) == axis.output
    assert axis.first_center >= 0
    if padding == "SAME":
        assert axis.output == -(-input // stride)
        assert anchor is None or axis.first_center == 0


@pytest.mark.parametrize(
    ("padding", "message"),
    [("VALID", "spans 9 pixels does not fit into 5: at least 9 are needed"),
     (1, "does not fit into 5 with 2 of padding: at least 7 are needed")],
)  # fmt: skip
def test_a_kernel_that_does_not_fit_is_rejected_with_the_size_that_fits(padding: Any, message: str) -> None:
    with pytest.raises(KernelParameterError, match=message):
        lay_out_axis(5, 5, dilation=2, padding=padding)
    assert lay_out_axis(9, 5, dilation=2, padding="VALID").output == 1
