"""The weights of a convolution in a request: nested lists, or the same as JSON text."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.errors import KernelParameterError
from kernels.kernel import MAX_SIDE, MAX_WEIGHT
from kernels.layers.layer import MAX_LAYER_WEIGHTS, LayerWeights
from kernels.numbers import parse_number
from kernels.settings import Layout
from kernels.spellings import MAX_MAPS

EXAMPLE = "[[0.299,0.587,0.114]] for one output from red, green and blue"
AXES = {"oihw": (2, 3, 1, 0), "hwio": (0, 1, 2, 3)}
"""Where each layout has height, width, inputs and outputs."""
NAMES = {"oihw": "[out,in,height,width]", "hwio": "[height,width,in,out]"}


def parse_layer_weights(value: str | list[Any] | None, layout: Layout | None) -> LayerWeights:
    """(height, width, inputs, outputs) from lists with four axes in the order of `layout` (default `oihw`), or from a
    colour matrix [out][in]. Raises KernelParameterError.
    """
    if value is None:
        raise KernelParameterError("weights", f"The layer 'conv' needs weights, for example {EXAMPLE}.")
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise KernelParameterError("weights", f"The weights are not valid JSON: {error}. Use {EXAMPLE}.") from None
    weights = make_array(value)
    if weights.ndim == 2:
        weights = weights.T[None, None]
    elif weights.ndim == 4:
        weights = weights.transpose(AXES[layout or "oihw"])
    else:
        raise KernelParameterError(
            "weights",
            f"The weights have {weights.ndim} axes. A layer has 4, {NAMES['oihw']}, or with layout=hwio "
            f"{NAMES['hwio']}; a colour matrix has 2, [out][in].",
        )
    check_shape(weights.shape, layout)
    return np.ascontiguousarray(weights, np.float32)


def make_array(value: Any) -> NDArray[np.float64]:
    """Nested lists of equal lengths as an array. Raises KernelParameterError."""
    shape: list[int] = []
    items: list[Any] = [value]
    while items and isinstance(items[0], list):
        length = len(items[0])
        for item in items:
            if not isinstance(item, list) or len(item) != length:
                raise KernelParameterError(
                    "weights",
                    f"The lists of axis {len(shape) + 1} of the weights have different lengths; one has {length}, "
                    f"another {len(item) if isinstance(item, list) else 'is a number'}.",
                )
        if length == 0 or length * len(items) > MAX_LAYER_WEIGHTS:
            raise KernelParameterError(
                "weights",
                f"A list of axis {len(shape) + 1} is empty."
                if length == 0
                else f"The layer has {length * len(items)} weights or more; the limit is {MAX_LAYER_WEIGHTS}.",
            )
        shape.append(length)
        items = [inner for item in items for inner in item]
    try:
        numbers = np.array([parse_number(item) for item in items], np.float64)
    except ValueError:
        wrong = next(item for item in items if not is_number(item))
        raise KernelParameterError(
            "weights", f"{str(wrong)[:40]!r} is not a number. Use numbers such as 5, -1.5 or 1e-3."
        ) from None
    if not np.isfinite(numbers).all() or np.abs(numbers).max() > MAX_WEIGHT:
        wrong = numbers[~(np.abs(numbers) <= MAX_WEIGHT)][0]
        raise KernelParameterError(
            "weights",
            f"A weight is {wrong:g}; every weight must be a number from {-MAX_WEIGHT:.0f} to {MAX_WEIGHT:.0f}.",
        )
    return numbers.reshape(shape)


def is_number(item: Any) -> bool:
    try:
        parse_number(item)
    except ValueError:
        return False
    return True


def check_shape(shape: Sequence[int], layout: Layout | None) -> None:
    """Raise KernelParameterError for a side or a number of maps beyond its limit. `shape` is (h, w, in, out)."""
    height, width, inputs, outputs = shape
    if max(height, width) <= MAX_SIDE and max(inputs, outputs) <= MAX_MAPS:
        return
    raise KernelParameterError(
        "weights",
        f"With layout={layout or 'oihw'}, {NAMES[layout or 'oihw']}, the layer has a window of {height}x{width}, "
        f"{inputs} inputs and {outputs} outputs; each side may be 1 to {MAX_SIDE}, and inputs and outputs may be 1 to "
        f"{MAX_MAPS}.",
    )
