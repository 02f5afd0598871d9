"""The layers before training: filters that are known to be useful, and the mix of them by least squares.

From random weights, Adam needs minutes where a class waits for seconds. Candidates for the filters are the best single
kernel, one pixel, differences of pixels, derivatives in many directions and random weights, each with biases where ReLU
bends within the range of its values. They are chosen one by one by orthogonal matching pursuit (Pati et al. 1993).
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from kernels.colour import LUMA
from kernels.errors import UndeterminedKernelError
from kernels.learn.layer_samples import LayerSamples
from kernels.learn.layers import CENTRE, UNIT, Array, Layers
from kernels.types import Mask, Matrix, Vector

CHOICE_ROWS = 4_000
"""Patches on which candidates are compared."""
FIT_ROWS = 40_000
"""Patches for least squares."""
CLIPPING_STEPS = 20
"""Iterations of least squares in which values beyond 0 and 255 become targets, because they are clipped."""
ANGLES = 16
RANDOM_FILTERS = 32
NEAREST_PIXELS = 24
"""Of a large filter, only these are compared with the middle."""
KNOTS = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Quantiles of the values of a filter where ReLU bends."""
VALUE_KNOTS = tuple(np.linspace(0.04, 0.96, 24))
"""Of a single pixel: curves such as gamma need more of them."""
RIDGE = 1e-6
"""Relative to the mean variance of a column."""
WHITE, BLACK = (255 - CENTRE) / UNIT, -CENTRE / UNIT


def start_layers(samples: LayerSamples, filters: int) -> Layers:
    """Layers with this number of filters, for scaled values."""
    size, channels = samples.size, samples.inputs.shape[3]
    patches, targets = samples.draw_rows(FIT_ROWS)
    kernel, _ = fit_linear(patches, targets)
    choice, wanted = samples.draw_rows(CHOICE_ROWS)
    directions = np.stack([*kernel.T, *list_directions(size, channels)], axis=1)
    weights, biases = list_candidates(choice, directions, kernel.shape[1])
    hidden = np.maximum(choice.astype(np.float32) @ weights.astype(np.float32) + biases.astype(np.float32), 0)
    chosen = choose_candidates(hidden, wanted.astype(np.float32), filters)
    weights, biases = weights[:, chosen], biases[chosen]
    mix, offsets = fit_mix(np.maximum(patches @ weights + biases, 0), targets)
    # ReLU(a·h) = a·ReLU(h): weights of both layers with the same length change at the same pace.
    balance = np.sqrt(np.linalg.norm(mix, axis=1) / np.linalg.norm(np.vstack([weights, biases]), axis=0))
    balance = np.where(balance > 0, balance, 1)
    shape = (size, size, channels, filters)
    arrays = ((weights * balance).reshape(shape), biases * balance, mix / balance[:, None], offsets)
    return Layers(*(array.astype(np.float32) for array in arrays))


def fit_linear(patches: Matrix, targets: Matrix) -> tuple[Matrix, Vector]:
    """Weights (columns of patches, columns of targets) and biases with the least squares."""
    mean, mean_target = patches.mean(axis=0), targets.mean(axis=0)
    centred = patches - mean
    products = centred.T @ centred
    ridge = RIDGE * max(float(np.trace(products)) / len(products), 1e-12)
    weights = np.linalg.solve(products + ridge * np.eye(len(products)), centred.T @ (targets - mean_target))
    return weights, mean_target - mean @ weights


def fit_mix(hidden: Matrix, targets: Matrix, results: Matrix | None = None) -> tuple[Matrix, Vector]:
    """`fit_linear`, where results above white are right for white targets, and below black for black ones.

    `results`: of the present mix, from which the iteration starts. Each iteration decreases the loss.
    """
    white, black = targets >= WHITE, targets <= BLACK
    mix, offsets = fit_linear(hidden, targets if results is None else reach(results, targets, white, black))
    if white.any() or black.any():
        for _ in range(CLIPPING_STEPS):
            mix, offsets = fit_linear(hidden, reach(hidden @ mix + offsets, targets, white, black))
    return mix, offsets


def reach(results: Matrix, targets: Matrix, white: Mask, black: Mask) -> Matrix:
    """The targets, or the results where these are beyond white or black targets."""
    return np.where(white, np.maximum(results, targets), np.where(black, np.minimum(results, targets), targets))


def list_directions(size: int, channels: int) -> Iterator[Vector]:
    """Candidates for filters (size · size · channels,): the middle pixel of each channel first."""
    colours = [np.ones(1)] if channels == 1 else [*np.eye(3), LUMA.astype(np.float64)]
    planes = list(list_planes(size))
    for plane in planes:
        for colour in colours:
            yield np.multiply.outer(plane, colour).ravel()


def list_planes(size: int) -> Iterator[NDArray[np.float64]]:
    """Candidates of one channel (size, size): the middle pixel first."""
    middle = (size - 1) // 2
    y, x = np.mgrid[:size, :size] - middle
    single = np.zeros((size, size))
    single[middle, middle] = 1
    yield single
    if size == 1:
        return
    yield np.full((size, size), 1 / size**2)
    nearest = np.argsort(np.hypot(y, x).ravel(), kind="stable")[1 : NEAREST_PIXELS + 1]
    for place in nearest:
        pixel = np.zeros(size**2)
        pixel[place] = 1
        yield single - pixel.reshape(size, size)
        yield pixel.reshape(size, size) - single
    for width in {1, size / 3}:
        window = np.exp(-(y**2 + x**2) / (2 * width**2))
        for angle in 2 * np.pi * np.arange(ANGLES) / ANGLES:
            yield (np.cos(angle) * x + np.sin(angle) * y) * window
    random = np.random.default_rng(0).normal(size=(RANDOM_FILTERS, size, size))
    yield from random - random.mean(axis=(1, 2), keepdims=True)


def list_candidates(patches: Matrix, directions: Matrix, kernels: int) -> tuple[Matrix, Vector]:
    """Weights (columns of patches, n) and biases (n,). The values of each candidate have a standard deviation of 1.

    The first `kernels` directions are single kernels: they get a candidate that ReLU never bends, too.
    """
    values = patches @ directions
    deviations = values.std(axis=0)
    weights, biases = [], []
    for number, deviation in enumerate(deviations):
        if deviation < 1e-6:
            continue
        direction, its = directions[:, number] / deviation, values[:, number] / deviation
        is_pixel = np.count_nonzero(directions[:, number]) == 1
        knots = list(np.quantile(its, KNOTS)) if not is_pixel else spread_knots(its)
        if number < kernels:
            knots = [float(its.min()) - 1, *knots]
        weights += [direction] * len(knots)
        biases += [-knot for knot in knots]
    if not weights:
        raise UndeterminedKernelError(
            "The sampled parts of the image 'before' are one uniform colour. Send an image with more detail."
        )
    return np.stack(weights, axis=1), np.array(biases)


def spread_knots(values: Vector) -> list[float]:
    """Half of the knots of a single pixel are at quantiles, and half are evenly spread over the range."""
    low, high = values.min(), values.max()
    return [*np.quantile(values, VALUE_KNOTS[::2]), *(low + (high - low) * share for share in VALUE_KNOTS[1::2])]


def choose_candidates(hidden: Array, targets: Array, count: int) -> list[int]:
    """The columns that together explain the targets best, one by one. A single kernel (column 0) is always there."""
    columns = hidden - hidden.mean(axis=0)
    residual = targets - targets.mean(axis=0)
    original = np.linalg.norm(columns, axis=0)
    chosen: list[int] = []
    for _ in range(count):
        lengths = np.linalg.norm(columns, axis=0)
        # What is left of a column that depends on the chosen ones is rounding error.
        independent = lengths > 1e-4 * np.maximum(original, 1e-12)
        scores = np.where(independent, ((columns.T @ residual) ** 2).sum(axis=1) / np.maximum(lengths, 1e-12) ** 2, -1)
        best = 0 if not chosen else int(np.argmax(scores))
        chosen.append(best)
        unit = columns[:, best] / max(lengths[best], 1e-12)
        columns = columns - np.outer(unit, unit @ columns)
        residual = residual - np.outer(unit, unit @ residual)
    return chosen
