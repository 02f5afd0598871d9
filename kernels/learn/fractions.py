"""Weights that were found as numbers, as the fractions that they were meant to be."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels.kernel import Weights

MAX_DIVISOR = 4096
"""Binomial kernels up to 7×7 have it."""
MAX_CHANCE = 0.01
"""That random weights come as near to fractions of any divisor up to that one."""
SMALLEST_TOLERANCE = 1e-5


@dataclass(frozen=True)
class Fractions:
    """Whole numbers (rows, columns) over one divisor, which has no factor in common with all of them."""

    numerators: NDArray[np.int64]
    divisor: int

    @property
    def weights(self) -> Weights:
        return self.numerators / self.divisor

    @property
    def texts(self) -> list[list[str]]:
        """Each weight reduced on its own: `1/16`, `1/8`, `0`."""
        return [[reduce(int(number), self.divisor) for number in row] for row in self.numerators]


def find_fractions(weights: Weights, tolerance: float) -> Fractions | None:
    """The smallest divisor under which all weights are whole numbers to within `tolerance`; None for no clean one."""
    tolerance = max(tolerance, SMALLEST_TOLERANCE)
    for divisor in range(1, MAX_DIVISOR + 1):
        whole = np.rint(weights * divisor)
        if np.abs(weights - whole / divisor).max() > tolerance:
            continue
        # Kernels are full of repetitions: only weights that differ are evidence. The mean of n pixels needs none.
        different = len(set(np.abs(whole[whole != 0])))
        chance = divisor * min(1.0, 2 * tolerance * divisor) ** different
        is_mean = set(whole.flat) <= {0, 1} and whole.sum() == divisor
        return Fractions(whole.astype(np.int64), divisor) if different and (is_mean or chance < MAX_CHANCE) else None
    return None


def reduce(numerator: int, divisor: int) -> str:
    common = int(np.gcd(numerator, divisor))
    return str(numerator // common) if divisor == common else f"{numerator // common}/{divisor // common}"
