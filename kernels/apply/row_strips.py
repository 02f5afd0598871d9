"""Strips of rows for the steps that are not rounded at once: in chains, with alpha, channels, linear light.

Each strip passes through `step.apply_step`. Its float32 values fit the processor's cache, and the memory for a whole
image of them is not needed: an image of 49 megapixels with alpha takes a third of the time.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from kernels.apply.layout import StepReport, lay_out_step
from kernels.apply.step import apply_step
from kernels.chain import Step
from kernels.geometry import Axis
from kernels.padding import pad
from kernels.types import Image, Planes

STRIP_BYTES = 4_500_000
"""float32 values of a strip."""
MIN_FOOTPRINTS = 4
"""Least height in heights of the kernel: a strip needs the rows of one more."""
MIN_LONG_FOOTPRINTS = 1
"""The same for a long kernel, which filters no row twice."""


def filter_in_row_strips(
    image: Image,
    step: Step,
    maximum: float,
    linear: bool,
    prepare: Callable[[Image], Planes],
    finish: Callable[[Planes], Image],
    has_alpha: bool,
) -> tuple[Image, StepReport]:
    """Filter (height, width, channels), of which the last may be alpha. `prepare` converts the rows under a strip to
    float32, `finish` its results.

    The response is not `rescale`, whose range is that of the whole image.
    """
    rows, columns = lay_out_step(step, image.shape[0], image.shape[1])
    is_long = step.kernel.is_long  # a long kernel pads the columns after its pass along y, which then costs less
    margin = (0, 0) if is_long else (columns.padding_before, columns.padding_after)
    padded = pad(image, (rows.padding_before, rows.padding_after), margin, step.settings.border)
    whole_columns = columns if is_long else replace(columns, input=padded.shape[1], padding_before=0, padding_after=0)
    row_bytes = 4 * padded.shape[1] * padded.shape[2] * rows.stride
    footprints = MIN_LONG_FOOTPRINTS if is_long else MIN_FOOTPRINTS
    height = max(1, STRIP_BYTES // row_bytes, footprints * rows.footprint // rows.stride)
    result: Image | None = None
    reports: list[StepReport] = []
    visible: list[int] = []
    for top in range(0, rows.output, height):
        count = min(height, rows.output - top)
        start = top * rows.stride
        length = (count - 1) * rows.stride + rows.footprint
        strip_rows = replace(rows, input=length, padding_before=0, padding_after=0)
        strip = prepare(padded[start : start + length])
        planes, report = apply_step(strip, step, maximum, linear, (strip_rows, whole_columns), has_alpha)
        finished = finish(planes)
        if result is None:
            result = np.empty((rows.output, *finished.shape[1:]), finished.dtype)
        result[top : top + count] = finished
        reports.append(report)
        visible.append(int(np.count_nonzero(planes[:, :, -1])) if has_alpha else planes[:, :, 0].size)
    assert result is not None
    return result, join_reports(reports, visible, rows, columns)


def join_reports(reports: Sequence[StepReport], visible: Sequence[int], rows: Axis, columns: Axis) -> StepReport:
    """The report of the whole image, from those of its strips and their numbers of visible pixels."""
    seen = [(report, count) for report, count in zip(reports, visible, strict=True) if count]
    minimum = min((report.minimum for report, _ in seen if report.minimum is not None), default=0.0)
    maximum = max((report.maximum for report, _ in seen if report.maximum is not None), default=0.0)
    clipped = sum(report.clipped_percent * count for report, count in seen) / max(1, sum(visible))
    first = reports[0]
    return StepReport(first.step, rows, columns, first.channels, minimum, maximum, clipped)
