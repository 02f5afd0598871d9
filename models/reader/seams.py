"""Seams: paths from top to bottom along which touching digits can be cut."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.types import Grey

SEAM_POSITIONS = (0.35, 0.5, 0.65)  # of the width: a seam is searched around each
SEAM_REACH = 0.3  # of the height, on both sides of a position
SIDESTEP_COST = 0.02  # of full ink, for each step aside


@dataclass(frozen=True)
class Seam:
    """A path through a character. `columns` (height,) has, for each row, the first column to its right."""

    columns: NDArray[np.int64]
    ink: float  # sum along the path


def list_cuts(density: Grey, parts: int) -> list[tuple[Seam, ...]]:
    """Ways to cut a character (height, width) into `parts`, each as its seams; straight cuts come first."""
    height, width = density.shape
    columns = cv2.GaussianBlur(density.sum(axis=0)[None, :], (0, 0), max(0.6, width / 60)).ravel()
    if parts == 2:
        low, high = round(0.22 * width), round(0.78 * width)
        minima = [x for x in range(low, high) if columns[x] == columns[max(0, x - 3) : x + 4].min()]
        straight: list[tuple[Seam, ...]] = [
            (cut_straight(density, x),) for x in sorted(minima, key=lambda x: float(columns[x]))[:4]
        ]
        reach = max(2, round(SEAM_REACH * height))
        return straight + [(find_seam(density, round(share * width), reach),) for share in SEAM_POSITIONS]
    step = width / parts
    reach = max(2, round(0.3 * step))
    middles = [round(number * step) for number in range(1, parts)]
    thinnest = []
    for middle in middles:
        low, high = max(0, middle - reach), middle + reach
        thinnest.append(low + int(np.argmin(columns[low : max(high, low + 1)])))
    return [
        tuple(cut_straight(density, x) for x in thinnest),
        tuple(find_seam(density, x, reach) for x in middles),
    ]


def cut_straight(density: Grey, column: int) -> Seam:
    return Seam(np.full(density.shape[0], column), float(density[:, column].sum()))


def find_seam(density: Grey, middle: int, reach: int) -> Seam:
    """The path from top to bottom with the least ink, at most `reach` columns from the middle one.

    From row to row it moves by at most one column, as in seam carving (Avidan & Shamir, SIGGRAPH 2007).
    """
    low, high = max(0, middle - reach), min(density.shape[1], middle + reach + 1)
    band = density[:, low:high].astype(np.float64)
    best = band.copy()
    for row in range(1, len(band)):
        padded = np.pad(best[row - 1], 1, constant_values=np.inf)
        aside = np.minimum(padded[:-2], padded[2:]) + SIDESTEP_COST
        best[row] += np.minimum(padded[1:-1], aside)
    path = np.empty(len(band), np.int64)
    path[-1] = int(best[-1].argmin())
    for row in range(len(band) - 2, -1, -1):
        below = path[row + 1]
        choices = [x for x in (below, below - 1, below + 1) if 0 <= x < band.shape[1]]
        path[row] = min(choices, key=lambda x: best[row, x] + (0 if x == below else SIDESTEP_COST))
    return Seam(path + low, float(band[np.arange(len(band)), path].sum()))
