"""The fast way for the most common requests: one step over integers, rounded while its results are in the cache.

The result is that of `step.apply_step`, rounded.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from kernels.apply.bands import GROUP_BYTES, Group, filter_in_bands, turn_back
from kernels.apply.correlate import plan_correlation
from kernels.apply.layout import StepReport, lay_out_step
from kernels.apply.response import combine_parts, divide_sums
from kernels.apply.separable import choose_factors
from kernels.chain import Step
from kernels.product import Product, sum_absolute
from kernels.settings import Response
from kernels.types import Image, Planes, Weights

LARGEST_VALUE = 1e9
"""OpenCV rounds through int32. Larger values are for `step.apply_step`."""


def can_round_at_once(image: Image, steps: Sequence[Step], linear: bool) -> bool:
    """Whether each result depends only on the pixels under the kernel, and is rounded immediately."""
    (step, *more), settings = steps, steps[0].settings
    return (
        not more
        and not linear
        and not step.kernel.is_long
        and step.kernel.combine != "median"
        and image.dtype != np.float32
        and image.shape[2] in (1, 3)
        and step.response in ("clip", "abs", "offset")
        and step.amount == 1
        and (settings.channels == "rgb" or (settings.channels in ("gray", "luma") and image.shape[2] == 1))
        and bound_values(step, float(np.iinfo(image.dtype).max)) < LARGEST_VALUE
    )


def bound_values(step: Step, maximum: float) -> float:
    """An upper bound of the absolute values of the result for any image."""
    weights = max(sum_absolute(part) for part in step.weights)
    return len(step.weights) * weights * maximum / abs(step.divisor) + abs(step.settings.scale_bias(maximum))


def filter_and_round(image: Image, step: Step, maximum: float, measure: bool) -> tuple[Image, StepReport]:
    """Filter (height, width, 1 or 3) uint8 or uint16. `measure`: whether to measure the minimum and the maximum."""
    rows, columns = lay_out_step(step, image.shape[0], image.shape[1])
    weights, divisor = scale_weights(step)
    correlate = plan_correlation([(part, choose_factors(part)) for part in weights], rows, columns)
    bias = np.float32(step.settings.scale_bias(maximum))
    response, combine = step.response, step.kernel.combine  # `response` is computed each time
    rounding = Rounding(response, maximum, image.dtype)
    lowest, highest, clipped = math.inf, -math.inf, 0

    def store(group: Group, target: Image) -> None:
        nonlocal lowest, highest, clipped
        values = combine_parts(divide_sums(group.parts, divisor), combine)
        values = values + bias if bias else values
        if measure:
            pixels = group.select(values)
            lowest, highest = min(lowest, float(pixels.min())), max(highest, float(pixels.max()))
        if response == "offset":
            values = np.float32(0.5) * values + np.float32((maximum + 1) / 2)
        rounded = rounding.round(values)
        clipped += rounding.count_clipped(group, values, rounded)
        turn_back(rounded, target)

    result = filter_in_bands(image, rows, columns, step.settings.border, correlate, store, image.dtype)
    report = StepReport(
        step, rows, columns, image.shape[2],
        lowest if measure else None, highest if measure else None, 100 * clipped / result.size,
    )  # fmt: skip
    return result, report


def scale_weights(step: Step) -> tuple[list[Weights], np.float32]:
    """The tables and the remaining divisor. A divisor that is a power of 2 divides the weights without rounding."""
    tables = [part for part in step.weights if not isinstance(part, Product)]
    if abs(math.frexp(step.divisor)[0]) == 0.5:
        return [table / step.divisor for table in tables], np.float32(1)
    return tables, np.float32(step.divisor)


class Rounding:
    """Brings float32 values into the range of uint8 or uint16 and rounds them, halves to even."""

    def __init__(self, response: Response, maximum: float, dtype: np.dtype[Any]) -> None:
        """response: `clip`, or `abs`, which rounds absolute values; `offset` is applied before."""
        self.takes_absolute = response == "abs"
        self.ceiling = np.float32(maximum + 0.5)
        self.levels = np.iinfo(dtype)
        self.buffer = np.empty(GROUP_BYTES // 4, np.float32)
        self.rounded = np.empty(GROUP_BYTES // 4, dtype)

    def round(self, values: Planes) -> Image:
        """The result has the shape of `values`, and is overwritten by the next call."""
        if values.size > self.buffer.size:  # a single row is larger than a group
            self.buffer, self.rounded = np.empty(values.size, np.float32), np.empty(values.size, self.rounded.dtype)
        rounded = self.rounded[: values.size].reshape(values.shape)
        buffer = self.buffer[: values.size].reshape(values.shape)
        if rounded.dtype == np.uint8:
            self.round_bytes(values, buffer, rounded)
        else:
            values = np.abs(values, out=buffer) if self.takes_absolute else values
            np.clip(values, 0, np.float32(self.levels.max), out=buffer)
            np.copyto(rounded, np.rint(buffer, out=buffer), casting="unsafe")
        return rounded

    def round_bytes(self, values: Planes, buffer: Planes, rounded: Image) -> None:
        """`convertScaleAbs` takes absolute values, rounds and saturates in one pass."""
        import cv2

        flat = values.reshape(len(values), -1)
        if not self.takes_absolute:
            cv2.threshold(flat, 0, 0, cv2.THRESH_TOZERO, dst=buffer.reshape(flat.shape))
            flat = buffer.reshape(flat.shape)
        cv2.convertScaleAbs(flat, dst=rounded.reshape(flat.shape))

    def count_clipped(self, group: Group, values: Planes, rounded: Image) -> int:
        """How many pixels were clipped by more than rounding does. They are 0 or the maximum: few groups have any."""
        clipped = 0
        if not self.takes_absolute and rounded.min() == 0:
            clipped += int(np.count_nonzero(group.select(values) < np.float32(-0.5)))
        if rounded.max() == self.levels.max:
            pixels = group.select(values)
            clipped += int(np.count_nonzero((np.abs(pixels) if self.takes_absolute else pixels) >= self.ceiling))
        return clipped
