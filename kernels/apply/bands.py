"""The layout in which `tf.nn.conv2d` filters an image: horizontal bands of a plane, side by side.

A plane is cut into up to LANES bands of equal height. Row y of all bands is laid down together, pixel by pixel:
planes[y, x, band]. A neighbour in x or y is then a neighbour of the same lane, so that `tf.nn.conv2d` with one filter
for each lane (a depthwise convolution) uses all lanes of a processor's registers, for any number of channels and any
size of a kernel. Nothing is copied once for each column of the kernel, and no filter contains added zeros.

One block of rows is filtered at a time. Its results go to `store` in groups that fit the processor's cache.
"""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from kernels.apply.conv2d import LANES, allocate, count_halvings
from kernels.geometry import Axis
from kernels.padding import MAX_CHANNELS, Border, pad
from kernels.types import Image, Planes

BLOCK_BYTES = 6_000_000
"""float32 values of a block and of its results: few calls of `tf.nn.conv2d`, and a cache that cores share."""
GROUP_BYTES = 1_000_000
"""float32 values that pass through several operations one after the other: each call costs as much as 40 kB."""
STAGING_BYTES = 250_000
"""float32 values that are turned at once: half of a small second-level cache."""
MIN_BLOCK_ROWS = 16
HALVED_BLOCK_ROWS = 80
"""The rows above and below a block count in each half: high blocks save more than the cache."""
MAX_TILE = 2048
"""Columns of the image for the results of a block. It bounds the memory for an image of any shape."""
MAX_KEPT_BYTES = 8_000_000

Correlate = Callable[[Planes], list[Planes]]
"""Takes (images, rows, columns, LANES) and returns the sums of each part of a kernel, in the same layout."""


@dataclass(frozen=True)
class Group:
    """Results of some rows of all bands: each part is (rows, columns, LANES) float32, read-only."""

    parts: list[Planes]
    lanes: int
    """The bands that these rows of the image exist in."""
    columns: int
    """The columns that exist in the image."""

    def select(self, values: Planes) -> Planes:
        """The values that are pixels of the result, of an array in the layout of the parts."""
        return values[:, : self.columns, : self.lanes]


Store = Callable[[Group, Image], None]
"""Writes the pixels of a group to an array of (lanes, rows * columns)."""


@dataclass(frozen=True)
class Cut:
    """How a result is cut."""

    bands: int
    height: int
    """Rows of a band: a multiple of `block`."""
    block: int
    """Rows of a block."""
    width: int
    """Columns of all tiles: at least those of the result."""
    tile: int
    """Columns of a block."""

    @property
    def is_whole(self) -> bool:
        """Whether the result is a single block."""
        return self.height == self.block and self.width == self.tile


def cut_result(rows: Axis, columns: Axis) -> Cut:
    """Blocks of few different shapes, because oneDNN keeps 75 kB of code for each shape that it meets."""
    tiles = -(-columns.output * columns.stride // MAX_TILE)
    tile = round_up(-(-columns.output // tiles))
    tallest = BLOCK_BYTES // (4 * LANES * tile) - rows.footprint + 1
    halvings = count_halvings(rows.kernel) if rows.stride == rows.dilation == 1 and columns.kernel > 1 else 0
    tallest = max(HALVED_BLOCK_ROWS if halvings else MIN_BLOCK_ROWS, tallest // (rows.stride + 1))
    height = -(-rows.output // LANES)
    block = round_up(-(-height // -(-height // tallest)))
    block = 2**halvings * -(-block // 2**halvings)
    height = block * -(-height // block)
    return Cut(-(-rows.output // height), height, block, tiles * tile, tile)


def round_up(length: int) -> int:
    """Keep five bits of a length, which adds at most a sixteenth."""
    unit = 2 ** max(0, length.bit_length() - 5)
    return unit * -(-length // unit)


def filter_in_bands(
    image: Image, rows: Axis, columns: Axis, border: Border, correlate: Correlate, store: Store, dtype: Any
) -> Image:
    """Pad an image (height, width, channels) of any dtype, correlate each channel and store the results.

    Returns (rows.output, columns.output, channels) of `dtype`.
    """
    channels = image.shape[2]
    if channels > MAX_CHANNELS:
        groups = [
            np.ascontiguousarray(image[:, :, first : first + MAX_CHANNELS])
            for first in range(0, channels, MAX_CHANNELS)
        ]
        results = [filter_in_bands(group, rows, columns, border, correlate, store, dtype) for group in groups]
        return np.concatenate(results, axis=2)
    cut = cut_result(rows, columns)
    padded = pad_for(cut, image, rows, columns, border)
    shape = (reach(cut.block, rows), reach(cut.tile, columns), LANES)
    # A call of `tf.nn.conv2d` costs as much as a small plane.
    together = channels if cut.is_whole and 4 * channels * math.prod(shape) <= BLOCK_BYTES else 1
    planes = keep("planes", np.float32, together, *shape)
    result = np.empty((cut.bands, cut.height, columns.output, channels), dtype)
    for left in range(0, cut.width, cut.tile):
        for top in range(0, cut.height, cut.block):
            source = padded[top * rows.stride :, left * columns.stride :]
            bands = split_channels(source, cut, rows.stride, planes.shape)
            target = result[:, top : top + cut.block, left : left + cut.tile]
            targets = keep("results", dtype, channels, cut.bands, cut.block, cut.tile)
            rows_left = rows.output - (cut.bands - 1) * cut.height - top
            for first in range(0, channels, together):
                for index in range(together):
                    interleave(bands[first + index], planes[index])
                sums = correlate(planes)
                for index in range(together):
                    parts = [part[index] for part in sums]
                    store_block(parts, targets[first + index], rows_left, columns.output - left, store)
            merge_channels(targets, target)
    return result.reshape(-1, columns.output, channels)[: rows.output]


_memory = threading.local()


def keep(name: str, dtype: Any, *shape: int) -> NDArray[Any]:
    """Memory that the next block and the next image use again: the system clears every page that it hands out.

    Large memory, for large kernels and float32, is not kept.
    """
    size = math.prod(shape)
    size_bytes = size * np.dtype(dtype).itemsize
    memory: Planes | None = getattr(_memory, name, None)
    if memory is None or memory.nbytes < size_bytes:
        memory = allocate(-(-size_bytes // 4))
        if size_bytes <= MAX_KEPT_BYTES:
            setattr(_memory, name, memory)
    return memory.view(dtype)[:size].reshape(shape)


def reach(results: int, axis: Axis) -> int:
    """The pixels under a number of neighbouring results."""
    return (results - 1) * axis.stride + axis.footprint


def pad_for(cut: Cut, image: Image, rows: Axis, columns: Axis, border: Border) -> Image:
    """Add the border, and as many rows and columns as the last band and the last tile read more."""
    more_rows, more_columns = (
        max(0, reach(results, axis) - axis.padding_before - axis.input - axis.padding_after)
        for results, axis in ((cut.bands * cut.height, rows), (cut.width, columns))
    )
    return pad(
        image,
        (rows.padding_before, rows.padding_after + more_rows),
        (columns.padding_before, columns.padding_after + more_columns),
        "zero" if border == "valid" else border,
    )


def view_bands(source: Image, cut: Cut, stride: int, shape: tuple[int, ...]) -> Image:
    """The rows of a block in all bands: (bands, rows, columns, channels). Neighbouring bands overlap by the kernel."""
    return as_strided(
        source,
        (cut.bands, *shape[1:3], source.shape[2]),
        (cut.height * stride * source.strides[0], *source.strides),
        writeable=False,
    )


def split_channels(source: Image, cut: Cut, stride: int, shape: tuple[int, ...]) -> list[NDArray[Any]]:
    """The bands (bands, rows, columns) of each channel. They need not be in memory without gaps."""
    import cv2

    if cut.is_whole and source.shape[2] > 1:  # one call for all bands
        return [
            view_bands(plane[:, :, None], cut, stride, shape)[..., 0] for plane in map(np.asarray, cv2.split(source))
        ]
    bands = view_bands(source, cut, stride, shape)
    if bands.shape[3] == 1:
        return [bands[..., 0]]
    planes = keep("channels", bands.dtype, bands.shape[3], *bands.shape[:3])
    for index, band in enumerate(bands):
        cv2.split(band, list(planes[:, index]))
    return list(planes)


def merge_channels(planes: NDArray[Any], target: Image) -> None:
    """Write (channels, bands, rows, columns) to (bands, rows, columns, channels), which may have fewer columns."""
    import cv2

    if target.flags.c_contiguous:  # one call for all bands
        planes, target = planes.reshape(len(planes), 1, -1, planes.shape[3]), target.reshape(1, -1, *target.shape[2:])
    planes = planes[..., : target.shape[2]]
    if len(planes) == 1:
        np.copyto(target[..., 0], planes[0])
        return
    for index, band in enumerate(target):
        cv2.merge(list(planes[:, index]), dst=band)


def interleave(bands: NDArray[Any], planes: Planes) -> None:
    """Write (bands, rows, columns) of any dtype to (rows, columns, LANES) float32. Other lanes repeat the last band."""
    import cv2

    count, rows, columns = bands.shape
    step = max(1, STAGING_BYTES // (4 * LANES * columns))
    for top in range(0, rows, step):
        part = bands[:, top : top + step]
        staging = keep("staging", np.float32, LANES, *part.shape[1:])
        np.copyto(staging[:count], part)
        staging[count:] = staging[count - 1]
        cv2.transpose(staging.reshape(LANES, -1), dst=planes[top : top + step].reshape(-1, LANES))


def store_block(parts: list[Planes], target: NDArray[Any], rows_left: int, columns_left: int, store: Store) -> None:
    """Store the results of a block (rows, columns, LANES) in `target` (bands, rows, columns).

    The last band ends after `rows_left` rows, the image after `columns_left` columns.
    """
    bands, rows, columns = target.shape
    step = max(1, GROUP_BYTES // (4 * LANES * columns))
    top = 0
    while top < rows:
        lanes = bands if top < rows_left else bands - 1
        if lanes == 0:
            break
        bottom = min(top + step, rows_left if top < rows_left else rows, rows)
        group = Group([part[top:bottom] for part in parts], lanes, columns_left)
        store(group, target[:lanes, top:bottom].reshape(lanes, -1))
        top = bottom


def turn_back(values: NDArray[Any], target: NDArray[Any]) -> None:
    """Write (rows, columns, LANES) to (lanes, rows * columns) of the same dtype."""
    import cv2

    cv2.transpose(values.reshape(-1, LANES)[:, : len(target)], dst=target)
