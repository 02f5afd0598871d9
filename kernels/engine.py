"""The one place where pixels meet TensorFlow."""

import contextlib
import os
from typing import cast

import numpy as np
from numpy.typing import NDArray

from kernels.factors import Factors

# Before the first import: TensorFlow reads it then. Warnings of its C++ side say nothing to a user.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def correlate(
    image: NDArray[np.float32],
    weights: NDArray[np.float64],
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
) -> NDArray[np.float32]:
    """Slide `weights` over every channel of `image`, as written (not flipped), where it fits (VALID).

    image: (height, width, channels) float32, already padded. weights: (rows, columns).
    stride and dilation: (y, x). Returns (output height, output width, channels) float32.

    The filters are [rows, columns, 1, channels]: one input channel to a filter makes `tf.nn.conv2d` run as
    many groups as there are channels, so that each channel is filtered on its own and none is summed.
    """
    import tensorflow as tf

    channels = image.shape[2]
    filters = np.repeat(weights.astype(np.float32)[:, :, None, None], channels, axis=3)
    result = tf.nn.conv2d(image[None], filters, strides=stride, padding="VALID", dilations=dilation)
    return cast(NDArray[np.float32], np.asarray(memoryview(result)))[0]  # .numpy() would copy


def correlate_factors(
    image: NDArray[np.float32], factors: Factors, stride: tuple[int, int], dilation: tuple[int, int]
) -> NDArray[np.float32]:
    """The same as `correlate` with the sum of the factors: a pass along y and one along x for each."""
    total: NDArray[np.float32] | None = None
    for column, row in factors:
        along_y = correlate(image, column, (stride[0], 1), (dilation[0], 1))
        both = correlate(along_y, row, (1, stride[1]), (1, dilation[1]))
        total = both if total is None else total + both
    assert total is not None
    return total


def warm_up(threads_per_convolution: int = 1) -> None:
    """Import TensorFlow and run one convolution, so that the first picture does not wait for either.

    `threads_per_convolution` is TensorFlow's intra-op parallelism; it can be set only before the first call.
    """
    import tensorflow as tf

    # TensorFlow refuses once it has run something: then whoever ran it has chosen.
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(threads_per_convolution)
    correlate(np.zeros((8, 8, 3), np.float32), np.ones((3, 3)))
