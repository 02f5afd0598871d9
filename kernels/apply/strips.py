"""The fast backends for the most common requests: strips of rows, whose float32 values fit the processor's cache.

The result is that of `step.apply_step`, rounded, except for the order in which sums are added up.
"""

import math
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np

from kernels.apply.layout import StepReport, lay_out_step
from kernels.apply.response import combine_parts, divide_sums
from kernels.apply.row_copies import RowCopies
from kernels.apply.separable import choose_factors, correlate_part
from kernels.chain import Step
from kernels.padding import pad
from kernels.settings import Response
from kernels.types import Image, Mask, Planes, Weights

STRIP_BYTES = 4_500_000
"""float32 values of a strip: small enough for a cache that two cores share, large enough to amortise the calls."""
MAX_COPIES = 5
"""Columns of a kernel up to which copies of the rows cost less (docs/engineering/performance-trials.md)."""
LARGEST_VALUE = 1e18
"""Squares of larger values can overflow float32. Such kernels run in `step.apply_step`, which checks every value."""


def can_run_in_strips(image: Image, steps: Sequence[Step], linear: bool) -> bool:
    """Whether each row of the result depends only on the rows under the kernel, and is rounded immediately."""
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
    """An upper bound of the absolute values of the result for any image."""
    weights = max(float(np.abs(part).sum()) for part in step.weights)
    return len(step.weights) * weights * maximum / abs(step.divisor) + abs(step.settings.scale_bias(maximum))


class StripBackend(NamedTuple):
    """How a kernel is applied to strips."""

    name: Literal["rows", "strips"]
    height: int
    """Result rows of a strip."""
    correlate: Callable[[Image], list[Planes]]
    """Takes the rows under a strip and returns the sums of each part of the kernel."""
    divisor: np.float32
    """The divisor that is not yet in the weights."""


def filter_in_strips(
    image: Image, step: Step, maximum: float, measure: bool
) -> tuple[Image, StepReport, Literal["rows", "strips"]]:
    """Filter (height, width, 1 or 3) uint8 or uint16. `measure`: whether to measure the minimum and the maximum."""
    rows, columns = lay_out_step(step, image.shape[0], image.shape[1])
    padded = pad(
        image,
        (rows.padding_before, rows.padding_after),
        (columns.padding_before, columns.padding_after),
        step.settings.border,
    )
    result = np.empty((rows.output, columns.output, image.shape[2]), image.dtype)
    backend = choose_backend(padded, step, result.shape)
    overlap = padded.shape[0] - rows.output
    bias = np.float32(step.settings.scale_bias(maximum))
    buffer = np.empty((min(backend.height, rows.output), columns.output * image.shape[2]), np.float32)
    unclipped = np.empty(buffer.shape, bool)
    lowest, highest, clipped = math.inf, -math.inf, 0
    for top in range(0, rows.output, backend.height):
        strip = result[top : top + backend.height].reshape(-1, buffer.shape[1])
        sums = backend.correlate(padded[top : top + backend.height + overlap])
        parts = divide_sums([each.reshape(strip.shape) for each in sums], backend.divisor)
        values = combine_parts(parts, step.kernel.combine)
        values = values + bias if bias else values
        if measure:
            lowest, highest = min(lowest, float(values.min())), max(highest, float(values.max()))
        clipped += store(values, step.response, maximum, buffer[: len(strip)], unclipped[: len(strip)], strip)
    report = StepReport(
        step, rows, columns, image.shape[2],
        lowest if measure else None, highest if measure else None, 100 * clipped / result.size,
    )  # fmt: skip
    return result, report, backend.name


def choose_backend(padded: Image, step: Step, shape: tuple[int, int, int]) -> StripBackend:
    """For a result of this shape: `rows` for kernels with few columns, otherwise `strips`."""
    channels = shape[2]
    scaled, divisor = scale_weights(step)
    used = [column for column in range(scaled[0].shape[1]) if any(part[:, column].any() for part in scaled)]
    factors = [choose_factors(part) for part in scaled]
    dilation_y, dilation_x = step.settings.dilation
    if len(used) > MAX_COPIES or dilation_y > 1 or any(factors):
        height = STRIP_BYTES // (4 * (padded.shape[1] + shape[1]) * channels)
        height = max(1, height - height % 8)  # conv2d.convolve_by_halves halves it up to three times
        stride, dilation = step.settings.stride, step.settings.dilation

        def correlate_planes(strip: Image) -> list[Planes]:
            planes = strip.astype(np.float32)
            return [
                correlate_part(planes, part, part_factors, stride, dilation)
                for part, part_factors in zip(scaled, factors, strict=True)
            ]

        return StripBackend("strips", height, correlate_planes, divisor)

    offsets = [column * dilation_x * channels for column in used]
    length = shape[1] * channels
    height = max(1, STRIP_BYTES // (4 * (len(used) + 1) * length))
    copies = RowCopies(min(height, shape[0]) + padded.shape[0] - shape[0], offsets, length)
    filters = [copies.prepare_filters(part[:, used]) for part in scaled]

    def correlate_copies(strip: Image) -> list[Planes]:
        copies.fill(strip.reshape(len(strip), -1))
        return [copies.correlate(part) for part in filters]

    return StripBackend("rows", height, correlate_copies, divisor)


def scale_weights(step: Step) -> tuple[tuple[Weights, ...], np.float32]:
    """The weights and the remaining divisor. A divisor that is a power of 2 divides the weights without rounding."""
    if abs(math.frexp(step.divisor)[0]) == 0.5:
        return tuple(part / step.divisor for part in step.weights), np.float32(1)
    return step.weights, np.float32(step.divisor)


def store(values: Planes, response: Response, maximum: float, buffer: Planes, unclipped: Mask, result: Image) -> int:
    """Bring into range, round halves to even and write to `result`. `buffer` and `unclipped` are overwritten.

    Returns how many values were clipped by more than rounding does.
    """
    if response == "offset":
        values = np.float32(0.5) * values + np.float32((maximum + 1) / 2)
    highest = np.nextafter(np.float32(maximum + 0.5), np.float32(0))  # rounds to the maximum
    np.clip(values, -highest if response == "abs" else np.float32(-0.5), highest, out=buffer)
    clipped = values.size - int(np.count_nonzero(np.equal(values, buffer, out=unclipped)))
    if result.dtype == np.uint8:
        import cv2

        cv2.convertScaleAbs(buffer, dst=result)  # absolute value and rounding in one pass
    else:
        np.copyto(result, np.rint(np.abs(buffer, out=buffer), out=buffer), casting="unsafe")
    return clipped
