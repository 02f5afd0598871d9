"""Correlation of images with a `Product`: one pass along y and one along x, exact or within a tolerance."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from kernels.apply.lines import BLOCK, X, Y, correlate_lines
from kernels.apply.sparse_lines import CUBIC_GAIN, choose_spacing, fill_between, find_jumps, has_runs, sum_runs
from kernels.geometry import Axis
from kernels.padding import Border
from kernels.product import Product
from kernels.types import Planes, Vector

Way = Literal["passes", "interpolated", "running-sums"]
"""Exact, or the faster algorithm."""


@dataclass(frozen=True)
class Pass:
    """The correlation along one direction."""

    line: Vector
    axis: Axis
    along: int
    has_runs: bool = False
    spacing: int = 1
    """Distance of the results that are computed; those between are interpolated."""

    @property
    def nodes(self) -> Axis:
        """The results to compute: with a spacing, from one before the first to two after the last."""
        if self.spacing == 1:
            return self.axis
        count = (self.axis.output - 1) // self.spacing + 4
        before = self.axis.padding_before + self.spacing
        after = (count - 1) * self.spacing + self.axis.footprint - self.axis.input - before
        return replace(self.axis, stride=self.spacing, padding_before=before, padding_after=after)

    def run(self, plane: Planes, border: Border) -> Planes:
        """Correlate (height, width), without the interpolation."""
        if len(self.line) == 1:
            own = plane[self.axis.centers] if self.along == Y else plane[:, self.axis.centers]
            return own * np.float32(self.line[0])
        if self.has_runs:
            return sum_runs(plane, self.line, self.axis, self.along, border)
        # Nodes outside of the image may read any pixels in range.
        return correlate_lines(plane, self.line, self.nodes, self.along, "edge" if border == "valid" else border)

    def fill(self, nodes: Planes) -> Planes:
        return nodes if self.spacing == 1 else fill_between(nodes, self.spacing, self.axis.output, self.along)

    def count_multiplications(self, lines: int) -> int:
        """For `lines` rows or columns."""
        if len(self.line) == 1:
            return lines * self.axis.output
        if self.has_runs:
            return lines * self.axis.output * len(find_jumps(self.line)[0])
        nodes = self.nodes
        taps = BLOCK * -(-(nodes.footprint + nodes.stride * (BLOCK - 1)) // BLOCK)
        return lines * nodes.output * taps + (4 * lines * self.axis.output if self.spacing > 1 else 0)


def correlate_product(
    image: Planes, product: Product, rows: Axis, columns: Axis, border: Border, tolerance: float = 0.0
) -> Planes:
    """Pad (height, width, channels) float32 and correlate every channel.

    tolerance: the largest error of a value, relative to the range of the pixels; 0 is exact, up to float32.
    Returns (rows.output, columns.output, channels) float32.
    """
    down, across = plan_passes(product, rows, columns, tolerance)
    result = np.empty((rows.output, columns.output, image.shape[2]), np.float32)
    for channel in range(image.shape[2]):
        plane = np.ascontiguousarray(image[:, :, channel], np.float32)
        nodes = across.run(down.run(plane, border), border)
        result[:, :, channel] = down.fill(across.fill(nodes))
    return result


def plan_passes(product: Product, rows: Axis, columns: Axis, tolerance: float) -> tuple[Pass, Pass]:
    """The passes along y and x. Each may have a part of the tolerance."""
    share = tolerance / (1 + CUBIC_GAIN)
    return (
        plan_pass(product.column, rows, Y, share / float(np.abs(product.row).sum())),
        plan_pass(product.row, columns, X, share / float(np.abs(product.column).sum())),
    )


def plan_pass(line: Vector, axis: Axis, along: int, tolerance: float) -> Pass:
    if tolerance == 0 or axis.stride != 1 or axis.dilation != 1 or len(line) == 1:
        return Pass(line, axis, along)
    if has_runs(line):
        return Pass(line, axis, along, has_runs=True)
    return Pass(line, axis, along, spacing=choose_spacing(line.tobytes(), tolerance))


def count_multiplications(product: Product, rows: Axis, columns: Axis, tolerance: float) -> int:
    """For one channel of a whole image."""
    down, across = plan_passes(product, rows, columns, tolerance)
    return (
        down.count_multiplications(columns.input)
        + across.count_multiplications(down.nodes.output)
        + (4 * rows.output * columns.output if down.spacing > 1 else 0)
    )


def name_way(product: Product, rows: Axis, columns: Axis, tolerance: float) -> Way:
    passes = plan_passes(product, rows, columns, tolerance)
    if any(one.spacing > 1 for one in passes):
        return "interpolated"
    return "running-sums" if any(one.has_runs for one in passes) else "passes"
