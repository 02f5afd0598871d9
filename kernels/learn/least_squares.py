"""Least squares over patches: the weights and the bias that turn one image into another.

With the patches x of the image before and the values y after, the sums of x, y, xxᵀ, xy and yy over all positions are
sufficient. They are gathered tile by tile in float64, where products of 8-bit values are exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kernels.errors import UndeterminedKernelError
from kernels.learn.samples import MAX_MULTIPLY_ADDS, MIN_VALUES_PER_WEIGHT, Pair, draw_tiles, extract_patches
from kernels.types import Matrix, Patches, Vector, Weights

MIDDLE = 128.0
"""Subtracted from all values, so that sums of large squares do not lose digits."""
SMALLEST_RIDGE = 1e-13
"""Relative to the largest eigenvalue: the rounding error of float64 in a direction without variance."""
EVIDENCE_STEPS = 30

LearnedResponse = Literal["clip", "abs"]


@dataclass(frozen=True)
class Sums:
    """Sums over the sampled positions, of values minus MIDDLE. The sums of several channels can be added."""

    count: int
    x: Vector
    y: float
    xx: Matrix
    xy: Vector
    yy: float

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.count + other.count,
            self.x + other.x,
            self.y + other.y,
            self.xx + other.xx,
            self.xy + other.xy,
            self.yy + other.yy,
        )

    def measure_misfit(self, weights: Weights, bias: float) -> float:
        """The sum of the squared residuals of a kernel, in grey levels²."""
        w = weights.ravel()
        shift = bias + MIDDLE * (w.sum() - 1)  # the bias between values minus MIDDLE
        total = (
            self.yy
            - 2 * (w @ self.xy + shift * self.y)
            + w @ self.xx @ w
            + 2 * shift * (w @ self.x)
            + self.count * shift**2
        )
        return max(float(total), 0.0)

    @property
    def spread(self) -> float:
        """The sum of the squared differences of y from its mean."""
        return self.yy - self.y**2 / self.count


@dataclass(frozen=True)
class Fit:
    """A kernel of shape (size, size) and a bias in grey levels, estimated by least squares."""

    weights: Weights
    bias: float
    ridge: float
    """Added to the variance of each pixel of a patch, in grey levels²."""
    errors: Weights
    """The standard error of each weight."""
    determined: float
    """How many weights the images determine. The ridge determines the others."""
    misfit: float
    """The sum of the squared residuals, in grey levels²."""
    count: int
    """Values used for the fit."""
    mean_patch: Weights
    """The mean of the patches of the image before."""
    explained: float
    """Share of the variance of the values that the kernel explains, at most 1."""

    def predict(self, patches: Patches) -> Vector:
        """The values of the kernel for patches of values minus MIDDLE."""
        return patches @ self.weights.ravel() + (self.bias + MIDDLE * float(self.weights.sum()))

    @property
    def residual(self) -> float:
        """The root mean square of the residuals, in grey levels."""
        return float(np.sqrt(self.misfit / self.count))


def gather_sums(pair: Pair, size: int, previous: Sequence[Fit] = (), response: LearnedResponse = "clip") -> list[Sums]:
    """The sums of each channel, without values that may be clipped.

    Raises UndeterminedKernelError if fewer values are usable than a kernel needs.

    The values themselves show clipping only in a lossless file: in a JPEG, a value of 0 can become 3. With the fits of
    a `previous` iteration (one, or one for each channel), the values that these predict out of range are left out. For
    the response `abs` the prediction also gives each value its sign.
    """
    totals: list[Sums | None] = [None] * pair.channels
    for tile in draw_tiles(pair, size, MAX_MULTIPLY_ADDS / (4 if previous else 1)):
        inputs, outputs = pair.before[tile.inputs], pair.after[tile.outputs]
        opaque = pair.opaque[tile.outputs].ravel()
        for channel in range(pair.channels):
            patches = extract_patches(inputs[:, :, channel] - np.float32(MIDDLE), size)
            values = outputs[:, :, channel].ravel().astype(np.float64)
            usable = opaque & (values > 0) & (values < 255)
            if previous:
                expected = previous[channel % len(previous)].predict(patches)
                if response == "abs":
                    values = np.copysign(values, expected)
                    usable = opaque & (np.abs(values) > 0) & (np.abs(expected) < 255)
                else:
                    usable = opaque & (expected > 0) & (expected < 255)
            if not usable.any():
                continue
            sums = sum_up(patches if usable.all() else patches[usable], values[usable] - MIDDLE)
            total = totals[channel]
            totals[channel] = sums if total is None else total + sums
    for number, total in enumerate(totals):
        count = 0 if total is None else total.count
        if total is None or count < MIN_VALUES_PER_WEIGHT * (size**2 + 1):
            channel_name = "" if pair.channels == 1 else f" in channel {'rgb'[number]}"
            raise UndeterminedKernelError(
                f"Only {count} values of the image after{channel_name} are usable, and a kernel of {size}×{size} needs "
                f"{MIN_VALUES_PER_WEIGHT * (size**2 + 1)}. Values near the border, and values of 0 and 255, which may "
                "be clipped, are not used. Choose a smaller size, or send larger or less contrasty images."
            )
    return [total for total in totals if total is not None]


def sum_up(patches: Patches, values: NDArray[np.floating[Any]]) -> Sums:
    y = values.astype(np.float64)
    return Sums(len(y), patches.sum(axis=0), float(y.sum()), patches.T @ patches, patches.T @ y, float(y @ y))


def solve(sums: Sums, size: int) -> Fit:
    """The weights of least squares with a ridge. The ridge maximises the evidence for weights with a prior mean of 0.

    Source: MacKay 1992, Bayesian interpolation, equations 4.4 to 4.6.
    """
    count = sums.count
    mean_x, mean_y = sums.x / count, sums.y / count
    covariance = sums.xx - count * np.outer(mean_x, mean_x)
    eigenvalues, eigenvectors = np.linalg.eigh(covariance)
    eigenvalues = np.maximum(eigenvalues, 0)
    smallest = SMALLEST_RIDGE * float(eigenvalues[-1])
    projections = eigenvectors.T @ (sums.xy - sums.x * mean_y)
    ridge = max(1e-9 * float(eigenvalues.mean()), smallest)
    spread = sums.spread
    for _ in range(EVIDENCE_STEPS):
        coefficients = projections / (eigenvalues + ridge)
        misfit = spread - 2 * float(coefficients @ projections) + float(coefficients**2 @ eigenvalues)
        misfit = max(misfit, 1e-9 * count)
        determined = float((eigenvalues / (eigenvalues + ridge)).sum())
        length_squared = float(coefficients @ coefficients)
        if length_squared == 0:
            break
        better = max(determined / length_squared * misfit / max(count - determined, 1), smallest)
        has_converged = abs(better - ridge) < 1e-3 * ridge
        ridge = better
        if has_converged:
            break
    coefficients = projections / (eigenvalues + ridge)
    weights = (eigenvectors @ coefficients).reshape(size, size)
    bias = fit_bias(sums, weights)
    misfit = sums.measure_misfit(weights, bias)
    noise = misfit / max(count - determined, 1)
    errors = np.sqrt(noise * ((eigenvectors**2) @ (1 / (eigenvalues + ridge)))).reshape(size, size)
    mean_patch, explained = mean_x.reshape(size, size) + MIDDLE, 1 - misfit / max(spread, 1e-9)
    return Fit(weights, bias, ridge / count, errors, determined, misfit, count, mean_patch, explained)


def fit_bias(sums: Sums, weights: Weights) -> float:
    """The bias with the least squares for these weights."""
    mean_x, mean_y = sums.x / sums.count, sums.y / sums.count
    return mean_y - float(weights.ravel() @ mean_x) + MIDDLE * (1 - float(weights.sum()))


def adopt(sums: Sums, weights: Weights, error: float) -> Fit:
    """A fit with given weights, the standard error of which is `error`, and the bias that fits them best."""
    bias = fit_bias(sums, weights)
    misfit = sums.measure_misfit(weights, bias)
    errors = np.full_like(weights, error)
    mean_patch = (sums.x / sums.count).reshape(weights.shape) + MIDDLE
    explained = 1 - misfit / max(sums.spread, 1e-9)
    return Fit(weights, bias, 0.0, errors, float(weights.size), misfit, sums.count, mean_patch, explained)
