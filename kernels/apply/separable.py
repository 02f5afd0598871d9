"""Kernels as sums of columns times rows. A kernel of low rank then costs its side, not its square."""

from functools import lru_cache

import numpy as np

from kernels.apply.conv2d import LANES, correlate, count_halved_rows
from kernels.types import Planes, Weights

Factors = list[tuple[Weights, Weights]]
"""Pairs of weights of shape (rows, 1) and (1, columns). The sum of their products is the kernel."""

RANK_TOLERANCE = 1e-12
"""Relative to the largest singular value: far below the precision of float32."""
PASS_COST = 2.25
"""Cost of one weight of a 1-D pass, in weights of a 2-D pass (docs/engineering/decisions/0006-low-rank-kernels.md)."""
FIXED_COST = 90
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
    whole, pair = count_halved_rows(rows) * (columns + LANES - 1), PASS_COST * (rows + columns) + FIXED_COST
    if pair >= whole:  # even rank 1 costs more
        return None
    factors = recall_factors(weights.astype(np.float64).tobytes(), weights.shape)
    return factors if len(factors) * pair < whole else None


@lru_cache(maxsize=64)
def recall_factors(content: bytes, shape: tuple[int, int]) -> Factors:
    """Cached: one request needs the factors several times, and many requests use the same kernel."""
    return split_weights(np.frombuffer(content).reshape(shape))


def correlate_part(
    image: Planes, weights: Weights, factors: Factors | None, stride: tuple[int, int], dilation: tuple[int, int]
) -> Planes:
    """As `conv2d.correlate`: with `factors` in 1-D passes, otherwise in one 2-D pass."""
    if factors is None:
        return correlate(image, weights, stride, dilation)
    return correlate_factors(image, factors, stride, dilation)


def correlate_factors(image: Planes, factors: Factors, stride: tuple[int, int], dilation: tuple[int, int]) -> Planes:
    """As `conv2d.correlate` with the sum of the products: one pass along y and one along x for each pair."""
    total: Planes | None = None
    for column, row in factors:
        along_y = correlate(image, column, (stride[0], 1), (dilation[0], 1))
        product = correlate(along_y, row, (1, stride[1]), (1, dilation[1]))
        total = product if total is None else total + product
    assert total is not None
    return total


def count_taps(weights: Weights) -> int:
    """Multiplications for one result."""
    factors = choose_factors(weights)
    return weights.size if factors is None else len(factors) * sum(weights.shape)
