"""Correlation of planes with weights by `tf.nn.conv2d`. No other module of `kernels.apply` imports TensorFlow.

The reference implementation is `tests/support/reference.py`: SciPy in float64. The results here are equal to it up to
the rounding of float32.

`correlate` chooses the fastest layout of the same sums for `tf.nn.conv2d`. The measurements are in
docs/engineering/performance-trials.md and docs/engineering/decisions/0006-low-rank-kernels.md.
"""

import contextlib
import math
from typing import Any, cast

import numpy as np

from kernels.quiet_tensorflow import import_tensorflow
from kernels.types import Planes, Weights

LANES = 16
"""Results that are computed together: float32 numbers in the widest registers of a processor (AVX-512)."""
ALIGNMENT_BYTES = 64
MIN_HALVED_ROWS = 16
"""Rows of a kernel from which three correlations with half of the rows cost less than one."""
MIN_TAPS = 7
"""Shortest side from which a layout with LANES results side by side is faster."""


def correlate(
    image: Planes, weights: Weights, stride: tuple[int, int] = (1, 1), dilation: tuple[int, int] = (1, 1)
) -> Planes:
    """Correlate every channel with `weights` as written (not flipped), without padding (VALID).

    image: (height, width, channels) float32. weights: (rows, columns). stride, dilation: (y, x).
    Returns (output height, output width, channels) float32.
    """
    rows, columns = weights.shape
    is_dense = stride == (1, 1) and dilation == (1, 1)
    if is_dense and columns == 1 and rows >= MIN_TAPS:
        return correlate_column(image, weights)
    if is_dense and rows == 1 and columns >= MIN_TAPS:
        return correlate_side_by_side(image[None], weights)[0]
    if is_dense and min(rows, columns) >= MIN_TAPS:  # wide enough to pay for the separation of the channels
        planes = np.moveaxis(image, 2, 0)[..., None]
        return np.moveaxis(correlate_side_by_side(planes, weights)[..., 0], 0, 2)
    return correlate_in_groups(image, weights, stride, dilation)


def correlate_in_groups(image: Planes, weights: Weights, stride: tuple[int, int], dilation: tuple[int, int]) -> Planes:
    """The layout for small kernels. The filters are [rows, columns, 1, channels].

    With one input channel in each filter, `tf.nn.conv2d` runs one group for each channel: it does not sum channels.
    """
    filters = np.repeat(weights.astype(np.float32)[:, :, None, None], image.shape[2], axis=3)
    return run_conv2d(image[None], filters, stride, dilation)[0]


def correlate_side_by_side(images: Planes, weights: Weights) -> Planes:
    """The layout for large kernels, for (images, height, width, channels).

    Neighbouring results form one result with LANES channels: the filters contain the weights once for each neighbour,
    shifted by one column, and the stride is the number of neighbours. The output has the layout of the image. Some
    weights of the filters are 0, but all lanes of the processor are used; three channels in groups use 3 of 16.
    """
    count, height, width, channels = images.shape
    rows, columns = weights.shape
    neighbours = LANES // channels
    result_width = width - columns + 1
    groups = max(2, -(-result_width // neighbours))  # for a single group oneDNN gives wrong sums (TensorFlow 2.21)
    filters = np.zeros((rows, columns + neighbours - 1, channels, neighbours, channels), np.float32)
    for shift in range(neighbours):
        for channel in range(channels):
            filters[:, shift : shift + columns, channel, shift, channel] = weights
    # Zeros fill the last group; its surplus results are dropped.
    widened = allocate(count, height, groups * neighbours + columns - 1, channels)
    widened[:, :, :width] = images
    widened[:, :, width:] = 0
    results = convolve_by_halves(widened, filters.reshape(*filters.shape[:3], -1), neighbours)
    return results.reshape(count, height - rows + 1, groups * neighbours, channels)[:, :, :result_width]


def convolve_by_halves(images: Planes, filters: Planes, stride_x: int) -> Planes:
    """Split image rows and filter rows into even and odd ones: three convolutions of a quarter of the work, not four.

    The halves are split again while the filters are high enough. With x, y, h for the even and X, Y, H for the odd
    rows of image, result and filter, and x' for x shifted by one row:
    y = h⋆x + H⋆X = h⋆(x - X) + (h + H)⋆X, and Y = h⋆X + H⋆x' = (h + H)⋆X + H⋆(x' - X). Source: Mou, Duhamel,
    "Short-length FIR filters and their use in fast nonrecursive filtering", IEEE Trans. Signal Processing 39 (1991).
    """
    rows = len(filters)
    if rows < MIN_HALVED_ROWS:
        return run_conv2d(images, filters, (1, stride_x))
    height = images.shape[1] - rows + 1
    if height % 2:  # the result of the added row is dropped
        images = np.pad(images, ((0, 0), (0, 1), (0, 0), (0, 0)))
    even, odd = images[:, ::2], images[:, 1::2]
    even_filters, odd_filters = filters[::2], filters[1::2]
    sum_filters = even_filters.copy()
    sum_filters[: len(odd_filters)] += odd_filters
    even_rows, odd_rows = ((height + 1) // 2 + len(half) - 1 for half in (even_filters, odd_filters))
    half = allocate(images.shape[0], even_rows, *images.shape[2:])
    np.copyto(half, odd[:, :even_rows])
    common = convolve_by_halves(half, sum_filters, stride_x)
    result = np.empty((common.shape[0], 2 * common.shape[1], *common.shape[2:]), np.float32)
    np.subtract(even[:, :even_rows], odd[:, :even_rows], out=half)
    np.add(common, convolve_by_halves(half, even_filters, stride_x), out=result[:, ::2])
    half = half[:, :odd_rows]
    np.subtract(even[:, 1 : odd_rows + 1], odd[:, :odd_rows], out=half)
    np.add(common, convolve_by_halves(half, odd_filters, stride_x), out=result[:, 1::2])
    return result[:, :height]


def count_halved_rows(rows: int) -> float:
    """The number of rows, not halved, that cost as much as `convolve_by_halves`.

    Halving costs three times a half, each over half of the image.
    """
    return rows if rows < MIN_HALVED_ROWS else 3 / 2 * count_halved_rows(-(-rows // 2))


def correlate_column(image: Planes, weights: Weights) -> Planes:
    """The layout for weights of one column: any LANES numbers of a row can be the channels of one pixel.

    A column does not mix neighbouring numbers of a row.
    """
    height, width, channels = image.shape
    length = width * channels
    groups = -(-length // LANES)
    widened = np.zeros((height, groups * LANES), np.float32)
    widened[:, :length] = image.reshape(height, length)
    results = correlate_in_groups(widened.reshape(height, groups, LANES), weights, (1, 1), (1, 1))
    return results.reshape(-1, groups * LANES)[:, :length].reshape(-1, width, channels)


def allocate(*shape: int) -> Planes:
    """Uninitialised memory, aligned so that TensorFlow uses it without a copy."""
    size = math.prod(shape)
    memory = np.empty(4 * size + ALIGNMENT_BYTES, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT_BYTES
    return memory[start : start + 4 * size].view(np.float32).reshape(shape)


def make_tensor(filters: Planes) -> Any:
    """A tensor for many calls of `run_conv2d`."""
    tf = import_tensorflow()

    return tf.constant(filters)


def run_conv2d(images: Planes, filters: Any, stride: tuple[int, int], dilation: tuple[int, int] = (1, 1)) -> Planes:
    """`tf.nn.conv2d` of (images, height, width, channels) without padding. The result is read-only."""
    tf = import_tensorflow()

    result = tf.nn.conv2d(images, filters, strides=stride, padding="VALID", dilations=dilation)
    return cast(Planes, np.asarray(memoryview(result)))  # .numpy() would copy


def warm_up(threads_per_convolution: int = 1) -> None:
    """Import TensorFlow and run one convolution, so that the first image does not wait for them.

    `threads_per_convolution` is TensorFlow's intra-op parallelism. It takes effect only before the first convolution.
    """
    tf = import_tensorflow()

    # TensorFlow raises RuntimeError after its first operation: the caller of that operation chose the threads.
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(threads_per_convolution)
    correlate(np.zeros((8, 8, 3), np.float32), np.ones((3, 3)))
