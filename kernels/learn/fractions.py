"""Recognises estimated weights as exact fractions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels.types import Weights

MAX_DIVISOR = 4096
"""The divisor of binomial kernels up to 7×7."""
MAX_CHANCE = 0.01
"""Highest accepted probability that random weights are as close to fractions with any divisor up to the found one."""
SMALLEST_TOLERANCE = 1e-5


@dataclass(frozen=True)
class Fractions:
    """Integers (rows, columns) and their divisor. The divisor and the integers have no common factor."""

    numerators: NDArray[np.int64]
    divisor: int

    @property
    def weights(self) -> Weights:
        return self.numerators / self.divisor

    @property
    def texts(self) -> list[list[str]]:
        """Each weight as a reduced fraction: `1/16`, `1/8`, `0`."""
        return [[format_fraction(int(number), self.divisor) for number in row] for row in self.numerators]


def find_fractions(weights: Weights, tolerance: float) -> Fractions | None:
    """The fractions with the smallest divisor that are within `tolerance` of all weights, or None."""
    tolerance = max(tolerance, SMALLEST_TOLERANCE)
    for divisor in range(1, MAX_DIVISOR + 1):
        numerators = np.rint(weights * divisor)
        if np.abs(weights - numerators / divisor).max() > tolerance:
            continue
        # Kernels repeat their weights: only different weights are evidence. The mean of n pixels needs no evidence.
        different = len(set(np.abs(numerators[numerators != 0])))
        chance = divisor * min(1.0, 2 * tolerance * divisor) ** different
        is_mean = set(numerators.flat) <= {0, 1} and numerators.sum() == divisor
        if different and (is_mean or chance < MAX_CHANCE):
            return Fractions(numerators.astype(np.int64), divisor)
        return None
    return None


def format_fraction(numerator: int, divisor: int) -> str:
    common = int(np.gcd(numerator, divisor))
    return str(numerator // common) if divisor == common else f"{numerator // common}/{divisor // common}"
