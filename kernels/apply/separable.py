"""Kernels as sums of columns times rows. A kernel of low rank then costs its side, not its square."""

from functools import lru_cache

import numpy as np

from kernels.apply.conv2d import count_halved_rows
from kernels.types import Weights

Factors = list[tuple[Weights, Weights]]
"""Pairs of weights of shape (rows, 1) and (1, columns). The sum of their products is the kernel."""

RANK_TOLERANCE = 1e-12
"""Relative to the largest singular value: far below the precision of float32."""
PASS_COST = 1.6
"""Cost of one weight of a 1-D pass, in weights of a 2-D pass (docs/engineering/decisions/0022-one-layout.md)."""
FIXED_COST = 30
"""Cost of a pair of 1-D passes of any size, in weights of a 2-D pass."""


def split_weights(weights: Weights) -> Factors:
    """As many pairs as the rank of the kernel, by singular value decomposition."""
    left, sizes, right = np.linalg.svd(weights)
    rank = int(np.count_nonzero(sizes > RANK_TOLERANCE * sizes[0]))
    scales = np.sqrt(sizes[:rank])
    return [((left[:, index] * scale)[:, None], (right[index] * scale)[None, :]) for index, scale in enumerate(scales)]


def choose_factors(weights: Weights) -> Factors | None:
    """The factors if they cost less than one 2-D pass, else None."""
    rows, columns = weights.shape
    whole, pair = count_halved_rows(rows) * columns, PASS_COST * (rows + columns) + FIXED_COST
    if pair >= whole:  # even rank 1 costs more
        return None
    factors = recall_factors(weights.astype(np.float64).tobytes(), weights.shape)
    return factors if len(factors) * pair < whole else None


@lru_cache(maxsize=64)
def recall_factors(content: bytes, shape: tuple[int, int]) -> Factors:
    """Cached: one request needs the factors several times, and many requests use the same kernel."""
    return split_weights(np.frombuffer(content).reshape(shape))


def count_taps(weights: Weights) -> int:
    """Multiplications for one result."""
    factors = choose_factors(weights)
    return weights.size if factors is None else len(factors) * sum(weights.shape)
