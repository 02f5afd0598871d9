"""1-D correlation of whole rows or columns with a long line of weights, by `tf.nn.conv2d`.

A row is cut into blocks of BLOCK neighbouring pixels, which are the channels of a pixel of the convolution: result i of
block j is the sum over m and c of filters[m, c, i] times pixel c of block j + m. With filters[m, c, i] =
line[BLOCK m + c - i] this is the correlation, and TensorFlow runs it as a product of matrices. It needs
length + BLOCK multiplications for a result. Rows are batched beside each other, so that one call filters many.
"""

from functools import lru_cache
from typing import Any

import numpy as np

from kernels.apply.conv2d import allocate, run_conv2d
from kernels.geometry import Axis
from kernels.padding import Border, pad
from kernels.quiet_tensorflow import import_tensorflow
from kernels.types import Planes, Vector

BLOCK = 48
"""Neighbouring pixels that are channels: a length of 1201 takes half of the time that it takes with 16."""
BATCH_BYTES = 2_000_000
"""float32 values of the lines of one call."""

Y, X = 0, 1


def correlate_lines(plane: Planes, line: Vector, axis: Axis, along: int, border: Border) -> Planes:
    """Pad a plane (height, width) and correlate it with a line of weights, as written, along Y or X.

    Returns float32 of `axis.output` values along this direction.
    """
    dilated = np.zeros(axis.footprint)
    dilated[:: axis.dilation] = line
    filters = recall_line_filters(dilated.tobytes(), axis.stride)
    blocks = -(-axis.output // BLOCK)
    read_blocks = (blocks - 1) * axis.stride + len(filters)
    lines = plane.shape[1 - along]
    together = min(lines, max(1, BATCH_BYTES // (4 * BLOCK * read_blocks)))
    shape = (axis.output, lines) if along == Y else (lines, axis.output)
    result = np.empty(shape, np.float32)
    planes = allocate(1, read_blocks, together, BLOCK)
    for start in range(0, lines, together):
        start = min(start, lines - together)  # the last batch has the shape of the others
        batch = (slice(None), slice(start, start + together))[:: 1 if along == Y else -1]
        write_blocks(plane[batch], planes[0], axis, along, border)
        read_back(run_conv2d(planes, filters, (axis.stride, 1), (1, 1))[0], result[batch], along)
    return result


def write_blocks(plane: Planes, blocks: Planes, axis: Axis, along: int, border: Border) -> None:
    """Pad a plane along one direction, and write it as (blocks, lines, BLOCK). What no result needs is 0."""
    needed = blocks.shape[0] * blocks.shape[2]
    before = axis.padding_before
    after = max(0, min(axis.padding_after, needed - before - axis.input))
    rows, columns = ((before, after), (0, 0)) if along == Y else ((0, 0), (before, after))
    padded = pad(plane[:, :, None], rows, columns, "zero" if border == "valid" else border)[:, :, 0]
    padded = padded[:needed] if along == Y else padded[:, :needed]
    missing = needed - padded.shape[along]
    if missing:
        padded = np.pad(padded, ((0, missing), (0, 0)) if along == Y else ((0, 0), (0, missing)))
    if along == Y:
        np.copyto(blocks, padded.reshape(blocks.shape[0], blocks.shape[2], -1).transpose(0, 2, 1))
    else:
        np.copyto(blocks, padded.reshape(-1, blocks.shape[0], blocks.shape[2]).transpose(1, 0, 2))


def read_back(blocks: Planes, result: Planes, along: int) -> None:
    """The inverse of `write_blocks`, for as many values as `result` has."""
    lines = blocks.shape[1]
    if along == Y:
        np.copyto(result, blocks.transpose(0, 2, 1).reshape(-1, lines)[: result.shape[0]])
    else:
        np.copyto(result, blocks.transpose(1, 0, 2).reshape(lines, -1)[:, : result.shape[1]])


@lru_cache(maxsize=16)
def recall_line_filters(content: bytes, stride: int) -> Any:
    """A tensor [blocks, 1, BLOCK, BLOCK] of a float64 line. Cached: an image needs it for every channel and frame.

    Result i of a block is `stride` pixels after result i - 1.
    """
    line = np.frombuffer(content)
    count = -(-(len(line) + stride * (BLOCK - 1)) // BLOCK)
    block, pixel, result = np.ogrid[:count, :BLOCK, :BLOCK]
    index = BLOCK * block + pixel - stride * result
    weights = np.where((index >= 0) & (index < len(line)), line[np.clip(index, 0, len(line) - 1)], 0)
    return import_tensorflow().constant(weights[:, None].astype(np.float32))
