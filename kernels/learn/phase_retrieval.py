"""Where to start looking for a kernel of whose results only the absolute values are known.

The square of |w·x| is a sum of the products of two pixels each, with the products of two weights each as unknowns.
Those are linear equations, and their solution as a table is w·wᵀ: its first eigenvector is w, up to the sign.
Source: the lifting of PhaseLift, Candès, Strohmer and Voroninski 2013, solved by least squares, as equations abound.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from kernels.catalogue import ENTRIES
from kernels.kernel import Weights
from kernels.learn.least_squares import MIDDLE, Fit
from kernels.learn.samples import Pair, Rows, draw_tiles, take_patches

MAX_LIFTED_SIDE = 5
"""351 unknowns; for 7×7 there would be 1,275."""
EQUATIONS_PER_UNKNOWN = 30


def find_starts(pair: Pair, size: int) -> Iterator[Fit]:
    """Kernels whose absolute values may be near: from the equations, or where those are too many, named ones."""
    patches, values = draw_equations(pair, size)
    if size <= MAX_LIFTED_SIDE:
        yield make_start(lift(patches, values), patches, values)
        return
    for entry in ENTRIES:
        kernel = entry.make_kernel()
        if kernel.combine == "single" and kernel.sum == 0 and max(kernel.shape) <= size:
            yield make_start(center(kernel.weights, size), patches, values)


def draw_equations(pair: Pair, size: int) -> tuple[Rows, NDArray[np.float64]]:
    """Patches (n, size²) of values less MIDDLE and the results that belong to them, of all channels."""
    wanted = EQUATIONS_PER_UNKNOWN * (min(size, MAX_LIFTED_SIDE) ** 2 + 1) ** 2 // 2
    patches, values, usable = [], [], pair.usable
    for tile in draw_tiles(pair, size)[:4]:
        for channel in range(pair.channels):
            there = usable[tile.outputs][:, :, channel].ravel()
            patches.append(take_patches(pair.before[tile.inputs][:, :, channel] - np.float32(MIDDLE), size)[there])
            values.append(pair.after[tile.outputs][:, :, channel].ravel()[there].astype(np.float64))
    count = sum(len(one) for one in values)
    drawn = np.random.default_rng(0).permutation(count)[:wanted]
    return np.concatenate(patches)[drawn], np.concatenate(values)[drawn]


def lift(patches: Rows, values: NDArray[np.float64]) -> Weights:
    """The weights (size, size), up to their sign."""
    size = round(patches.shape[1] ** 0.5)
    # Neighbours are so alike that products of them would be alike to the last digits: first they are made unlike.
    mean = patches.mean(axis=0)
    spread, directions = np.linalg.eigh(np.cov(patches, rowvar=False).reshape(size**2, size**2))
    unlike = directions / np.sqrt(np.maximum(spread, 1e-9 * spread[-1]))
    numbers = np.column_stack([(patches - mean) @ unlike, np.ones(len(patches))])
    first, second = np.triu_indices(numbers.shape[1])
    twice = np.where(first == second, 1.0, 2.0)
    products = numbers[:, first] * numbers[:, second] * twice / values[:, None]  # a square is as wrong as it is large
    solution = np.linalg.lstsq(products, values, rcond=None)[0]
    table = np.zeros((numbers.shape[1], numbers.shape[1]))
    table[first, second] = table[second, first] = solution
    sizes, vectors = np.linalg.eigh(table)
    found = vectors[:-1, -1] * np.sqrt(max(sizes[-1], 0.0))
    return (unlike @ found).reshape(size, size)


def make_start(weights: Weights, patches: Rows, values: NDArray[np.float64]) -> Fit:
    """Scaled so that it gives values as large as those of the result, with the misfit that it has there."""
    size = len(weights)
    given = np.abs((patches + MIDDLE) @ weights.ravel())
    scale = float(given @ values / max(float(given @ given), 1e-9))
    misfit = float(((np.minimum(scale * given, 255) - values) ** 2).sum())
    none = np.zeros_like(weights)
    return Fit(scale * weights, 0.0, 0.0, none, float(size**2), misfit, len(values), none, 0.0)


def center(weights: Weights, size: int) -> Weights:
    """With zeros around, so that the middle stays the middle."""
    result = np.zeros((size, size))
    rows, columns = weights.shape
    top, left = (size - 1) // 2 - (rows - 1) // 2, (size - 1) // 2 - (columns - 1) // 2
    result[top : top + rows, left : left + columns] = weights
    return result
