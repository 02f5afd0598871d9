"""Seams: paths from top to bottom along which touching digits can be cut."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.types import Grey

STEP = 0.1  # of the digits' height: a seam is searched around every such position
REACH = 0.07  # of the digits' height, on both sides of a position
SPACING = 0.05  # of the digits' height, at least, between the middles of two seams
MAX_COST = 1.2  # of a seam: a stroke as long as the digits are high, or three that are crossed
STROKE_COST = 0.25  # for each stroke that a seam crosses
SIDESTEP_COST = 0.1  # of full ink, for each step aside


@dataclass(frozen=True)
class Seam:
    """A path through a character. `columns` (height,) has, for each row, the first column to its right."""

    columns: NDArray[np.int64]
    cost: float  # the ink along the path as a share of the height, and STROKE_COST for each stroke that it crosses

    @property
    def middle(self) -> float:
        return float(self.columns.mean())


def list_seams(density: Grey, digit_height: float) -> list[Seam]:
    """The seams through a character (height, width) at which digits of about `digit_height` may touch, left to right.

    Of seams closer to each other than SPACING, the one with the least cost remains.
    """
    width = density.shape[1]
    spacing = SPACING * digit_height
    positions = np.arange(STEP * digit_height, width - STEP * digit_height, max(1.0, STEP * digit_height))
    if not positions.size:
        return []
    found: list[Seam] = []
    seams = find_seams(density, np.round(positions).astype(int), max(2, round(REACH * digit_height)))
    for seam in sorted(seams, key=lambda one: one.cost):
        if seam.cost <= MAX_COST and all(abs(seam.middle - one.middle) >= spacing for one in found):
            found.append(seam)
    return sorted(found, key=lambda one: one.middle)


def find_seams(density: Grey, middles: NDArray[np.int64], reach: int) -> list[Seam]:
    """For each of the middle columns, the path from top to bottom with the least ink, at most `reach` columns away.

    From row to row it moves by at most one column, as in seam carving (Avidan & Shamir, SIGGRAPH 2007). All paths are
    searched at once.
    """
    height, width = density.shape
    columns = middles[:, None] + np.arange(-reach, reach + 1)
    outside = (columns < 0) | (columns >= width)
    bands = density[:, np.clip(columns, 0, width - 1)].astype(np.float64)  # (height, seams, columns)
    bands[:, outside] = np.inf
    best = bands.copy()
    for row in range(1, height):
        padded = np.pad(best[row - 1], ((0, 0), (1, 1)), constant_values=np.inf)
        aside = np.minimum(padded[:, :-2], padded[:, 2:]) + SIDESTEP_COST
        best[row] += np.minimum(padded[:, 1:-1], aside)
    seams = np.arange(len(middles))
    path = np.empty((height, len(middles)), np.int64)
    path[-1] = best[-1].argmin(axis=1)
    for row in range(height - 2, -1, -1):
        padded = np.pad(best[row], ((0, 0), (1, 1)), constant_values=np.inf)
        steps = np.stack([padded[seams, path[row + 1] + 1 + step] + abs(step) * SIDESTEP_COST for step in (0, -1, 1)])
        path[row] = path[row + 1] + np.array([0, -1, 1])[steps.argmin(axis=0)]
    along = bands[np.arange(height)[:, None], seams, path]
    strokes = (np.diff(along > 0.5, axis=0, prepend=False) & (along > 0.5)).sum(axis=0)
    costs = along.sum(axis=0) / height + STROKE_COST * strokes
    return [Seam(columns[number, path[:, number]], float(costs[number])) for number in seams]
