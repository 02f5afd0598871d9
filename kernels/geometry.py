"""The size arithmetic of a convolution along one axis, (W - F + 2P)/S + 1, as TensorFlow does it.

Source of SAME and VALID: the note on padding in the documentation of `tf.nn.convolution`.
"""

from dataclasses import dataclass
from typing import Literal

from kernels.errors import KernelParameterError

Padding = Literal["SAME", "VALID"] | int


@dataclass(frozen=True)
class Axis:
    """One axis of a convolution. Lengths in pixels; `kernel` counts taps, `footprint` the pixels they span."""

    input: int
    kernel: int
    stride: int
    dilation: int
    padding_before: int
    padding_after: int
    anchor: int
    """Index of the pixel in the footprint that the result belongs to."""

    @property
    def footprint(self) -> int:
        return measure_footprint(self.kernel, self.dilation)

    @property
    def output(self) -> int:
        return (self.input - self.footprint + self.padding_before + self.padding_after) // self.stride + 1

    @property
    def first_center(self) -> int:
        """Index of the input pixel that output 0 belongs to; the next ones follow every `stride` pixels."""
        return self.anchor - self.padding_before

    @property
    def centers(self) -> slice:
        """The input pixels that the outputs belong to."""
        return slice(self.first_center, self.first_center + (self.output - 1) * self.stride + 1, self.stride)

    @property
    def formula(self) -> str:
        """(W - F + 2P)/S + 1 with the numbers put in, worked out."""
        if self.padding_before == self.padding_after:
            padding = f"2×{self.padding_before}"
        else:
            padding = f"{self.padding_before} + {self.padding_after}"
        footprint = str(self.footprint)
        if self.dilation > 1 and self.kernel > 1:
            footprint = f"({self.dilation}×({self.kernel} - 1) + 1)"
        span = self.input - self.footprint + self.padding_before + self.padding_after
        exact = "" if span % self.stride == 0 else "floor "
        return f"{exact}({self.input} - {footprint} + {padding})/{self.stride} + 1 = {self.output}"


def measure_footprint(kernel: int, dilation: int) -> int:
    """Pixels that `kernel` taps span when they stand `dilation` apart."""
    return dilation * (kernel - 1) + 1


def lay_out_axis(
    input: int,
    kernel: int,
    *,
    stride: int = 1,
    dilation: int = 1,
    padding: Padding = "SAME",
    anchor: int | None = None,
) -> Axis:
    """Work out paddings and output length along one axis.

    `padding` is SAME (output = ceil(input / stride), the smaller half of the padding in front), VALID (none)
    or the pixels added on each side. `anchor` is the tap that the result belongs to; without one it is the
    middle, for an even side the one before it. With an anchor, SAME pads so that output 0 belongs to pixel 0.

    Raises KernelParameterError where the kernel does not fit.
    """
    footprint = measure_footprint(kernel, dilation)
    center = (footprint - 1) // 2 if anchor is None else anchor * dilation
    if padding == "VALID":
        before = after = 0
    elif padding == "SAME":
        output = -(-input // stride)
        total = max((output - 1) * stride + footprint - input, 0)
        before = total // 2 if anchor is None else center
        after = max(total - before, 0)
    else:
        before = after = padding
    if input + before + after < footprint:
        raise KernelParameterError(
            "padding",
            f"A kernel that spans {footprint} pixels does not fit into {input}"
            + (f" with {before + after} of padding" if before + after else "")
            + f": there must be at least {footprint - before - after}.",
        )
    return Axis(input, kernel, stride, dilation, before, after, center)
