"""Learns the kernel that turns one image into another, by least squares."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Literal, NamedTuple

import numpy as np

from kernels.kernel import center_weights
from kernels.learn.fractions import Fractions, find_fractions
from kernels.learn.least_squares import MIDDLE, Fit, LearnedResponse, Sums, adopt, gather_sums, solve
from kernels.learn.samples import Pair, check_pair, draw_tiles, extract_patches, make_pair
from kernels.settings import MAX_LEARNT_SIDE
from kernels.types import Image, Mask, Matrix, Weights

Shared = Literal["auto"] | bool
"""Whether one kernel serves all channels. `auto`: if it explains them as well as a kernel for each channel does."""

SHARED_EXCESS = 1.02
"""The squared residuals of a shared kernel, relative to those of a kernel for each channel, may be this large."""
ROUNDING = 0.5
"""Root mean square in grey levels. Rounding to whole levels causes 0.29."""
PROMISING = 0.5
"""Share of the variance that the first fit must explain for further iterations."""
MAX_ITERATIONS = 3
"""Further fits, in which the previous fit decides which values are clipped, or their signs."""
CLIPPING_MARGIN = 8
"""Grey levels: a lossy file changes clipped values by up to this much."""
CONVERGED = 1e-3
"""Relative change of the residual below which the iteration ends."""
BIAS_TOLERANCE = 0.02
"""Levels of the image before: a bias this close to an integer is rounded."""


class ReproducedTile(NamedTuple):
    """A tile of one channel. All arrays are (height, width)."""

    channel: int
    reproduced: Matrix
    """The result of the kernel, clipped to 0..255 but not rounded."""
    after: Matrix
    """The same tile of the image after, 0..255."""
    opaque: Mask


@dataclass(frozen=True)
class Learned:
    """One fit for all channels, or one for each channel."""

    pair: Pair
    size: int
    fits: tuple[Fit, ...]
    shared: bool
    response: LearnedResponse = "clip"

    @property
    def residual(self) -> float:
        """The largest residual of a fit, in grey levels."""
        return max(fit.residual for fit in self.fits)

    def reproduce(self) -> Iterator[ReproducedTile]:
        """Apply the kernels to the image before, tile by tile."""
        for tile in draw_tiles(self.pair, self.size):
            for channel in range(self.pair.channels):
                after = self.pair.after[tile.outputs][:, :, channel].astype(np.float64)
                patches = extract_patches(self.pair.before[tile.inputs][:, :, channel] - np.float32(MIDDLE), self.size)
                values = self.fits[channel % len(self.fits)].predict(patches).reshape(after.shape)
                values = np.clip(np.abs(values) if self.response == "abs" else values, 0, 255)
                yield ReproducedTile(channel, values, after, self.pair.opaque[tile.outputs])

    def clean(self) -> tuple["Learned", tuple[Fractions | None, ...]]:
        """Replace weights by the fractions near them, and return these. A fit with a loss is not changed."""
        if self.residual > ROUNDING:
            return self, (None,) * len(self.fits)
        cleaned = [clean_fit(fit, 255 / self.pair.white) for fit in self.fits]
        return replace(self, fits=tuple(fit for fit, _ in cleaned)), tuple(fractions for _, fractions in cleaned)


def learn_kernel(before: Image, after: Image, size: int, shared: Shared = "auto") -> Learned:
    """The kernel of size × size (1..31) and the bias that turn `before` into `after`.

    before, after: (height, width, 1..4) uint8 or uint16, of one size. Raises PairError, UndeterminedKernelError.
    """
    return learn_from_pair(make_pair(before, after), size, shared)


def learn_from_pair(pair: Pair, size: int, shared: Shared = "auto") -> Learned:
    """As `learn_kernel`. Identical images give exactly the identity. Raises UndeterminedKernelError."""
    if not 1 <= size <= MAX_LEARNT_SIDE:
        raise ValueError(f"size is {size}; it may be 1 to {MAX_LEARNT_SIDE}.")
    check_pair(pair, size)
    if pair.is_identical:
        return Learned(pair, size, (fit_identity(pair, size),), True)
    learned = fit_channels(pair, size, gather_sums(pair, size), shared)
    is_lossless = learned.residual <= ROUNDING
    is_poor = min(fit.explained for fit in learned.fits) < PROMISING
    may_be_clipped = ((pair.after < CLIPPING_MARGIN) | (pair.after > 255 - CLIPPING_MARGIN)).any()
    if is_lossless or is_poor or not may_be_clipped:
        return learned
    for _ in range(MAX_ITERATIONS):
        previous, learned = learned, fit_channels(pair, size, gather_sums(pair, size, learned.fits), shared)
        if abs(learned.residual - previous.residual) <= CONVERGED * previous.residual:
            break
    return learned


def fit_channels(pair: Pair, size: int, sums: Sequence[Sums], shared: Shared) -> Learned:
    """Fit one kernel, or one for each channel."""
    together = solve(reduce(add, sums), size)
    if shared is True or pair.channels == 1:
        return Learned(pair, size, (together,), True)
    separate = tuple(solve(total, size) for total in sums)
    rounding = pair.step**2 / 12 * together.count
    fits_all = together.misfit <= SHARED_EXCESS * max(sum(fit.misfit for fit in separate), rounding)
    if shared == "auto" and fits_all:
        return Learned(pair, size, (together,), True)
    return Learned(pair, size, separate, False)


def adopt_kernels(pair: Pair, kernels: Sequence[Weights], error: float) -> Learned:
    """Fits with given kernels (size, size), one or one for each channel. `error`: standard error of their weights."""
    size = len(kernels[0])
    sums = gather_sums(pair, size)
    sums = sums if len(kernels) == len(sums) else [reduce(add, sums)]
    fits = tuple(adopt(total, weights, error) for total, weights in zip(sums, kernels, strict=True))
    return Learned(pair, size, fits, len(kernels) == 1)


def fit_identity(pair: Pair, size: int) -> Fit:
    """The fit of two identical images."""
    weights = center_weights(np.ones((1, 1)), size)
    zeros = np.zeros_like(weights)
    return Fit(weights, 0.0, 0.0, zeros, float(size**2), 0.0, pair.after.size, zeros, 1.0)


def clean_fit(fit: Fit, level: float) -> tuple[Fit, Fractions | None]:
    """Replace the weights by fractions within six standard errors, and adapt the bias.

    Six, because rounding errors depend on the image, unlike noise. Without such fractions the fit is not changed.
    `level` is a level of the image before, in units of 255 for white.
    """
    tolerance = max(6 * float(fit.errors.max()), 3e-4 * float(np.abs(fit.weights).max()))
    fractions = find_fractions(fit.weights, tolerance)
    if fractions is None:
        return fit, None
    bias = fit.bias + float(((fit.weights - fractions.weights) * fit.mean_patch).sum())
    levels = bias / level
    if abs(levels - round(levels)) < BIAS_TOLERANCE:
        bias = round(levels) * level
    return replace(fit, weights=fractions.weights, bias=bias), fractions


def learn_absolute(pair: Pair, size: int, start: Fit) -> Learned:
    """The kernel of which the result has the absolute values, by iteration from an approximate kernel.

    Its sign is undetermined: the largest weight becomes positive.
    """
    learned = Learned(pair, size, (start,), True, "abs")
    for _ in range(2 * MAX_ITERATIONS):
        previous, fit = learned, solve(reduce(add, gather_sums(pair, size, learned.fits, "abs")), size)
        learned = replace(learned, fits=(fit,))
        if abs(learned.residual - previous.residual) <= CONVERGED * learned.residual:
            break
    fit = learned.fits[0]
    weights = fit.weights.ravel()
    if weights[np.argmax(np.abs(weights))] > 0:
        return learned
    return replace(learned, fits=(replace(fit, weights=-fit.weights, bias=-fit.bias),))
