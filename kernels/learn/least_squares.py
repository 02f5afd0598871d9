"""Least squares over patches: which weights and bias turn the one image into the other.

With the patches x of the image before and the values y after, the sums of x, y, xxᵀ, xy and yy over all places are
enough; they are gathered tile by tile in float64, where products of 8-bit values are exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kernels.errors import UndeterminedKernelError
from kernels.kernel import Weights
from kernels.learn.samples import MAX_MULTIPLY_ADDS, MIN_VALUES_PER_WEIGHT, Pair, Rows, draw_tiles, take_patches

MIDDLE = 128.0
"""Taken off all values, so that no digits are lost to sums of large squares."""
SMALLEST_RIDGE = 1e-13
"""Of the largest eigenvalue: what float64 leaves of a direction without any variance."""
EVIDENCE_STEPS = 30

Vector = NDArray[np.float64]
LearnedResponse = Literal["clip", "abs"]


@dataclass(frozen=True)
class Sums:
    """Over the places looked at, of values less MIDDLE; an addition joins channels."""

    count: int
    x: Vector
    y: float
    xx: NDArray[np.float64]
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
        """Sum of the squared residuals of a kernel, in grey levels²."""
        w = weights.ravel()
        shift = bias + MIDDLE * (w.sum() - 1)  # the bias between values less MIDDLE
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
        """Sum of the squared differences of y from its mean."""
        return self.yy - self.y**2 / self.count


@dataclass(frozen=True)
class Fit:
    """A kernel of shape (size, size) and a bias in grey levels, found by least squares."""

    weights: Weights
    bias: float
    ridge: float
    """Added to the variance of every pixel of a patch, in grey levels²."""
    errors: Weights
    """Standard error of each weight."""
    determined: float
    """How many of the weights the images determine; the ridge alone decides about the rest."""
    misfit: float
    """Sum of the squared residuals, in grey levels²."""
    count: int
    """Values it was found from."""
    mean_patch: Weights
    """Of the image before, where it was found."""
    explained: float
    """Share of the squared differences of the values from their mean, up to 1."""

    def predict(self, patches: Rows) -> Vector:
        """The values that the kernel gives for patches (n, size²) of values less MIDDLE."""
        return patches @ self.weights.ravel() + (self.bias + MIDDLE * float(self.weights.sum()))

    @property
    def residual(self) -> float:
        """Root mean square of what is left over, in grey levels."""
        return float(np.sqrt(self.misfit / self.count))


def gather_sums(pair: Pair, size: int, believed: Sequence[Fit] = (), response: LearnedResponse = "clip") -> list[Sums]:
    """One for each channel. Raises UndeterminedKernelError where fewer values are usable than a kernel needs.

    Left out are values that may have been cut off. Which those are the values themselves tell only if nothing was lost
    on the way: in a JPEG what was 0 may be 3. So with `believed`, kernels found before (one, or one for each channel),
    those are left out that by them lie out of range; and with the response `abs` they give each value its sign.
    """
    totals: list[Sums | None] = [None] * pair.channels
    for tile in draw_tiles(pair, size, MAX_MULTIPLY_ADDS / (4 if believed else 1)):
        inputs, outputs = pair.before[tile.inputs], pair.after[tile.outputs]
        opaque = pair.opaque[tile.outputs].ravel()
        for channel in range(pair.channels):
            patches = take_patches(inputs[:, :, channel] - np.float32(MIDDLE), size)
            values = outputs[:, :, channel].ravel().astype(np.float64)
            chosen = opaque & (values > 0) & (values < 255)
            if believed:
                expected = believed[channel % len(believed)].predict(patches)
                if response == "abs":
                    values = np.copysign(values, expected)
                    chosen = opaque & (np.abs(values) > 0) & (np.abs(expected) < 255)
                else:
                    chosen = opaque & (expected > 0) & (expected < 255)
            if not chosen.any():
                continue
            sums = sum_up(patches if chosen.all() else patches[chosen], values[chosen] - MIDDLE)
            before = totals[channel]
            totals[channel] = sums if before is None else before + sums
    for number, total in enumerate(totals):
        count = 0 if total is None else total.count
        if total is None or count < MIN_VALUES_PER_WEIGHT * (size**2 + 1):
            where = "" if pair.channels == 1 else f" in channel {'rgb'[number]}"
            raise UndeterminedKernelError(
                f"Only {count} values of the image after{where} are of use, and a kernel of {size}×{size} needs "
                f"{MIN_VALUES_PER_WEIGHT * (size**2 + 1)}: the border band and values of 0 and 255, which may have "
                "been cut off, are left out. Choose a smaller size, or send larger images or less glaring ones."
            )
    return [total for total in totals if total is not None]


def sum_up(patches: NDArray[np.float64], values: NDArray[np.floating]) -> Sums:
    y = values.astype(np.float64)
    return Sums(len(y), patches.sum(axis=0), float(y.sum()), patches.T @ patches, patches.T @ y, float(y @ y))


def solve(sums: Sums, size: int) -> Fit:
    """The weights of least squares. The ridge is the one under which the values are most probable, for weights drawn
    about 0. Source: MacKay 1992, Bayesian interpolation, equations 4.4 to 4.6."""
    count = sums.count
    mean_x, mean_y = sums.x / count, sums.y / count
    covariance = sums.xx - count * np.outer(mean_x, mean_x)
    values, vectors = np.linalg.eigh(covariance)
    values = np.maximum(values, 0)
    smallest = SMALLEST_RIDGE * float(values[-1])
    aims = vectors.T @ (sums.xy - sums.x * mean_y)
    ridge = max(1e-9 * float(values.mean()), smallest)
    spread = sums.spread
    for _ in range(EVIDENCE_STEPS):
        along = aims / (values + ridge)
        misfit = max(spread - 2 * float(along @ aims) + float(along**2 @ values), 1e-9 * count)
        determined = float((values / (values + ridge)).sum())
        size_squared = float(along @ along)
        if size_squared == 0:
            break
        better = max(determined / size_squared * misfit / max(count - determined, 1), smallest)
        done = abs(better - ridge) < 1e-3 * ridge
        ridge = better
        if done:
            break
    along = aims / (values + ridge)
    weights = (vectors @ along).reshape(size, size)
    bias = mean_y - float(weights.ravel() @ mean_x) + MIDDLE * (1 - float(weights.sum()))
    misfit = sums.measure_misfit(weights, bias)
    noise = misfit / max(count - determined, 1)
    errors = np.sqrt(noise * ((vectors**2) @ (1 / (values + ridge)))).reshape(size, size)
    mean_patch, explained = mean_x.reshape(size, size) + MIDDLE, 1 - misfit / max(spread, 1e-9)
    return Fit(weights, bias, ridge / count, errors, determined, misfit, count, mean_patch, explained)


def adopt(sums: Sums, weights: Weights, error: float) -> Fit:
    """A kernel that was found another way, with the bias that fits it best; `error` is that of its weights."""
    mean_x, mean_y = sums.x / sums.count, sums.y / sums.count
    bias = mean_y - float(weights.ravel() @ mean_x) + MIDDLE * (1 - float(weights.sum()))
    misfit = sums.measure_misfit(weights, bias)
    errors = np.full_like(weights, error)
    mean_patch, explained = mean_x.reshape(weights.shape) + MIDDLE, 1 - misfit / max(sums.spread, 1e-9)
    return Fit(weights, bias, 0.0, errors, float(weights.size), misfit, sums.count, mean_patch, explained)
