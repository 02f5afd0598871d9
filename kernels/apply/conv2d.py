"""The one place where pixels meet TensorFlow."""

import contextlib
import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from kernels.apply.separable import Factors

Planes = NDArray[np.float32]

# Before the first import: TensorFlow reads it then. Warnings of its C++ side say nothing to a user.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


LANES = 16
"""Results worked out side by side: float32 numbers in the widest registers of a processor (AVX-512)."""
ALIGNMENT_BYTES = 64
GROUPS_TOGETHER = 8
"""Of LANES, in `RowCopies`: oneDNN keeps a program of 75 kB for each shape, and of every 8 widths it meets one."""
MIN_HALVED_ROWS = 16
"""Of a kernel, from which three correlations with half of the rows cost less than one (docs/performance.md)."""
MIN_TAPS = 7
"""The shortest side from which working side by side is faster (docs/decisions/0006-low-rank-kernels.md)."""


def correlate(
    image: Planes,
    weights: NDArray[np.float64],
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
) -> Planes:
    """Slide `weights` over every channel of `image`, as written (not flipped), where it fits (VALID).

    image: (height, width, channels) float32, already padded. weights: (rows, columns).
    stride and dilation: (y, x). Returns (output height, output width, channels) float32.
    """
    rows, columns = weights.shape
    plain = stride == (1, 1) and dilation == (1, 1)
    if plain and columns == 1 and rows >= MIN_TAPS:
        return correlate_columns(image, weights)
    if plain and rows == 1 and columns >= MIN_TAPS:
        return correlate_side_by_side(image[None], weights)[0]
    if plain and min(rows, columns) >= MIN_TAPS:  # wide enough to pay for taking the channels apart
        planes = np.moveaxis(image, 2, 0)[..., None]
        return np.moveaxis(correlate_side_by_side(planes, weights)[..., 0], 0, 2)
    return correlate_in_groups(image, weights, stride, dilation)


def correlate_in_groups(
    image: Planes, weights: NDArray[np.float64], stride: tuple[int, int], dilation: tuple[int, int]
) -> Planes:
    """The filters are [rows, columns, 1, channels]: one input channel to a filter makes `tf.nn.conv2d` run as many
    groups as there are channels, so that each channel is filtered on its own and none is summed."""
    filters = np.repeat(weights.astype(np.float32)[:, :, None, None], image.shape[2], axis=3)
    return convolve(image[None], filters, stride, dilation)[0]


def correlate_side_by_side(images: Planes, weights: NDArray[np.float64]) -> Planes:
    """For (images, height, width, channels): a group of neighbouring results is one result with many channels.

    The filters hold the weights once for each place in the group, moved by one, and the stride is the group. What
    comes out has the layout of the image. There are zeros among the filters, but every lane of the processor has
    work, where three channels in groups fill 3 of 16.
    """
    count, height, width, channels = images.shape
    rows, columns = weights.shape
    places = LANES // channels
    result_width = width - columns + 1
    groups = max(2, -(-result_width // places))  # for a single one oneDNN gives wrong sums (TensorFlow 2.21)
    filters = np.zeros((rows, columns + places - 1, channels, places, channels), np.float32)
    for place in range(places):
        for channel in range(channels):
            filters[:, place : place + columns, channel, place, channel] = weights
    # Up to a whole group more of zeros, whose results are cut off again.
    widened = allocate(count, height, groups * places + columns - 1, channels)
    widened[:, :, :width] = images
    widened[:, :, width:] = 0
    results = convolve_by_halves(widened, filters.reshape(*filters.shape[:3], -1), places)
    return results.reshape(count, height - rows + 1, groups * places, channels)[:, :, :result_width]


def convolve_by_halves(images: Planes, filters: Planes, stride_x: int) -> Planes:
    """Even and odd rows under even and odd rows of the filters: three convolutions of a quarter of the work instead of
    four, and so on while the filters are high enough.

    With x, y, h for the even and X, Y, H for the odd rows of image, result and filter, and x' for x one row on:
    y = h⋆x + H⋆X = h⋆(x - X) + (h + H)⋆X, and Y = h⋆X + H⋆x' = (h + H)⋆X + H⋆(x' - X). Source: Mou, Duhamel,
    "Short-length FIR filters and their use in fast nonrecursive filtering", IEEE Trans. Signal Processing 39 (1991).
    """
    rows = len(filters)
    if rows < MIN_HALVED_ROWS:
        return convolve(images, filters, (1, stride_x))
    height = images.shape[1] - rows + 1
    if height % 2:  # one more row, which gives a row that is cut off again
        images = np.pad(images, ((0, 0), (0, 1), (0, 0), (0, 0)))
    even, odd = images[:, ::2], images[:, 1::2]
    even_filters, odd_filters = filters[::2], filters[1::2]
    both_filters = even_filters.copy()
    both_filters[: len(odd_filters)] += odd_filters
    under_even, under_odd = ((height + 1) // 2 + len(half) - 1 for half in (even_filters, odd_filters))
    part = allocate(images.shape[0], under_even, *images.shape[2:])
    np.copyto(part, odd[:, :under_even])
    both = convolve_by_halves(part, both_filters, stride_x)
    result = np.empty((both.shape[0], 2 * both.shape[1], *both.shape[2:]), np.float32)
    np.subtract(even[:, :under_even], odd[:, :under_even], out=part)
    np.add(both, convolve_by_halves(part, even_filters, stride_x), out=result[:, ::2])
    part = part[:, :under_odd]
    np.subtract(even[:, 1 : under_odd + 1], odd[:, :under_odd], out=part)
    np.add(both, convolve_by_halves(part, odd_filters, stride_x), out=result[:, 1::2])
    return result[:, :height]


def count_halved_rows(rows: int) -> float:
    """How many rows, not halved, cost what `convolve_by_halves` needs: three times a half, over half of the image."""
    return rows if rows < MIN_HALVED_ROWS else 3 / 2 * count_halved_rows(-(-rows // 2))


def correlate_columns(image: Planes, weights: NDArray[np.float64]) -> Planes:
    """For weights of one column: pixels next to each other need nothing of each other, so any 16 numbers of a row are
    as good a group as the channels of one pixel."""
    height, width, channels = image.shape
    length = width * channels
    groups = -(-length // LANES)
    widened = np.zeros((height, groups * LANES), np.float32)
    widened[:, :length] = image.reshape(height, length)
    results = correlate_in_groups(widened.reshape(height, groups, LANES), weights, (1, 1), (1, 1))
    return results.reshape(-1, groups * LANES)[:, :length].reshape(-1, width, channels)


class RowCopies:
    """Memory for rows of an image, each as many times as the kernel has columns, moved by a column each time.

    With it, a number of the result needs only what stands in its own place in the copies of the rows: no number needs
    its neighbours, and any 16 of them are as good a group as the channels of one pixel. The copies of a row lie one
    above the other: for `tf.nn.conv2d` they are rows, too, and it goes on by as many as there are copies.
    """

    def __init__(self, rows: int, offsets: Sequence[int], length: int) -> None:
        """offsets: where the copies begin in a row. length: numbers (pixels × channels) in a row of the result."""
        self.offsets = offsets
        self.length = length
        whole = GROUPS_TOGETHER * LANES
        self._copies = allocate(rows, len(offsets), whole * -(-length // whole))
        self._copies[:, :, length:] = 0  # denormal numbers that lie there would be slow
        self._filled = 0

    def fill(self, rows: NDArray[Any]) -> None:
        """Copy (rows, numbers) of any dtype."""
        self._filled = len(rows)
        for copy, offset in enumerate(self.offsets):
            np.copyto(self._copies[: len(rows), copy, : self.length], rows[:, offset : offset + self.length])

    def prepare_filters(self, weights: NDArray[np.float64]) -> Any:
        """A tensor of weights of shape (rows, copies), for many strips."""
        import tensorflow as tf

        return tf.constant(np.repeat(weights.astype(np.float32).reshape(-1, 1, 1, 1), LANES, axis=3))

    def correlate(self, filters: Any) -> Planes:
        """Returns (output rows, length) float32, to be read only."""
        copies = self._copies[: self._filled].reshape(1, self._filled * len(self.offsets), -1, LANES)
        result = convolve(copies, filters, (len(self.offsets), 1))
        return result.reshape(-1, self._copies.shape[2])[:, : self.length]


def allocate(*shape: int) -> Planes:
    """Memory at an address that TensorFlow takes as it is; it would copy any other."""
    size = math.prod(shape)
    memory = np.empty(4 * size + ALIGNMENT_BYTES, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT_BYTES
    return memory[start : start + 4 * size].view(np.float32).reshape(shape)


def convolve(images: Planes, filters: Any, stride: tuple[int, int], dilation: tuple[int, int] = (1, 1)) -> Planes:
    import tensorflow as tf

    result = tf.nn.conv2d(images, filters, strides=stride, padding="VALID", dilations=dilation)
    return cast(Planes, np.asarray(memoryview(result)))  # .numpy() would copy


def correlate_factors(image: Planes, factors: "Factors", stride: tuple[int, int], dilation: tuple[int, int]) -> Planes:
    """The same as `correlate` with the sum of the factors: a pass along y and one along x for each."""
    total: Planes | None = None
    for column, row in factors:
        along_y = correlate(image, column, (stride[0], 1), (dilation[0], 1))
        both = correlate(along_y, row, (1, stride[1]), (1, dilation[1]))
        total = both if total is None else total + both
    assert total is not None
    return total


def warm_up(threads_per_convolution: int = 1) -> None:
    """Import TensorFlow and run one convolution, so that the first image does not wait for either.

    `threads_per_convolution` is TensorFlow's intra-op parallelism; it can be set only before the first call.
    """
    import tensorflow as tf

    # TensorFlow refuses once it has run something: then whoever ran it has chosen.
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(threads_per_convolution)
    correlate(np.zeros((8, 8, 3), np.float32), np.ones((3, 3)))
