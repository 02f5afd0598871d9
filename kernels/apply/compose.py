"""The single kernel that is equivalent to a chain of kernels.

A correlation with weights w₁ followed by one with w₂ is a correlation with their product as polynomials: each weight of
w₂ times each weight of w₁, at the sum of their positions. The divisors are multiplied. A bias is multiplied by the sum
of the following weights. Clipping between the steps breaks the equivalence: the `StepReport`s show whether it happens
in an image.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kernels.apply.channels import is_selection
from kernels.apply.layout import StepReport
from kernels.chain import Step
from kernels.errors import KernelParameterError
from kernels.geometry import Axis, lay_out_axis
from kernels.kernel import MAX_SIDE, MAX_WEIGHT
from kernels.padding import Border
from kernels.product import Product
from kernels.settings import Response
from kernels.types import Weights

MAX_STRIDE = 8


@dataclass(frozen=True)
class ComposedAxis:
    """Result i of the chain is a sum over t < footprint of the pixels `i * stride + t - offset` of the image."""

    input: int
    output: int
    footprint: int
    offset: int
    stride: int
    exact: range
    """The results that do not depend on the padding of a later step."""


@dataclass(frozen=True)
class ComposedKernel:
    """A result is the sum of `weights` (rows, columns, as written) times pixels, divided by `divisor`, plus `bias`."""

    weights: Weights
    divisor: float
    bias: float
    """In pixel units."""
    rows: ComposedAxis
    columns: ComposedAxis
    response: Response
    channels: str
    border: Border
    """The border of the first step. Inside `exact` the other steps do not use theirs."""
    cut_off: tuple[str, ...]
    """A text for each step before the last that clips values of this image. The kernel is exact if there is none."""

    @property
    def is_a_filter(self) -> bool:
        """Whether one request with the kernel `custom` can apply it."""
        return (
            max(self.weights.shape) <= MAX_SIDE
            and 0 < float(np.abs(self.weights).max()) <= MAX_WEIGHT
            and max(self.rows.stride, self.columns.stride) <= MAX_STRIDE
            and all(has_equal_layout(axis, self.border) for axis in (self.rows, self.columns))
        )


def find_obstacle(reports: Sequence[StepReport], channels: int) -> str | None:
    """Why a chain is not equivalent to a single kernel, for an image of 1 to 4 channels. None if it is."""
    names = [f"step {number} ({report.step.kernel.name})" for number, report in enumerate(reports, 1)]
    for name, report in zip(names, reports, strict=True):
        step = report.step
        if step.kernel.is_long:
            return f"{name} has more than {MAX_SIDE} weights on a side, too many for a table"
        if step.kernel.combine == "median":
            return f"{name} takes the median, which is not linear"
        if step.kernel.combine != "single":
            return f"{name} takes the {step.kernel.combine} of {len(step.kernel.parts)} kernels, which is not linear"
        if step.settings.alpha == "filter" and channels in (2, 4):
            return f"{name} filters alpha and divides the colours by it"
        if step.settings.channels == "luma" and channels > 2:
            return f"{name} changes only the brightness"
    for name, report in zip(names[:-1], reports[:-1], strict=True):
        lowest, _ = find_range(report)
        if report.step.response == "abs" and lowest < 0:
            return f"{name} drops the sign of its values, the smallest of which is {lowest:.4g}: use response=raw there"
        if report.step.response == "rescale":
            return f"{name} stretches its values by their range in the image: use response=raw there"
    if len({pick_channels(report.step) for report in reports}) > 1:
        return "the steps filter different channels"
    return None


def compose(reports: Sequence[StepReport], maximum: float) -> ComposedKernel:
    """The single kernel of a chain for which `find_obstacle` returns None. `maximum` is white."""
    weights, divisor, bias = np.ones((1, 1)), 1.0, 0.0
    stride_y, stride_x = 1, 1
    for report in reports:
        own, own_divisor = mix_identity(report)
        bias = bias * float(own.sum()) / own_divisor + report.step.settings.scale_bias(maximum)
        weights, divisor = multiply(weights, dilate(own, (stride_y, stride_x))), divisor * own_divisor
        stride_y, stride_x = stride_y * report.rows.stride, stride_x * report.columns.stride
        if report.step.response == "offset" and report is not reports[-1]:
            divisor, bias = 2 * divisor, bias / 2 + (maximum + 1) / 2
    wraps = all(report.step.settings.border == "wrap" for report in reports)
    return ComposedKernel(
        weights,
        divisor,
        bias,
        compose_axis([report.rows for report in reports], wraps),
        compose_axis([report.columns for report in reports], wraps),
        reports[-1].step.response,
        "gray" if has_grey_step(reports) else pick_channels(reports[0].step),
        reports[0].step.settings.border,
        tuple(
            "step {} ({}) has values from {:.4g} to {:.4g}".format(number, report.step.kernel.name, *find_range(report))
            for number, report in enumerate(reports[:-1], 1)
            if clips(report, maximum)
        ),
    )


def has_grey_step(reports: Sequence[StepReport]) -> bool:
    """Whether a step converts the image to grey. The conversion commutes with the other steps."""
    return any(report.step.settings.channels == "gray" for report in reports)


def pick_channels(step: Step) -> str:
    """The selected channels. `gray` counts as `rgb`: each channel is filtered independently in both."""
    channels = step.settings.channels
    return channels if is_selection(channels) else "rgb"


def mix_identity(report: StepReport) -> tuple[Weights, float]:
    """The dilated weights of one step, mixed with the identity by `amount`, and their divisor."""
    step, rows, columns = report.step, report.rows, report.columns
    (table,) = (part for part in step.weights if not isinstance(part, Product))
    weights = dilate(table, step.settings.dilation)
    if step.amount == 1:
        return weights, step.divisor
    mixed = step.amount * weights / step.divisor
    mixed[rows.anchor, columns.anchor] += 1 - step.amount
    return mixed, 1.0


def dilate(weights: Weights, distance: tuple[int, int]) -> Weights:
    """Insert zeros between the weights."""
    rows, columns = ((side - 1) * step + 1 for side, step in zip(weights.shape, distance, strict=True))
    result = np.zeros((rows, columns))
    result[:: distance[0], :: distance[1]] = weights
    return result


def multiply(first: Weights, second: Weights) -> Weights:
    """The product as polynomials, of shape (rows₁ + rows₂ - 1, columns₁ + columns₂ - 1)."""
    rows, columns = first.shape
    result = np.zeros((rows + second.shape[0] - 1, columns + second.shape[1] - 1))
    for (y, x), weight in np.ndenumerate(second):
        if weight:
            result[y : y + rows, x : x + columns] += weight * first
    return result


def compose_axis(axes: Sequence[Axis], wraps: bool) -> ComposedAxis:
    """Compose the geometry of the steps along one axis. `wraps`: whether every border is `wrap`."""
    footprint, offset, stride = 1, 0, 1
    exact = range(axes[0].output)  # the single kernel uses the same padding as the first step
    for number, axis in enumerate(axes):
        footprint += (axis.footprint - 1) * stride
        offset += axis.padding_before * stride
        stride *= axis.stride
        if number:
            first = -(-(exact.start + axis.padding_before) // axis.stride)
            last = (exact.stop - 1 + axis.padding_before - (axis.footprint - 1)) // axis.stride
            exact = range(max(first, 0), max(min(last + 1, axis.output), first, 0))
    if wraps and all(axis.stride == 1 for axis in axes[:-1]):  # wrapping twice is wrapping once
        exact = range(axes[-1].output)
    return ComposedAxis(axes[0].input, axes[-1].output, footprint, offset, stride, exact)


def has_equal_layout(axis: ComposedAxis, border: Border) -> bool:
    """Whether a single kernel with its anchor at `offset` gives the same number of results at the same positions."""
    try:
        single = lay_out_axis(
            axis.input,
            axis.footprint,
            stride=axis.stride,
            padding="VALID" if border == "valid" else "SAME",
            anchor=None if border == "valid" else axis.offset,
        )
    except KernelParameterError:
        return False
    return axis.offset < axis.footprint and (single.output, single.padding_before) == (axis.output, axis.offset)


def clips(report: StepReport, maximum: float) -> bool:
    """Whether the response of the step clips values."""
    response = report.step.response
    lowest, highest = find_range(report)
    if response == "offset":
        return lowest < -(maximum + 1) or highest > maximum - 1
    return response != "raw" and (lowest < 0 or highest > maximum)


def find_range(report: StepReport) -> tuple[float, float]:
    """The smallest and the largest value, or -inf and inf if they were not measured."""
    if report.minimum is None or report.maximum is None:
        return -np.inf, np.inf
    return report.minimum, report.maximum
