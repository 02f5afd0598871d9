"""What a kernel is: weights, applied as written, and how the numbers they give become an image."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kernels.errors import KernelParameterError
from kernels.settings import Response

Weights = NDArray[np.float64]
Combine = Literal["single", "magnitude", "maximum"]

MAX_SIDE = 63
MAX_WEIGHT = 1e6
SUM_TOLERANCE = 1e-6
"""Relative to the sum of the absolute weights: how near to 0 or 1 counts as 0 or 1."""


@dataclass(frozen=True, eq=False)
class Kernel:
    """Weights of shape (rows, columns), each side 1..63; several of them where a filter combines directions."""

    name: str
    title: str
    parts: tuple[Weights, ...]
    combine: Combine = "single"
    """`magnitude`: square root of the sum of squares of the parts. `maximum`: the largest of them."""
    divisor: float = 1.0
    source: str = ""
    response: Response | None = None
    """The response asked for by the kernel's author; without one it follows from the sum."""

    def __post_init__(self) -> None:
        for part in self.parts:
            check_weights(part)

    @property
    def weights(self) -> Weights:
        return self.parts[0]

    @property
    def shape(self) -> tuple[int, int]:
        rows, columns = self.weights.shape
        return rows, columns

    @property
    def sum(self) -> float:
        return round_sum(self.weights)

    @property
    def default_response(self) -> Response:
        return self.response or choose_response(self.sum)

    @property
    def rank(self) -> int:
        """Of the first part. 1 means that it is a column times a row: separable."""
        return int(np.linalg.matrix_rank(self.weights))

    @property
    def is_separable(self) -> bool:
        return all(np.linalg.matrix_rank(part) == 1 for part in self.parts)


def check_weights(weights: Weights) -> None:
    """Raise KernelParameterError unless the weights are a filled table, finite, not all 0, of sides 1..63."""
    if weights.ndim != 2 or 0 in weights.shape:
        raise KernelParameterError("weights", "The weights must be a table of rows of equal length.")
    rows, columns = weights.shape
    if max(rows, columns) > MAX_SIDE:
        raise KernelParameterError(
            "weights", f"The kernel has {rows} rows and {columns} columns; each side may be 1 to {MAX_SIDE}."
        )
    if not np.isfinite(weights).all() or np.abs(weights).max() > MAX_WEIGHT:
        raise KernelParameterError(
            "weights", f"Every weight must be a number from {-MAX_WEIGHT:.0f} to {MAX_WEIGHT:.0f}."
        )
    if not weights.any():
        raise KernelParameterError("weights", "All weights are 0: the result would be empty.")


def round_sum(weights: Weights) -> float:
    """The sum of the weights, with what floating point leaves of an exact 0 or 1 taken away."""
    total = math.fsum(weights.ravel())
    tolerance = SUM_TOLERANCE * max(1.0, float(np.abs(weights).sum()))
    for exact in (0.0, 1.0):
        if abs(total - exact) < tolerance:
            return exact
    return total


def choose_response(total: float) -> Response:
    """`abs` for weights that sum to 0, whose results lie on both sides of 0; `clip` for the others."""
    return "abs" if total == 0 else "clip"


def choose_divisor(total: float) -> float:
    """The divisor that `auto` stands for: the sum of the weights, or 1 where that is 0."""
    return total if total != 0 else 1.0
