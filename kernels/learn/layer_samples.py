"""The pixels that layers are trained on, and those held out to measure the result.

The result is divided into square tiles. Tiles in every fourth diagonal, (row + column) mod 4 = 3, are held out: no
pixel of them takes part in the training.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from kernels.errors import UndeterminedKernelError
from kernels.learn.layers import Array, scale_values
from kernels.learn.samples import MIN_VALUES_PER_WEIGHT, Pair
from kernels.types import Mask

TILE_SIDE = 32
"""Pixels of the result on each side of a tile. Images below 128 pixels have smaller tiles."""
DIAGONALS = 4
TRAINING_PIXELS, HELD_OUT_PIXELS = 48 * TILE_SIDE**2, 32 * TILE_SIDE**2
"""Larger images are sampled by tiles."""
TRAINING_NUMBERS, HELD_OUT_NUMBERS = 250_000, 160_000
"""Values of the image before, which limits the state of a training to some megabytes."""


@dataclass(frozen=True)
class LayerSamples:
    """Tiles, with scaled values."""

    inputs: Array
    """(n, side + size - 1, side + size - 1, channels) of the image before."""
    targets: Array
    """(n, side, side, channels) of the image after."""
    usable: Mask
    """(n, side, side, 1): whether all pixels under the filter are opaque."""

    @property
    def size(self) -> int:
        return self.inputs.shape[1] - self.targets.shape[1] + 1

    @property
    def count(self) -> int:
        """Values of the image after."""
        return int(self.usable.sum()) * self.targets.shape[3]

    def split_channels(self) -> "LayerSamples":
        """The same values, each channel as tiles of its own."""
        inputs, targets = (
            np.moveaxis(array, 3, 1).reshape(-1, *array.shape[1:3], 1) for array in (self.inputs, self.targets)
        )
        return LayerSamples(inputs, targets, np.repeat(self.usable, self.targets.shape[3], axis=0))

    def draw_rows(self, most: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """At most this many patches (m, size · size · channels) and their targets (m, channels).

        A patch has the order of the filters of `Layers`: row, column, channel. The sample is always the same one.
        """
        places = np.flatnonzero(self.usable[..., 0])
        if len(places) > most:
            places = np.sort(np.random.default_rng(0).choice(places, most, replace=False))
        where = np.unravel_index(places, self.usable.shape[:3])
        windows = sliding_window_view(self.inputs, (self.size, self.size), axis=(1, 2))[where]  # (m, channels, y, x)
        patches = np.moveaxis(windows, 1, 3).reshape(len(places), -1)
        return patches.astype(np.float64), self.targets[where].astype(np.float64)


def measure_psnr(results: NDArray[np.floating[Any]], values: NDArray[np.floating[Any]], step: float) -> float:
    """The PSNR in dB, at most 100, of results in grey levels that are clipped and rounded to multiples of `step`."""
    errors = np.rint(np.clip(results, 0, 255) / step) * step - values
    rms = float(np.sqrt(np.mean(errors.astype(np.float64) ** 2)))
    return min(100.0, 20 * float(np.log10(255 / max(rms, 1e-9))))


def draw_samples(pair: Pair, size: int, parameter_count: int) -> tuple[LayerSamples, LayerSamples]:
    """The samples for training, and those held out. Raises UndeterminedKernelError if there are too few."""
    height, width = (length - size + 1 for length in pair.before.shape[:2])
    side = max(1, min(TILE_SIDE, height // DIAGONALS, width // DIAGONALS))
    rows, columns = height // side, width // side
    places = np.stack(np.divmod(np.arange(rows * columns), columns), axis=1)
    is_held_out = places.sum(axis=1) % DIAGONALS == DIAGONALS - 1
    numbers = (side + size - 1) ** 2 * pair.channels
    training, held_out = (
        cut_tiles(pair, size, side, choose(chosen, min(pixels // side**2, most_numbers // numbers)))
        for chosen, pixels, most_numbers in (
            (places[~is_held_out], TRAINING_PIXELS, TRAINING_NUMBERS),
            (places[is_held_out], HELD_OUT_PIXELS, HELD_OUT_NUMBERS),
        )
    )
    needed = MIN_VALUES_PER_WEIGHT * parameter_count
    if training.count < needed or not held_out.count:
        raise UndeterminedKernelError(
            f"Only {training.count} values of the image after are usable for training, and the layers have "
            f"{parameter_count} weights, which need {needed}. Values near the border and transparent pixels are not "
            "used, and some values are held out to measure the result. Choose a smaller size, fewer filters or larger "
            "images."
        )
    return training, held_out


def choose(places: NDArray[Any], most: int) -> NDArray[Any]:
    """At most this many of them, always the same ones."""
    if len(places) <= most:
        return places
    return places[np.sort(np.random.default_rng(0).permutation(len(places))[:most])]


def cut_tiles(pair: Pair, size: int, side: int, places: NDArray[Any]) -> LayerSamples:
    """The tiles in these rows and columns (n, 2) of tiles. Without places there are 0 tiles."""
    reach, anchor = side + size - 1, (size - 1) // 2
    inputs = np.empty((len(places), reach, reach, pair.channels), np.float32)
    targets = np.empty((len(places), side, side, pair.channels), np.float32)
    usable = np.empty((len(places), side, side, 1), np.bool_)
    for number, (top, left) in enumerate(places * side):
        window = np.s_[top : top + reach, left : left + reach]
        inputs[number] = scale_values(pair.before[window])
        below = np.s_[top + anchor : top + anchor + side, left + anchor : left + anchor + side]
        targets[number] = scale_values(pair.after[below])
        usable[number, ..., 0] = sliding_window_view(pair.opaque[window], (size, size)).all(axis=(2, 3))
    return LayerSamples(inputs, targets, usable)
