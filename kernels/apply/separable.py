"""Kernels as sums of columns times rows, so that a large one costs its side and not its square."""

from functools import lru_cache

import numpy as np

from kernels.apply.conv2d import LANES, count_halved_rows
from kernels.kernel import Weights

Factors = list[tuple[Weights, Weights]]
"""Pairs of weights of shape (rows, 1) and (1, columns) whose products sum to the kernel."""

RANK_TOLERANCE = 1e-12
"""Of the largest singular value: far below what float32 can tell."""
PASS_COST = 2.25
"""A weight of a 1-D pass costs as much as this many of a 2-D one (docs/decisions/0006-low-rank-kernels.md)."""
FIXED_COST = 90
"""What a pair of 1-D passes costs whatever its size, in weights of a 2-D pass."""


def split_weights(weights: Weights) -> Factors:
    """As many factors as the kernel has rank. Source: singular value decomposition."""
    left, sizes, right = np.linalg.svd(weights)
    rank = int(np.count_nonzero(sizes > RANK_TOLERANCE * sizes[0]))
    scales = np.sqrt(sizes[:rank])
    return [((left[:, index] * scale)[:, None], (right[index] * scale)[None, :]) for index, scale in enumerate(scales)]


def choose_factors(weights: Weights) -> Factors | None:
    """The factors where they are cheaper than the kernel as a whole, else None."""
    rows, columns = weights.shape
    whole, pair = count_halved_rows(rows) * (columns + LANES - 1), PASS_COST * (rows + columns) + FIXED_COST
    if pair >= whole:  # not even of rank 1
        return None
    factors = recall_factors(weights.astype(np.float64).tobytes(), weights.shape)
    return factors if len(factors) * pair < whole else None


@lru_cache(maxsize=64)
def recall_factors(content: bytes, shape: tuple[int, int]) -> Factors:
    """One request asks several times, and many requests ask for the same kernel."""
    return split_weights(np.frombuffer(content).reshape(shape))


def count_taps(weights: Weights) -> int:
    """Multiplications for one result."""
    factors = choose_factors(weights)
    return weights.size if factors is None else len(factors) * sum(weights.shape)
