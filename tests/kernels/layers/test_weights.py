"""Weights of a layer in a request."""

import math
from typing import Any

import numpy as np
import pytest

from kernels.errors import KernelParameterError
from kernels.layers.weights import parse_layer_weights


def test_four_axes_in_both_orders() -> None:
    numbers = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    np.testing.assert_array_equal(parse_layer_weights(numbers.tolist(), "hwio"), numbers)
    oihw = parse_layer_weights(numbers.tolist(), None)
    assert oihw.shape == (4, 5, 3, 2)
    assert oihw[1, 2, 0, 1] == numbers[1, 0, 1, 2]


def test_two_axes_are_outputs_and_inputs() -> None:
    assert parse_layer_weights("[[1, 2, 3], [4, 5, 6]]", None)[0, 0].tolist() == [[1, 4], [2, 5], [3, 6]]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "needs weights"),
        ("[[1", "not valid JSON"),
        ([[[1, 2], [3, 4]]], "3 axes"),
        ("7", "0 axes"),
        ([], "axis 1 is empty"),
        ([[]], "axis 2 is empty"),
        ([[1, 2], [3]], "axis 2 of the weights have different lengths"),
        ([[1, 2], 3], "axis 2 of the weights have different lengths"),
        ([[1, "x"]], "'x' is not a number"),
        ([[1, True]], "'True' is not a number"),
        ([[1, None]], "'None' is not a number"),
        ([[math.nan]], "A weight is nan"),
        ("[[NaN]]", "A weight is nan"),
        ([[1, math.inf]], "A weight is inf"),
        ([[-2e6]], "A weight is -2e+06; every weight must be a number from -1000000 to 1000000"),
        (np.zeros((1, 1, 64, 1)).tolist(), "each side may be 1 to 63"),
        (np.zeros((257, 1)).tolist(), "257 outputs"),
        (np.zeros((60, 60, 30)).tolist(), "the limit is 100000"),
    ],
)
def test_mistakes(value: Any, message: str) -> None:
    with pytest.raises(KernelParameterError) as caught:
        parse_layer_weights(value, None)
    assert caught.value.parameter == "weights"
    assert message in str(caught.value)


def test_the_number_of_weights_is_checked_before_they_are_converted() -> None:
    row = [0.0] * 50_000
    with pytest.raises(KernelParameterError, match="150000 weights or more"):
        parse_layer_weights([row, row, row], None)
