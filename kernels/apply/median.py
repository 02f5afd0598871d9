"""The median of the pixels under a kernel. It is not a weighted sum: no convolution gives it."""

import numpy as np
from numpy.typing import NDArray

from kernels.geometry import Axis
from kernels.padding import Border, pad
from kernels.types import Image, Mask, Planes

STRIP_BYTES = 8_000_000
"""Values under the kernel for the results that are found together."""
OPENCV_SIDES = (3, 5)
"""For which OpenCV finds the median of float32."""


def find_medians(planes: Planes, rows: Axis, columns: Axis, border: Border) -> Planes:
    """Pad (height, width, channels) and find the median of each channel. Every pixel under the kernel counts once.

    Returns (rows.output, columns.output, channels) float32.
    """
    padded = pad_plane(planes, rows, columns, border)
    side = rows.kernel
    reach = side // 2
    kept = np.s_[
        reach : reach + (rows.output - 1) * rows.stride + 1 : rows.stride,
        reach : reach + (columns.output - 1) * columns.stride + 1 : columns.stride,
    ]
    if rows.dilation == columns.dilation == 1:
        if side in OPENCV_SIDES:
            return np.ascontiguousarray(blur_channels(padded, side)[kept])
        if padded.min() >= 0 and padded.max() <= 255 and np.array_equal(levels := padded.astype(np.uint8), padded):
            return blur_channels(levels, side)[kept].astype(np.float32)
    return select(padded, None, rows, columns)


def blur_channels(padded: Image, side: int) -> Image:
    """OpenCV's median of each channel. Near the edges, its own border shows."""
    import cv2

    return np.dstack(
        [cv2.medianBlur(np.ascontiguousarray(padded[:, :, index]), side) for index in range(padded.shape[2])]
    )


def find_visible_medians(planes: Planes, visible: Mask, rows: Axis, columns: Axis, border: Border) -> Planes:
    """As `find_medians`, of the visible pixels only; of an even number, the lower of the middle two. 0 if none is.

    visible: (height, width).
    """
    padded = pad_plane(planes, rows, columns, border)
    seen = pad_plane(visible[:, :, None].astype(np.float32), rows, columns, border)
    return select(padded, seen[:, :, 0] > 0, rows, columns)


def pad_plane(planes: Planes, rows: Axis, columns: Axis, border: Border) -> Planes:
    margins = (rows.padding_before, rows.padding_after), (columns.padding_before, columns.padding_after)
    return pad(planes, *margins, border)


def select(padded: Planes, visible: Mask | None, rows: Axis, columns: Axis) -> Planes:
    """Find the medians of padded planes by partial sorting. `visible`: the pixels that count; None for all."""
    result = np.empty((rows.output, columns.output, padded.shape[2]), np.float32)
    count = rows.kernel * columns.kernel
    height = max(1, STRIP_BYTES // (4 * count * columns.output * padded.shape[2]))
    for top in range(0, rows.output, height):
        bottom = min(top + height, rows.output)
        values = gather(padded, rows, columns, top, bottom)
        if visible is None:
            result[top:bottom] = np.partition(values, count // 2, axis=0)[count // 2]
            continue
        seen = gather(visible[:, :, None], rows, columns, top, bottom)
        values[~np.broadcast_to(seen, values.shape)] = np.inf  # to the end
        values.sort(axis=0)
        middle = np.maximum((seen.sum(axis=0) - 1) // 2, 0)
        found = np.take_along_axis(values, np.broadcast_to(middle, result[top:bottom].shape)[None], axis=0)[0]
        result[top:bottom] = np.where(seen.any(axis=0), found, 0)
    return result


def gather(padded: NDArray[np.generic], rows: Axis, columns: Axis, top: int, bottom: int) -> NDArray[np.generic]:
    """(rows * columns of the kernel, bottom - top, columns.output, channels): the pixels under each result."""
    views = []
    for y in range(rows.kernel):
        first = top * rows.stride + y * rows.dilation
        lines = padded[first : first + (bottom - top - 1) * rows.stride + 1 : rows.stride]
        for x in range(columns.kernel):
            left = x * columns.dilation
            views.append(lines[:, left : left + (columns.output - 1) * columns.stride + 1 : columns.stride])
    return np.stack(views)
