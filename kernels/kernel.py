"""A kernel: weights that are applied as written (correlation), and the default divisor and response."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from kernels.errors import KernelParameterError
from kernels.product import Product, sum_absolute
from kernels.settings import Response
from kernels.types import Weights

Combine = Literal["single", "magnitude", "maximum", "median"]
"""How the results of the parts of a kernel are combined.

`magnitude`: the square root of the sum of their squares. `maximum`: the largest. `single`: there is only one part.
`median`: no sum, but the middle of the sorted pixels under the only part, whose weights are equal.
"""

MAX_SIDE = 63
MAX_LENGTH = 1201
"""Weights on each side of a `Product`: a Gaussian of sigma 200."""
MAX_WEIGHT = 1e6
SUM_TOLERANCE = 1e-6
"""A sum this close to 0 or 1 counts as 0 or 1, relative to the sum of the absolute weights."""


@dataclass(frozen=True, eq=False)
class Kernel:
    """One or more parts of one shape, each side 1..63. A filter that combines directions has a part for each.

    A part that is a `Product` may have sides up to 1201. The weights do not change, so what follows from them is
    computed once.
    """

    name: str
    title: str
    parts: tuple[Weights | Product, ...]
    combine: Combine = "single"
    divisor: float = 1.0
    source: str = ""
    response: Response | None = None
    """The response set by the author of the kernel. None: it follows from the sum."""

    def __post_init__(self) -> None:
        for part in self.parts:
            check_weights(part)

    @property
    def tables(self) -> tuple[Weights, ...]:
        """The parts that are no `Product`: all or none."""
        return tuple(part for part in self.parts if not isinstance(part, Product))

    @property
    def weights(self) -> Weights:
        """The first part of a kernel that is not long."""
        return self.tables[0]

    @property
    def is_long(self) -> bool:
        """Whether it is a `Product`."""
        return isinstance(self.parts[0], Product)

    @property
    def shape(self) -> tuple[int, int]:
        rows, columns = self.parts[0].shape
        return rows, columns

    @cached_property
    def sum(self) -> float:
        return round_sum(self.parts[0])

    @property
    def is_convolution(self) -> bool:
        """Whether the result is a weighted sum of pixels."""
        return self.combine == "single"

    @cached_property
    def default_response(self) -> Response:
        return self.response or choose_response(self.sum)

    @cached_property
    def rank(self) -> int:
        """The rank of the first part. Rank 1 is separable: a column times a row."""
        return 1 if self.is_long else int(np.linalg.matrix_rank(self.weights))

    @cached_property
    def is_separable(self) -> bool:
        return all(isinstance(part, Product) or np.linalg.matrix_rank(part) == 1 for part in self.parts)


def check_weights(weights: Weights | Product) -> None:
    """Raise KernelParameterError unless the weights have two axes of 1..63, are finite and are not all 0.

    The weights of a `Product` come from a formula; its sides may be 1..1201.
    """
    if isinstance(weights, Product):
        rows, columns = weights.shape
        if max(rows, columns) > MAX_LENGTH:
            raise KernelParameterError(
                "size", f"The kernel has {rows} rows and {columns} columns; each side may be 1 to {MAX_LENGTH}."
            )
        return
    if weights.ndim != 2 or 0 in weights.shape:
        raise KernelParameterError("weights", "The weights must be rows of equal length, each of at least one weight.")
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


def round_sum(weights: Weights | Product) -> float:
    """The sum of the weights. A sum that differs from 0 or 1 by a rounding error is exactly 0 or 1."""
    total = weights.sum() if isinstance(weights, Product) else math.fsum(weights.ravel())
    tolerance = SUM_TOLERANCE * max(1.0, sum_absolute(weights))
    for exact in (0.0, 1.0):
        if abs(total - exact) < tolerance:
            return exact
    return total


def choose_response(total: float) -> Response:
    """`abs` for weights that sum to 0, which give negative and positive values; otherwise `clip`."""
    return "abs" if total == 0 else "clip"


def choose_divisor(total: float) -> float:
    """The divisor for `auto`: the sum of the weights, or 1 if that is 0."""
    return total if total != 0 else 1.0


def center_weights(weights: Weights, size: int) -> Weights:
    """Pad the weights with zeros to (size, size). The anchor stays at the anchor."""
    result = np.zeros((size, size))
    rows, columns = weights.shape
    top, left = (size - 1) // 2 - (rows - 1) // 2, (size - 1) // 2 - (columns - 1) // 2
    result[top : top + rows, left : left + columns] = weights
    return result
