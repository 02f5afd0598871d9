"""Estimates a kernel from the absolute values of its results: approximate kernels for `learn.learn_absolute`.

|w·x|² is a sum of products of two pixels each, with the products of two weights each as unknowns. These are linear
equations. Their solution, as a matrix, is w·wᵀ, the first eigenvector of which is w up to its sign.
Source: the lifting of PhaseLift, Candès, Strohmer and Voroninski 2013, solved by least squares because there are enough
equations.
"""

from collections.abc import Iterator

import numpy as np

from kernels.catalogue import ENTRIES
from kernels.kernel import center_weights
from kernels.learn.least_squares import MIDDLE, Fit
from kernels.learn.samples import Pair, draw_tiles, extract_patches
from kernels.types import Patches, Vector, Weights

MAX_LIFTED_SIDE = 5
"""351 unknowns; 7×7 has 1,275."""
EQUATIONS_PER_UNKNOWN = 30
MAX_TILES = 4


def find_starts(pair: Pair, size: int) -> Iterator[Fit]:
    """Approximate kernels: the solution of the equations or, for a large kernel, the named kernels that sum to 0."""
    patches, values = draw_equations(pair, size)
    if size <= MAX_LIFTED_SIDE:
        yield make_start(lift(patches, values), patches, values)
        return
    for entry in ENTRIES:
        kernel = entry.make_kernel()
        if kernel.combine == "single" and kernel.sum == 0 and max(kernel.shape) <= size:
            yield make_start(center_weights(kernel.weights, size), patches, values)


def draw_equations(pair: Pair, size: int) -> tuple[Patches, Vector]:
    """Patches of values minus MIDDLE and the values of the results at the same positions, of all channels."""
    wanted = EQUATIONS_PER_UNKNOWN * (min(size, MAX_LIFTED_SIDE) ** 2 + 1) ** 2 // 2
    patches, values = [], []
    usable = pair.usable
    for tile in draw_tiles(pair, size)[:MAX_TILES]:
        for channel in range(pair.channels):
            chosen = usable[tile.outputs][:, :, channel].ravel()
            patches.append(extract_patches(pair.before[tile.inputs][:, :, channel] - np.float32(MIDDLE), size)[chosen])
            values.append(pair.after[tile.outputs][:, :, channel].ravel()[chosen].astype(np.float64))
    count = sum(len(each) for each in values)
    drawn = np.random.default_rng(0).permutation(count)[:wanted]
    return np.concatenate(patches)[drawn], np.concatenate(values)[drawn]


def lift(patches: Patches, values: Vector) -> Weights:
    """Solve the equations. The sign of the weights (size, size) is undetermined."""
    size = round(patches.shape[1] ** 0.5)
    # Neighbouring pixels are so similar that their products are nearly equal: whitening decorrelates them first.
    mean = patches.mean(axis=0)
    variances, directions = np.linalg.eigh(np.cov(patches, rowvar=False).reshape(size**2, size**2))
    whitening = directions / np.sqrt(np.maximum(variances, 1e-9 * variances[-1]))
    whitened = np.column_stack([(patches - mean) @ whitening, np.ones(len(patches))])
    first, second = np.triu_indices(whitened.shape[1])
    multiplicity = np.where(first == second, 1.0, 2.0)
    # The error of a square is proportional to its root: divided by it, all equations have the same error.
    products = whitened[:, first] * whitened[:, second] * multiplicity / values[:, None]
    solution = np.linalg.lstsq(products, values, rcond=None)[0]
    matrix = np.zeros((whitened.shape[1], whitened.shape[1]))
    matrix[first, second] = matrix[second, first] = solution
    eigenvalues, eigenvectors = np.linalg.eigh(matrix)
    found = eigenvectors[:-1, -1] * np.sqrt(max(eigenvalues[-1], 0.0))
    return (whitening @ found).reshape(size, size)


def make_start(weights: Weights, patches: Patches, values: Vector) -> Fit:
    """Scale the weights so that their absolute results fit the values, and measure the misfit."""
    size = len(weights)
    results = np.abs((patches + MIDDLE) @ weights.ravel())
    scale = float(results @ values / max(float(results @ results), 1e-9))
    misfit = float(((np.minimum(scale * results, 255) - values) ** 2).sum())
    zeros = np.zeros_like(weights)
    return Fit(scale * weights, 0.0, 0.0, zeros, float(size**2), misfit, len(values), zeros, 0.0)
