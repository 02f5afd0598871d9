"""The output size and the cost of a kernel for an image of a given size, computed without pixels."""

from dataclasses import dataclass

from kernels.apply.product import count_multiplications
from kernels.apply.separable import count_taps
from kernels.chain import Step
from kernels.errors import KernelParameterError
from kernels.geometry import Axis, Padding, lay_out_axis
from kernels.product import Product


@dataclass(frozen=True)
class StepReport:
    """The geometry and the values of one applied step.

    The values are in pixel units, before the response: those of the filtered colour planes, without transparent pixels.
    """

    step: Step
    rows: Axis
    columns: Axis
    channels: int
    minimum: float | None
    """None if not measured, like `maximum`."""
    maximum: float | None
    clipped_percent: float

    @property
    def multiply_adds(self) -> int:
        return count_multiply_adds(self.step, self.rows, self.columns, self.channels)


def lay_out_step(step: Step, height: int, width: int) -> tuple[Axis, Axis]:
    """The geometry of one step along y and x. Raises KernelParameterError if the kernel does not fit."""
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
        raise KernelParameterError("border", f"{error} Any border other than 'valid' adds padding.") from None


def count_multiply_adds(step: Step, rows: Axis, columns: Axis, channels: int) -> int:
    """Multiplications for the whole image: in 1-D passes if these are chosen, otherwise in one 2-D pass."""
    return channels * sum(
        count_multiplications(part, rows, columns, step.tolerance)
        if isinstance(part, Product)
        else rows.output * columns.output * count_taps(part)
        for part in step.kernel.parts
    )
