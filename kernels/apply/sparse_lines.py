"""Faster ways to correlate with a long line of weights, for `exact=false`.

`running sums`: a line with few different weights, such as a box, needs the sums of all pixels before each of its jumps.

`interpolation`: the result of a smooth line is smooth. It is computed at every n-th pixel and the values between are
those of the cubic polynomial through the nearest four (Lagrange). The difference from the exact result is a
correlation, too: with the line minus the interpolated line. The sum of its absolute weights times half the range of the
pixels is the largest error for any image.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kernels.apply.conv2d import allocate, run_conv2d
from kernels.apply.lines import BATCH_BYTES, Y, read_back
from kernels.geometry import Axis
from kernels.padding import Border, pad
from kernels.quiet_tensorflow import import_tensorflow
from kernels.types import Planes, Vector

MAX_JUMPS = 6
"""A motion blur of a fractional length has four."""
MAX_SPACING = 64
CUBIC_GAIN = 1.25
"""The largest sum of the absolute weights of a cubic interpolation: what it makes of an error of its four values."""


def find_jumps(line: Vector) -> tuple[NDArray[np.intp], Vector]:
    """The positions 0..n before which the weight changes, and the changes. Outside, the weights are 0."""
    changes = np.diff(line, prepend=0.0, append=0.0)
    positions = np.flatnonzero(np.abs(changes) > 1e-12 * np.abs(line).max())
    return positions, changes[positions]


def has_runs(line: Vector) -> bool:
    """Whether `sum_runs` costs little."""
    return len(find_jumps(line)[0]) <= MAX_JUMPS


def sum_runs(plane: Planes, line: Vector, axis: Axis, along: int, border: Border) -> Planes:
    """As `lines.correlate_lines`, from running sums in float64. The dilation is 1."""
    positions, changes = find_jumps(line)
    lines = plane.shape[1 - along]
    shape = (axis.output, lines) if along == Y else (lines, axis.output)
    result = np.empty(shape, np.float32)
    margin = (axis.padding_before, axis.padding_after)
    together = max(1, BATCH_BYTES // (8 * (axis.input + sum(margin) + 1)))
    span = (axis.output - 1) * axis.stride + 1
    for start in range(0, lines, together):
        batch = (slice(None), slice(start, start + together))[:: 1 if along == Y else -1]
        margins = (margin, (0, 0)) if along == Y else ((0, 0), margin)
        padded = pad(plane[batch][:, :, None], *margins, border)[:, :, 0]
        sums = np.cumsum(np.pad(padded, ((1, 0), (0, 0)) if along == Y else ((0, 0), (1, 0))), along, np.float64)
        total = np.zeros_like(result[batch], np.float64)
        for position, change in zip(positions, changes, strict=True):
            taken = slice(position, position + span, axis.stride)
            total -= change * (sums[taken] if along == Y else sums[:, taken])
        result[batch] = total
    return result


@lru_cache(maxsize=64)
def choose_spacing(content: bytes, tolerance: float) -> int:
    """The largest distance of computed results at which no error exceeds `tolerance`, relative to the range of pixels.

    content: the float64 line. Returns 1 to MAX_SPACING pixels; with 1 nothing is interpolated.
    """
    line = np.frombuffer(content)
    low, high = 1, min(MAX_SPACING, len(line) // 4)
    while low < high:
        middle = (low + high + 1) // 2
        if bound_error(line, middle) <= tolerance:
            low = middle
        else:
            high = middle - 1
    return low


def bound_error(line: Vector, spacing: int) -> float:
    """The largest error of interpolated results, relative to the range of the pixels."""
    length = len(line) + 3 * spacing
    nodes = np.zeros((4, length))
    for index in range(4):
        nodes[index, index * spacing : index * spacing + len(line)] = line
    exact = np.zeros((spacing, length))
    for offset in range(spacing):
        exact[offset, spacing + offset : spacing + offset + len(line)] = line
    return float(np.abs(exact - weigh_nodes(spacing) @ nodes).sum(axis=1).max()) / 2


def weigh_nodes(spacing: int) -> NDArray[np.float64]:
    """(spacing, 4): the weights of the nodes -1, 0, 1 and 2 for each result from node 0 on."""
    t = np.arange(spacing) / spacing
    return np.stack(
        [
            -t * (t - 1) * (t - 2) / 6,
            (t + 1) * (t - 1) * (t - 2) / 2,
            -(t + 1) * t * (t - 2) / 2,
            (t + 1) * t * (t - 1) / 6,
        ],
        axis=1,
    )


def fill_between(nodes: Planes, spacing: int, output: int, along: int) -> Planes:
    """Interpolate along Y or X. The nodes are at -spacing, 0, spacing, ...; returns the values at 0 to output - 1."""
    filters = import_tensorflow().constant(weigh_nodes(spacing).T[:, None, None].astype(np.float32))
    lines = nodes.shape[1 - along]
    result = np.empty((output, lines) if along == Y else (lines, output), np.float32)
    together = min(lines, max(1, BATCH_BYTES // (4 * output)))
    planes = allocate(1, nodes.shape[along], together, 1)
    for start in range(0, lines, together):
        start = min(start, lines - together)
        batch = (slice(None), slice(start, start + together))[:: 1 if along == Y else -1]
        np.copyto(planes[0, :, :, 0], nodes[batch] if along == Y else nodes[batch].T)
        read_back(run_conv2d(planes, filters, (1, 1), (1, 1))[0], result[batch], along)
    return result
