"""Learn the kernel that turns one image into another."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kernels.kernel import Weights
from kernels.learn.fractions import Fractions, find_fractions
from kernels.learn.least_squares import MIDDLE, Fit, LearnedResponse, Sums, adopt, gather_sums, solve
from kernels.learn.samples import Pair, check_pair, draw_tiles, make_pair, take_patches
from kernels.settings import MAX_LEARNT_SIDE

Shared = Literal["auto"] | bool
Values = NDArray[np.float64]
SHARED_EXCESS = 1.02
"""One kernel for all channels may leave this much more of the squares over than a kernel for each."""
ROUNDING = 0.5
"""Root mean square in grey levels: rounding to whole levels leaves 0.29 over."""
PROMISING = 0.5
"""Share of the squares that a first fit must explain to be worth repeating."""
REPEATS = 3
"""Of a fit, with what was found before deciding which values were cut off, or have which sign."""
GLARE = 8
"""Grey levels from either end: how far a lossy file may carry what was cut off."""
SETTLED = 1e-3
"""Change of the residual, relative, below which it is not repeated."""
WHOLE_BIAS = 0.02
"""Grey levels: how near to a whole number a bias is taken for one."""


@dataclass(frozen=True)
class Learned:
    """One fit for all channels, or one for each."""

    pair: Pair
    size: int
    fits: tuple[Fit, ...]
    shared: bool
    response: LearnedResponse = "clip"

    @property
    def residual(self) -> float:
        """Of the channel with the largest one."""
        return max(fit.residual for fit in self.fits)

    def reproduce(self) -> Iterator[tuple[int, Values, Values, NDArray[np.bool_]]]:
        """Tile by tile (channel, again, after, opaque): what the kernels give, cut off but not rounded, and the result.

        Arrays of (height, width), 0..255.
        """
        for tile in draw_tiles(self.pair, self.size):
            for channel in range(self.pair.channels):
                after = self.pair.after[tile.outputs][:, :, channel].astype(np.float64)
                patches = take_patches(self.pair.before[tile.inputs][:, :, channel] - np.float32(MIDDLE), self.size)
                again = self.fits[channel % len(self.fits)].predict(patches).reshape(after.shape)
                again = np.clip(np.abs(again) if self.response == "abs" else again, 0, 255)
                yield channel, again, after, self.pair.opaque[tile.outputs]

    def clean(self) -> tuple["Learned", tuple[Fractions | None, ...]]:
        """With fractions for weights where clean ones are near, and these; nothing is clean after a loss."""
        if self.residual > ROUNDING:
            return self, (None,) * len(self.fits)
        cleaned = [clean(fit) for fit in self.fits]
        fits = tuple(one[0] if one else fit for one, fit in zip(cleaned, self.fits, strict=True))
        return replace(self, fits=fits), tuple(one[1] if one else None for one in cleaned)


def learn_kernel(before: NDArray[Any], after: NDArray[Any], size: int, shared: Shared = "auto") -> Learned:
    """The kernel of size × size (1..31) and the bias that turn `before` into `after`, by least squares.

    before, after: (height, width, 1..4) uint8 or uint16, of one size. Raises PairError, UndeterminedKernelError.
    """
    return learn_from_pair(make_pair(before, after), size, shared)


def learn_from_pair(pair: Pair, size: int, shared: Shared = "auto") -> Learned:
    """As `learn_kernel`, of a pair that was made before. Identical images give the identity as it is."""
    if not 1 <= size <= MAX_LEARNT_SIDE:
        raise ValueError(f"size is {size}; it may be 1 to {MAX_LEARNT_SIDE}.")
    check_pair(pair, size)
    if pair.is_identical:
        return Learned(pair, size, (make_identity(pair, size),), True)
    learned = fit_channels(pair, size, gather_sums(pair, size), shared)
    if (
        learned.residual <= ROUNDING
        or min(fit.explained for fit in learned.fits) < PROMISING
        or not ((pair.after < GLARE) | (pair.after > 255 - GLARE)).any()
    ):
        return learned  # nothing was lost on the way, or there is nothing to mend, or nothing was cut off
    for _ in range(REPEATS):
        before, learned = learned, fit_channels(pair, size, gather_sums(pair, size, learned.fits), shared)
        if abs(learned.residual - before.residual) <= SETTLED * before.residual:
            break
    return learned


def fit_channels(pair: Pair, size: int, sums: Sequence[Sums], shared: Shared) -> Learned:
    """One kernel where it explains all channels as well as one for each does."""
    together = solve(reduce(add, sums), size)
    if shared is True or pair.channels == 1:
        return Learned(pair, size, (together,), True)
    single = tuple(solve(total, size) for total in sums)
    rounding = pair.step**2 / 12 * together.count
    fits_all = together.misfit <= SHARED_EXCESS * max(sum(fit.misfit for fit in single), rounding)
    if shared == "auto" and fits_all:
        return Learned(pair, size, (together,), True)
    return Learned(pair, size, single, False)


def adopt_kernels(pair: Pair, kernels: Sequence[Weights], error: float) -> Learned:
    """Kernels (size, size) that were found another way, one for all channels or one for each, with their biases."""
    size = len(kernels[0])
    sums = gather_sums(pair, size)
    sums = sums if len(kernels) == len(sums) else [reduce(add, sums)]
    fits = tuple(adopt(total, weights, error) for total, weights in zip(sums, kernels, strict=True))
    return Learned(pair, size, fits, len(kernels) == 1)


def make_identity(pair: Pair, size: int) -> Fit:
    weights = np.zeros((size, size))
    weights[(size - 1) // 2, (size - 1) // 2] = 1
    none = np.zeros_like(weights)
    return Fit(weights, 0.0, 0.0, none, float(size**2), 0.0, pair.after.size, none, 1.0)


def clean(fit: Fit) -> tuple[Fit, Fractions] | None:
    """The fit with weights that are fractions, and its bias; None where no clean ones are near.

    Near is six standard errors: rounding is not as independent of the image as noise would be.
    """
    tolerance = max(6 * float(fit.errors.max()), 3e-4 * float(np.abs(fit.weights).max()))
    fractions = find_fractions(fit.weights, tolerance)
    if fractions is None:
        return None
    bias = fit.bias + float(((fit.weights - fractions.weights) * fit.mean_patch).sum())
    if abs(bias - round(bias)) < WHOLE_BIAS:
        bias = float(round(bias))
    return replace(fit, weights=fractions.weights, bias=bias), fractions


def learn_absolute(pair: Pair, size: int, start: Fit) -> Learned:
    """The kernel whose absolute values the result has, from a kernel that is near it. Its sign is not
    determined: the largest weight is made positive."""
    learned = Learned(pair, size, (start,), True, "abs")
    for _ in range(2 * REPEATS):
        before, fit = learned, solve(reduce(add, gather_sums(pair, size, learned.fits, "abs")), size)
        learned = replace(learned, fits=(fit,))
        if abs(learned.residual - before.residual) <= SETTLED * learned.residual:
            break
    weights = learned.fits[0].weights.ravel()
    if weights[np.argmax(np.abs(weights))] > 0:
        return learned
    fit = learned.fits[0]
    return replace(learned, fits=(replace(fit, weights=-fit.weights, bias=-fit.bias),))
