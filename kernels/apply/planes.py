"""Filters whole float32 planes without alpha: pad, correlate, divide, combine the parts and mix with the original."""

import numpy as np

from kernels.apply.correlate import correlate_image
from kernels.apply.median import find_medians
from kernels.apply.response import combine_parts, divide_sums
from kernels.chain import Step
from kernels.geometry import Axis
from kernels.types import Planes


def filter_planes(planes: Planes, step: Step, rows: Axis, columns: Axis) -> Planes:
    """Filter (height, width, channels). Returns (rows.output, columns.output, channels), without bias."""
    if step.kernel.combine == "median":
        filtered = find_medians(planes, rows, columns, step.settings.border)
    else:
        filtered = combine_parts(correlate_parts(planes, step, rows, columns), step.kernel.combine)
    return mix(filtered, planes[rows.centers, columns.centers], step.amount)


def correlate_parts(planes: Planes, step: Step, rows: Axis, columns: Axis) -> list[Planes]:
    """The sums of each part of the kernel, divided by the divisor."""
    border = step.settings.border
    sums = [correlate_image(planes, part, rows, columns, border, step.tolerance) for part in step.weights]
    return divide_sums(sums, np.float32(step.divisor))


def mix(filtered: Planes, original: Planes, amount: float) -> Planes:
    """`amount` is the share of the filtered planes, 0..1."""
    share = np.float32(amount)
    return filtered if share == 1 else share * filtered + (1 - share) * original
