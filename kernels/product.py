"""A separable kernel as the column and the row of which it is the product.

The table of a Gaussian of sigma 200 has 1201 × 1201 weights, its column and its row have 2402.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from kernels.types import Vector, Weights


@dataclass(frozen=True, eq=False)
class Product:
    """The weight at (y, x) is `column[y] * row[x]`. It has those operations of an array that kernels need."""

    column: Vector
    row: Vector

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.column), len(self.row)

    @property
    def size(self) -> int:
        """The numbers that define it."""
        return len(self.column) + len(self.row)

    @property
    def turned(self) -> "Product":
        """Turned by 180°."""
        return Product(self.column[::-1], self.row[::-1])

    def sum(self) -> float:
        return float(self.column.sum() * self.row.sum())

    def min(self) -> float:
        return float(np.outer(find_extremes(self.column), find_extremes(self.row)).min())

    def __truediv__(self, divisor: float) -> "Product":
        return Product(self.column / divisor, self.row)


def find_extremes(line: Vector) -> Vector:
    """The smallest and the largest weight."""
    return np.array([line.min(), line.max()])


def sum_absolute(part: Weights | Product) -> float:
    """The sum of the absolute weights."""
    if isinstance(part, Product):
        return float(np.abs(part.column).sum() * np.abs(part.row).sum())
    return float(np.abs(part).sum())


def list_weights(part: Weights | Product) -> Any:
    """The rows of a table as lists, or the column and the row of a product, for JSON."""
    if isinstance(part, Product):
        return {"column": part.column.tolist(), "row": part.row.tolist()}
    return part.tolist()
