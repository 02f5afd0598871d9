"""What a step will do to an image of a certain size, without a pixel: the arithmetic of its axes, and its cost."""

from collections.abc import Sequence
from dataclasses import dataclass

from kernels.apply.separable import count_taps
from kernels.chain import Step, name_step
from kernels.errors import KernelParameterError
from kernels.geometry import Axis, Padding, lay_out_axis


@dataclass(frozen=True)
class StepReport:
    """What one step did. Values in pixel units, over the colour planes filtered, where they are seen, unclipped."""

    step: Step
    rows: Axis
    columns: Axis
    channels: int
    minimum: float | None
    maximum: float | None
    clipped_percent: float

    @property
    def multiply_adds(self) -> int:
        return count_multiply_adds(self.step, self.rows, self.columns, self.channels)


def lay_out(step: Step, height: int, width: int) -> tuple[Axis, Axis]:
    """The arithmetic of one step along y and x. Raises KernelParameterError where the kernel does not fit."""
    settings = step.settings
    padding: Padding = "VALID" if settings.border == "valid" else "SAME"
    anchor_x, anchor_y = settings.anchor or (None, None)
    (kernel_height, kernel_width), (stride_y, stride_x) = step.kernel.shape, settings.stride
    dilation_y, dilation_x = settings.dilation
    try:
        return (
            lay_out_axis(height, kernel_height, stride=stride_y, dilation=dilation_y, padding=padding, anchor=anchor_y),
            lay_out_axis(width, kernel_width, stride=stride_x, dilation=dilation_x, padding=padding, anchor=anchor_x),
        )
    except KernelParameterError as error:
        raise KernelParameterError("border", f"{error} Any border but 'valid' pads it.") from None


def plan_steps(steps: Sequence[Step], height: int, width: int) -> list[tuple[Axis, Axis]]:
    """The arithmetic of a whole chain, without a pixel. Raises KernelParameterError, with the step named."""
    plan = []
    for number, step in enumerate(steps, 1):
        try:
            rows, columns = lay_out(step, height, width)
        except KernelParameterError as error:
            raise name_step(error, number, step.kernel.name) if len(steps) > 1 else error from None
        plan.append((rows, columns))
        height, width = rows.output, columns.output
    return plan


def count_multiply_adds(step: Step, rows: Axis, columns: Axis, channels: int) -> int:
    """For the whole image, by the way that will be taken."""
    return rows.output * columns.output * channels * sum(count_taps(part) for part in step.kernel.parts)
