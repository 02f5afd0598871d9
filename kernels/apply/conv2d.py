"""Convolution of planes by `tf.nn.conv2d`. No other module of `kernels.apply` imports TensorFlow.

The planes are in the layout of `kernels.apply.bands`: (images, rows, columns, LANES).
"""

import contextlib
import math
from functools import lru_cache
from typing import Any, cast

import numpy as np

from kernels.quiet_tensorflow import import_tensorflow
from kernels.types import Planes, Weights

LANES = 16
"""Planes that are filtered together: float32 numbers in the widest registers of a processor (AVX-512)."""
ALIGNMENT_BYTES = 64
MIN_HALVED_ROWS = 16
"""Rows of a kernel from which three convolutions with half of the rows cost less than one."""


def correlate_lanes(
    planes: Planes, weights: Weights, stride: tuple[int, int] = (1, 1), dilation: tuple[int, int] = (1, 1)
) -> Planes:
    """Correlate each lane with `weights` as written (not flipped), without padding (VALID).

    planes: (images, rows, columns, LANES) float32. weights: (rows, columns). stride, dilation: (y, x).
    Returns (images, output rows, output columns, LANES) float32, read-only.
    """
    if stride[0] == dilation[0] == 1 and count_halvings(len(weights)) and weights.shape[1] > 1:
        return convolve_by_halves(planes, weights.astype(np.float32), stride, dilation)
    return run_conv2d(planes, recall_filters(weights.tobytes(), weights.shape, planes.shape[3]), stride, dilation)


def convolve_by_halves(planes: Planes, weights: Planes, stride: tuple[int, int], dilation: tuple[int, int]) -> Planes:
    """Split image rows and kernel rows into even and odd ones: three convolutions of a quarter of the work, not four.

    The halves are split again while the kernels are high enough. With x, y, h for the even and X, Y, H for the odd
    rows of image, result and kernel, and x' for x shifted by one row:
    y = h⋆x + H⋆X = h⋆(x - X) + (h + H)⋆X, and Y = h⋆X + H⋆x' = (h + H)⋆X + H⋆(x' - X). Source: Mou, Duhamel,
    "Short-length FIR filters and their use in fast nonrecursive filtering", IEEE Trans. Signal Processing 39 (1991).
    """
    rows = len(weights)
    if rows < MIN_HALVED_ROWS:
        filters = recall_filters(weights.astype(np.float64).tobytes(), weights.shape, planes.shape[3])
        return run_conv2d(planes, filters, stride, dilation)
    height = planes.shape[1] - rows + 1
    if height % 2:  # the result of the added row is dropped
        planes = np.pad(planes, ((0, 0), (0, 1), (0, 0), (0, 0)))
    even, odd = planes[:, ::2], planes[:, 1::2]
    even_weights, odd_weights = weights[::2], weights[1::2]
    sum_weights = even_weights.copy()
    sum_weights[: len(odd_weights)] += odd_weights
    even_rows, odd_rows = ((height + 1) // 2 + len(half) - 1 for half in (even_weights, odd_weights))
    half = allocate(planes.shape[0], even_rows, *planes.shape[2:])
    np.copyto(half, odd[:, :even_rows])
    common = convolve_by_halves(half, sum_weights, stride, dilation)
    result = np.empty((common.shape[0], 2 * common.shape[1], *common.shape[2:]), np.float32)
    np.subtract(even[:, :even_rows], odd[:, :even_rows], out=half)
    np.add(common, convolve_by_halves(half, even_weights, stride, dilation), out=result[:, ::2])
    half = half[:, :odd_rows]
    np.subtract(even[:, 1 : odd_rows + 1], odd[:, :odd_rows], out=half)
    np.add(common, convolve_by_halves(half, odd_weights, stride, dilation), out=result[:, 1::2])
    return result[:, :height]


def count_halvings(rows: int) -> int:
    """How often `convolve_by_halves` splits a kernel of so many rows."""
    return 0 if rows < MIN_HALVED_ROWS else 1 + count_halvings(-(-rows // 2))


def count_halved_rows(rows: int) -> float:
    """The number of rows, not halved, that cost as much as `convolve_by_halves`.

    Halving costs three times a half, each over half of the image.
    """
    return rows if rows < MIN_HALVED_ROWS else 3 / 2 * count_halved_rows(-(-rows // 2))


def allocate(*shape: int) -> Planes:
    """Uninitialised memory, aligned so that TensorFlow uses it without a copy."""
    size = math.prod(shape)
    memory = np.empty(4 * size + ALIGNMENT_BYTES, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT_BYTES
    return memory[start : start + 4 * size].view(np.float32).reshape(shape)


@lru_cache(maxsize=64)
def recall_filters(content: bytes, shape: tuple[int, int], lanes: int) -> Any:
    """A tensor [rows, columns, 1, lanes] with the same float64 weights for each lane.

    Cached: an image needs it for each block, and many requests use the same kernel. With one input channel in each
    filter, `tf.nn.conv2d` runs one group for each lane: it does not sum lanes.
    """
    tf = import_tensorflow()

    weights = np.frombuffer(content).reshape(*shape, 1, 1).astype(np.float32)
    return tf.constant(np.repeat(weights, lanes, axis=3))


def run_conv2d(planes: Planes, filters: Any, stride: tuple[int, int], dilation: tuple[int, int]) -> Planes:
    """`tf.nn.conv2d` of (images, rows, columns, LANES) without padding. The result is read-only."""
    tf = import_tensorflow()

    result = tf.nn.conv2d(planes, filters, strides=stride, padding="VALID", dilations=dilation)
    return cast(Planes, np.asarray(memoryview(result)))  # .numpy() would copy


def warm_up(threads_per_convolution: int = 1) -> None:
    """Import TensorFlow and run one convolution, so that the first image does not wait for them.

    `threads_per_convolution` is TensorFlow's intra-op parallelism. It takes effect only before the first convolution.
    """
    tf = import_tensorflow()

    # TensorFlow raises RuntimeError after its first operation: the caller of that operation chose the threads.
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(threads_per_convolution)
    correlate_lanes(allocate(1, 8, 8, LANES), np.ones((3, 3)))
