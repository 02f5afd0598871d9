"""The geometry of a convolution along one axis, (W - F + 2P)/S + 1, as in TensorFlow.

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
    """Index in the footprint of the pixel at which the output is placed."""

    @property
    def footprint(self) -> int:
        return measure_footprint(self.kernel, self.dilation)

    @property
    def output(self) -> int:
        return (self.input - self.footprint + self.padding_before + self.padding_after) // self.stride + 1

    @property
    def first_center(self) -> int:
        """Index of the input pixel of output 0. Each further output is `stride` pixels on."""
        return self.anchor - self.padding_before

    @property
    def centers(self) -> slice:
        """The input pixels at which the outputs are placed."""
        return slice(self.first_center, self.first_center + (self.output - 1) * self.stride + 1, self.stride)

    @property
    def formula(self) -> str:
        """(W - F + 2P)/S + 1 with its numbers and its result."""
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
    """Pixels spanned by `kernel` taps at a distance of `dilation`."""
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
    """Compute the padding and the output length along one axis.

    `padding` is SAME (output = ceil(input / stride), the smaller half of the padding before the image), VALID (no
    padding) or the number of pixels on each side. `anchor` is the tap above the output pixel; the default is the
    middle tap, or the one before the middle for an even side. With an anchor, SAME places output 0 at pixel 0.

    Raises KernelParameterError if the kernel does not fit.
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
            + f": at least {footprint - before - after} are needed.",
        )
    return Axis(input, kernel, stride, dilation, before, after, center)
