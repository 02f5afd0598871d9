"""The fast way for the commonest requests: strips of rows, whose floats stay in the processor's cache.

It gives what `convolution.apply_step` and rounding give, to the last bit but for the order in which sums are added up.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.apply import conv2d as engine
from kernels.apply.layout import StepReport, lay_out
from kernels.apply.separable import choose_factors
from kernels.chain import Step
from kernels.kernel import Weights
from kernels.padding import pad
from kernels.parts import combine, divide_all, slide
from kernels.settings import Response

Image = NDArray[Any]
Planes = NDArray[np.float32]

STRIP_BYTES = 4_500_000  # of float32: small enough for the cache that two share, large enough that calls do not count
MAX_COPIES = 5
"""Columns of a kernel, up to which copies of the rows are cheaper (docs/performance.md)."""
LARGEST_VALUE = 1e18
"""Beyond it squares leave float32; such kernels go the way on which every value is looked at."""


def can_run_in_strips(image: Image, steps: Sequence[Step], linear: bool) -> bool:
    """Whether each row of the result hangs on nothing but the rows under the kernel, and is rounded at once."""
    (step, *more), settings = steps, steps[0].settings
    return (
        not more
        and not linear
        and image.dtype != np.float32
        and image.shape[2] in (1, 3)
        and step.response in ("clip", "abs", "offset")
        and step.amount == 1
        and (settings.channels == "rgb" or (settings.channels in ("gray", "luma") and image.shape[2] == 1))
        and settings.stride == (1, 1)
        and bound_values(step, float(np.iinfo(image.dtype).max)) < LARGEST_VALUE
    )


def bound_values(step: Step, maximum: float) -> float:
    """No value of the result is larger, whatever the image."""
    weights = max(float(np.abs(part).sum()) for part in step.weights)
    return len(step.weights) * weights * maximum / abs(step.divisor) + abs(step.settings.pick_bias(maximum))


class Sliding(NamedTuple):
    """How a kernel is slid over strips."""

    way: Literal["rows", "strips"]
    height: int
    """Rows of results that a strip gives."""
    slide: Callable[[Image], list[Planes]]
    """Takes the rows under a strip, gives the sums of each part of the kernel."""
    divisor: np.float32
    """What is left to divide by."""


def filter_in_strips(
    image: Image, step: Step, maximum: float, measure: bool
) -> tuple[Image, tuple[StepReport], Literal["rows", "strips"]]:
    """Filter (height, width, 1 or 3) uint8 or uint16. `measure`: whether the report tells the range of the values."""
    rows, columns = lay_out(step, image.shape[0], image.shape[1])
    padded = pad(
        image,
        (rows.padding_before, rows.padding_after),
        (columns.padding_before, columns.padding_after),
        step.settings.border,
    )
    result = np.empty((rows.output, columns.output, image.shape[2]), image.dtype)
    way, height, slide_parts, divisor = plan_sliding(padded, step, result.shape)
    overlap = padded.shape[0] - rows.output
    bias = np.float32(step.settings.pick_bias(maximum))
    response = step.response
    spare = np.empty((min(height, rows.output), columns.output * image.shape[2]), np.float32)
    kept = np.empty(spare.shape, bool)
    lowest, highest, clipped = math.inf, -math.inf, 0
    for top in range(0, rows.output, height):
        lines = result[top : top + height].reshape(-1, spare.shape[1])
        sums = [values.reshape(lines.shape) for values in slide_parts(padded[top : top + height + overlap])]
        values = combine(divide_all(sums, divisor), step.kernel.combine)
        values = values + bias if bias else values
        if measure:
            lowest, highest = min(lowest, float(values.min())), max(highest, float(values.max()))
        clipped += store(values, response, maximum, spare[: len(lines)], kept[: len(lines)], lines)
    report = StepReport(
        step, rows, columns, image.shape[2],
        lowest if measure else None, highest if measure else None, 100 * clipped / result.size,
    )  # fmt: skip
    return result, (report,), way


def plan_sliding(padded: Image, step: Step, shape: tuple[int, int, int]) -> Sliding:
    """For a result of this shape. Few columns of weights: copies of the rows. Otherwise the ways of `engine`."""
    channels = shape[2]
    scaled, divisor = scale_weights(step)
    used = [column for column in range(scaled[0].shape[1]) if any(part[:, column].any() for part in scaled)]
    factors = [choose_factors(part) for part in scaled]
    dilation_y, dilation_x = step.settings.dilation
    if len(used) > MAX_COPIES or dilation_y > 1 or any(factors):
        height = STRIP_BYTES // (4 * (padded.shape[1] + shape[1]) * channels)
        height = max(1, height - height % 8)  # so that it can be halved

        def slide_planes(strip: Image) -> list[Planes]:
            planes = strip.astype(np.float32)
            return [slide(planes, part, its, step) for part, its in zip(scaled, factors, strict=True)]

        return Sliding("strips", height, slide_planes, divisor)

    offsets = [column * dilation_x * channels for column in used]
    length = shape[1] * channels
    height = max(1, STRIP_BYTES // (4 * (len(used) + 1) * length))
    copies = engine.RowCopies(min(height, shape[0]) + padded.shape[0] - shape[0], offsets, length)
    filters = [copies.prepare_filters(part[:, used]) for part in scaled]

    def slide_copies(strip: Image) -> list[Planes]:
        copies.fill(strip.reshape(len(strip), -1))
        return [copies.correlate(part) for part in filters]

    return Sliding("rows", height, slide_copies, divisor)


def scale_weights(step: Step) -> tuple[tuple[Weights, ...], np.float32]:
    """A divisor that is a power of 2 goes into the weights, which changes no bit of the result."""
    if abs(math.frexp(step.divisor)[0]) == 0.5:
        return tuple(part / step.divisor for part in step.weights), np.float32(1)
    return step.weights, np.float32(step.divisor)


def store(
    values: Planes, response: Response, maximum: float, spare: Planes, kept: NDArray[np.bool_], result: Image
) -> int:
    """Bring into range, round halves to even and write into `result`; `spare` and `kept` are written over.

    Returns how many values were cut off by more than rounding does.
    """
    if response == "offset":
        values = np.float32(0.5) * values + np.float32((maximum + 1) / 2)
    highest = np.nextafter(np.float32(maximum + 0.5), np.float32(0))  # which still rounds to the maximum
    np.clip(values, -highest if response == "abs" else np.float32(-0.5), highest, out=spare)
    clipped = values.size - int(np.count_nonzero(np.equal(values, spare, out=kept)))
    if result.dtype == np.uint8:
        import cv2

        cv2.convertScaleAbs(spare, dst=result)  # the absolute value, rounded: in one pass
    else:
        np.copyto(result, np.rint(np.abs(spare, out=spare), out=spare), casting="unsafe")
    return clipped
