"""A chain of kernels as the single kernel that it equals.

With weights w₁ and w₂, a correlation by w₁ and then one by w₂ is one by their product as polynomials: every weight of
w₂ times every weight of w₁, at the sum of their places. Divisors multiply, and a bias goes through the sum of what
follows. What happens between the steps can spoil it, so `StepReport`s tell whether it did in this image.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kernels.apply.filter import is_partial
from kernels.apply.layout import StepReport
from kernels.chain import Step
from kernels.errors import KernelParameterError
from kernels.geometry import Axis, lay_out_axis
from kernels.kernel import MAX_SIDE, MAX_WEIGHT, Weights
from kernels.padding import Border
from kernels.settings import Response

MAX_STRIDE = 8


@dataclass(frozen=True)
class ComposedAxis:
    """Result i of the chain is the sum over t < footprint of the pixels `i * stride + t - offset` of the image."""

    input: int
    output: int
    footprint: int
    offset: int
    stride: int
    exact: range
    """The results that hang on nothing that a later step took from beyond the edge."""


@dataclass(frozen=True)
class ComposedKernel:
    """The sum of `weights` (rows, columns, as written) times the pixels, over `divisor`, plus `bias`."""

    weights: Weights
    divisor: float
    bias: float
    """In pixel units."""
    rows: ComposedAxis
    columns: ComposedAxis
    response: Response
    channels: str
    border: Border
    """That of the first step: the others work on values that are there, except outside `exact`."""
    cut_off: tuple[str, ...]
    """The steps before the last that cut values of this image off, in words; without any it is exact."""

    @property
    def is_a_filter(self) -> bool:
        """Whether the kernel `custom` can do it in one request."""
        return (
            max(self.weights.shape) <= MAX_SIDE
            and 0 < float(np.abs(self.weights).max()) <= MAX_WEIGHT
            and max(self.rows.stride, self.columns.stride) <= MAX_STRIDE
            and all(lays_out_alike(axis, self.border) for axis in (self.rows, self.columns))
        )


def find_obstacle(reports: Sequence[StepReport], channels: int) -> str | None:
    """Why a chain over an image of 1 to 4 channels is no single kernel; None where it is one."""
    names = [f"step {number} ({report.step.kernel.name})" for number, report in enumerate(reports, 1)]
    for name, report in zip(names, reports, strict=True):
        step = report.step
        if step.kernel.combine != "single":
            return f"{name} takes the {step.kernel.combine} of {len(step.kernel.parts)} kernels, which is no sum"
        if step.settings.alpha == "filter" and channels in (2, 4):
            return f"{name} filters alpha and divides the colours by it"
        if step.settings.channels == "luma" and channels > 2:
            return f"{name} changes only the brightness"
    for name, report in zip(names[:-1], reports[:-1], strict=True):
        lowest, _ = find_range(report)
        if report.step.response == "abs" and lowest < 0:
            return f"{name} drops the sign of its values, which go down to {lowest:.4g}: say response=raw there"
        if report.step.response == "rescale":
            return f"{name} stretches its values by what it finds in the image: say response=raw there"
    if len({pick_channels(report.step) for report in reports}) > 1:
        return "the steps filter different channels"
    return None


def compose(reports: Sequence[StepReport], maximum: float) -> ComposedKernel:
    """The single kernel of a chain for which `find_obstacle` finds nothing; `maximum` is white."""
    weights, divisor, bias = np.ones((1, 1)), 1.0, 0.0
    stride_y, stride_x = 1, 1
    for report in reports:
        own, own_divisor = take_weights(report)
        bias = bias * float(own.sum()) / own_divisor + report.step.settings.pick_bias(maximum)
        weights, divisor = multiply(weights, spread(own, (stride_y, stride_x))), divisor * own_divisor
        stride_y, stride_x = stride_y * report.rows.stride, stride_x * report.columns.stride
        if report.step.response == "offset" and report is not reports[-1]:
            divisor, bias = 2 * divisor, bias / 2 + (maximum + 1) / 2
    goes_round = all(report.step.settings.border == "wrap" for report in reports)
    return ComposedKernel(
        weights,
        divisor,
        bias,
        compose_axis([report.rows for report in reports], goes_round),
        compose_axis([report.columns for report in reports], goes_round),
        reports[-1].step.response,
        "gray" if is_grey(reports) else pick_channels(reports[0].step),
        reports[0].step.settings.border,
        tuple(
            "step {} ({}) has values from {:.4g} to {:.4g}".format(number, report.step.kernel.name, *find_range(report))
            for number, report in enumerate(reports[:-1], 1)
            if cuts_off(report, maximum)
        ),
    )


def is_grey(reports: Sequence[StepReport]) -> bool:
    """Whether some step makes the image grey: it may as well be done first."""
    return any(report.step.settings.channels == "gray" for report in reports)


def pick_channels(step: Step) -> str:
    """Which channels take part; in grey, too, each is filtered on its own."""
    own = step.settings.channels
    return own if is_partial(own) else "rgb"


def take_weights(report: StepReport) -> tuple[Weights, float]:
    """The weights of one step, apart by its dilation, and their divisor; `amount` mixes in the identity."""
    step, rows, columns = report.step, report.rows, report.columns
    weights = spread(step.weights[0], step.settings.dilation)
    if step.amount == 1:
        return weights, step.divisor
    mixed = step.amount * weights / step.divisor
    mixed[rows.anchor, columns.anchor] += 1 - step.amount
    return mixed, 1.0


def spread(weights: Weights, distance: tuple[int, int]) -> Weights:
    """With zeros between the weights."""
    rows, columns = ((side - 1) * apart + 1 for side, apart in zip(weights.shape, distance, strict=True))
    result = np.zeros((rows, columns))
    result[:: distance[0], :: distance[1]] = weights
    return result


def multiply(first: Weights, second: Weights) -> Weights:
    """The product of two tables of weights as polynomials: (rows₁ + rows₂ - 1, columns₁ + columns₂ - 1)."""
    rows, columns = first.shape
    result = np.zeros((rows + second.shape[0] - 1, columns + second.shape[1] - 1))
    for (y, x), weight in np.ndenumerate(second):
        if weight:
            result[y : y + rows, x : x + columns] += weight * first
    return result


def compose_axis(axes: Sequence[Axis], goes_round: bool) -> ComposedAxis:
    footprint, offset, stride = 1, 0, 1
    exact = range(axes[0].output)  # what the first step takes from beyond the edge, the single kernel takes, too
    for number, axis in enumerate(axes):
        footprint += (axis.footprint - 1) * stride
        offset += axis.padding_before * stride
        stride *= axis.stride
        if number:
            first = -(-(exact.start + axis.padding_before) // axis.stride)
            last = (exact.stop - 1 + axis.padding_before - (axis.footprint - 1)) // axis.stride
            exact = range(max(first, 0), max(min(last + 1, axis.output), first, 0))
    if goes_round and all(axis.stride == 1 for axis in axes[:-1]):  # going round twice is going round
        exact = range(axes[-1].output)
    return ComposedAxis(axes[0].input, axes[-1].output, footprint, offset, stride, exact)


def lays_out_alike(axis: ComposedAxis, border: Border) -> bool:
    """Whether a single kernel with its anchor at `offset` gives the same number of results at the same places."""
    try:
        one = lay_out_axis(
            axis.input,
            axis.footprint,
            stride=axis.stride,
            padding="VALID" if border == "valid" else "SAME",
            anchor=None if border == "valid" else axis.offset,
        )
    except KernelParameterError:
        return False
    return axis.offset < axis.footprint and (one.output, one.padding_before) == (axis.output, axis.offset)


def cuts_off(report: StepReport, maximum: float) -> bool:
    response = report.step.response
    lowest, highest = find_range(report)
    if response == "offset":
        return lowest < -(maximum + 1) or highest > maximum - 1
    return response != "raw" and (lowest < 0 or highest > maximum)


def find_range(report: StepReport) -> tuple[float, float]:
    """Smallest and largest value; where they were not measured, all that there is."""
    if report.minimum is None or report.maximum is None:
        return -np.inf, np.inf
    return report.minimum, report.maximum
