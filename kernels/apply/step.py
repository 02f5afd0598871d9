"""Applies one step with any settings to float32 planes: channels, alpha, bias and response."""

import numpy as np

from kernels.apply.alpha import filter_with_alpha, join_alpha, replace_pixels, split_alpha
from kernels.apply.channels import is_selection, replace_planes, select_planes
from kernels.apply.layout import StepReport, lay_out_step
from kernels.apply.level import find_level, subtract_level
from kernels.apply.planes import filter_planes
from kernels.apply.response import apply_response, measure_range
from kernels.chain import Step
from kernels.errors import KernelParameterError
from kernels.geometry import Axis
from kernels.types import Planes


def apply_step(
    planes: Planes,
    step: Step,
    maximum: float,
    linear: bool = False,
    axes: tuple[Axis, Axis] | None = None,
    has_alpha: bool | None = None,
) -> tuple[Planes, StepReport]:
    """Apply one step to (height, width, channels). The result is not rounded.

    axes: its rows and columns, if known. has_alpha: whether the last channel is alpha. None: it is if there are 2 or 4.
    Raises KernelParameterError if the kernel does not fit or the values overflow float32.
    """
    settings = step.settings
    colours, alpha = split_alpha(planes, has_alpha)
    rows, columns = axes or lay_out_step(step, planes.shape[0], planes.shape[1])
    if is_selection(settings.channels) and colours.shape[2] == 1:
        colours = np.repeat(colours, 3, axis=2)
    source = select_planes(colours, settings.channels, linear)
    level = find_level(source, alpha, step)
    differences = source if level is None else subtract_level(source, alpha, level)
    result_alpha = None
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # check_range raises for these
        if alpha is None:
            values = filter_planes(differences, step, rows, columns)
        else:
            values, result_alpha = filter_with_alpha(differences, alpha, step, rows, columns, maximum)
        if level is not None:
            values = values + np.float32(step.sum) * (level - level.min())
        bias = np.float32(settings.scale_bias(maximum))
        values = values + bias if bias else values
    if result_alpha is not None:
        result_alpha = np.clip(np.abs(result_alpha) if step.response == "abs" else result_alpha, 0, 1)

    is_seen = None if result_alpha is None or result_alpha.min() > 0 else result_alpha > 0
    visible = values if is_seen is None else values.reshape(-1, values.shape[2])[np.flatnonzero(is_seen)]
    lowest, highest, clipped_percent = measure_range(visible, step.response, maximum)
    check_range(step, lowest, highest)
    offset = 0.0 if level is None else step.sum * float(level.min())
    report = StepReport(step, rows, columns, source.shape[2], lowest + offset, highest + offset, clipped_percent)
    values = apply_response(values, step.response, maximum, lowest, highest)
    values = replace_planes(
        values,
        source[rows.centers, columns.centers],
        colours[rows.centers, columns.centers],
        settings.channels,
        None if step.response == "raw" else maximum,
    )
    if result_alpha is None:
        return values, report
    result = join_alpha(values, result_alpha * np.float32(maximum))
    if is_seen is not None:
        replace_pixels(result, ~is_seen, 0)
    return result, report


def check_range(step: Step, lowest: float, highest: float) -> None:
    """Raise KernelParameterError if the values overflow float32."""
    if not np.isfinite([lowest, highest]).all():
        raise KernelParameterError(
            "divisor",
            f"The values of '{step.kernel.name}' exceed the range of float32 (about 3e38): "
            "use smaller weights, a smaller bias or a larger divisor.",
        )
