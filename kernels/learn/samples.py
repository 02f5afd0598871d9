"""An image before and after an unknown filter, and the patches from which a kernel is learnt."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.colour import LUMA
from kernels.errors import PairError, UndeterminedKernelError
from kernels.types import Image, Mask, Patches, Planes

MAX_VALUES = 3_000_000
"""Values of the result that are used. A larger image is sampled by tiles, which bounds the time."""
MAX_MULTIPLY_ADDS = 1.5e10
"""For the sums of products: the larger the kernel, the fewer values are used."""
TILE_NUMBERS = 4_000_000
"""Numbers in the patches of one tile, 8 bytes each."""
MIN_VALUES_PER_WEIGHT = 4


@dataclass(frozen=True)
class Pair:
    """Two images of one size: (height, width, channels) float32, 0..255 for files of any depth; 1 or 3 channels."""

    before: Planes
    after: Planes
    opaque: Mask
    """(height, width): opaque in both images."""
    step: float
    """Difference between two adjacent values of the result: 1, or 1/257 for 16 bits."""
    white: int
    """The largest value of the image before: 255, or 65535 for 16 bits."""
    file_channels: tuple[int, int]
    """Colour channels of the images before and after, 1 or 3. Differs from `channels` if both were made grey."""
    notes: tuple[str, ...] = ()

    @property
    def channels(self) -> int:
        return int(self.before.shape[2])

    @property
    def usable(self) -> Mask:
        """(height, width, channels): opaque, and the result is neither 0 nor 255, which may be clipped."""
        return (self.after > 0) & (self.after < 255) & self.opaque[:, :, None]

    @property
    def is_identical(self) -> bool:
        return bool((self.before == self.after).all())


@dataclass(frozen=True)
class SampleTile:
    """A rectangle of the result (`outputs`) and the pixels of the image before that contribute to it (`inputs`)."""

    inputs: tuple[slice, slice]
    outputs: tuple[slice, slice]


def make_pair(before: Image, after: Image) -> Pair:
    """Images (height, width, 1..4) uint8 or uint16. Raises PairError if their sizes differ."""
    if before.shape[:2] != after.shape[:2]:
        (height, width), (result_height, result_width) = before.shape[:2], after.shape[:2]
        raise PairError(
            f"The images differ in size: before is {width}×{height}, after is {result_width}×{result_height}. A "
            "kernel is learnt pixel by pixel: send two images of the same size. Images that were resized, cropped or "
            "rotated, or filtered with border=valid or a stride, cannot be compared."
        )
    opaque = find_opaque(before) & find_opaque(after)
    notes = [] if opaque.all() else ["Only neighbourhoods without transparency were used."]
    colours, results = drop_alpha(before), drop_alpha(after)
    file_channels = (colours.shape[2], results.shape[2])
    if colours.shape[2] != results.shape[2]:
        notes.append("One image is grey and the other in colour: both were compared in grey (BT.601 luma).")
        colours, results = to_grey(colours), to_grey(results)
    if colours.shape[2] == 3 and is_grey(colours) and is_grey(results):
        colours, results = colours[:, :, :1], results[:, :, :1]
    step = 1 / 257 if after.dtype == np.uint16 else 1.0
    white = 65535 if before.dtype == np.uint16 else 255
    return Pair(colours, results, opaque, step, white, file_channels, tuple(notes))


def convert_pair_to_grey(pair: Pair) -> Pair:
    return replace(pair, before=to_grey(pair.before), after=to_grey(pair.after))


def find_opaque(image: Image) -> Mask:
    if image.shape[2] % 2:
        return np.ones(image.shape[:2], np.bool_)
    return np.asarray(image[:, :, -1] == np.iinfo(image.dtype).max)


def drop_alpha(image: Image) -> Planes:
    """The colours, 0..255."""
    colours = image[:, :, : image.shape[2] - 1 + image.shape[2] % 2].astype(np.float32)
    return colours / np.float32(257) if image.dtype == np.uint16 else colours


def to_grey(colours: Planes) -> Planes:
    return colours @ LUMA[:, None] if colours.shape[2] == 3 else colours


def is_grey(colours: Planes) -> bool:
    return bool((colours == colours[:, :, :1]).all())


def check_pair(pair: Pair, size: int) -> None:
    """Raise UndeterminedKernelError if many kernels of this size explain the pair.

    Two identical images of one uniform colour are rejected, too: the identity is one of many such kernels.
    """
    height, width = pair.before.shape[:2]
    if min(height, width) < size:
        raise UndeterminedKernelError(
            f"The images are {width}×{height} pixels, smaller than the kernel of {size}×{size}. "
            f"Choose a size up to {min(height, width)}, or send larger images."
        )
    for name, planes in (("before", pair.before), ("after", pair.after)):
        if np.ptp(planes, axis=(0, 1)).max() == 0:
            reason = (
                "every kernel of the same sum gives the same result."
                if name == "before"
                else "it contains no information about the image before."
            )
            raise UndeterminedKernelError(
                f"The image '{name}' is one uniform colour: {reason} Send an image with detail."
            )


def draw_tiles(pair: Pair, size: int, max_multiply_adds: float = MAX_MULTIPLY_ADDS) -> list[SampleTile]:
    """Tiles with every position of a kernel of this size; for a large image a random sample, always the same one."""
    height, width = (side - size + 1 for side in pair.before.shape[:2])
    side = max(int(np.sqrt(TILE_NUMBERS / (size**2 * pair.channels))), 16)
    corners = [(top, left) for top in range(0, height, side) for left in range(0, width, side)]
    wanted = min(MAX_VALUES, max_multiply_adds / size**4) / pair.channels
    anchor = (size - 1) // 2
    tiles, drawn = [], 0
    for index in np.random.default_rng(0).permutation(len(corners)):
        top, left = corners[index]
        rows, columns = min(side, height - top), min(side, width - left)
        tiles.append(
            SampleTile(
                (slice(top, top + rows + size - 1), slice(left, left + columns + size - 1)),
                (slice(top + anchor, top + anchor + rows), slice(left + anchor, left + anchor + columns)),
            )
        )
        drawn += rows * columns
        if drawn >= wanted:
            break
    return tiles


def extract_patches(plane: NDArray[Any], size: int) -> Patches:
    """The patches of a plane (height, width) that `tf.nn.conv2d` sums with padding VALID, in the order of its results.

    A strided view: `tf.image.extract_patches` takes ten times as long (15×15, one thread).
    """
    windows = np.lib.stride_tricks.sliding_window_view(plane.astype(np.float64), (size, size))
    return windows.reshape(-1, size**2)
