"""The reference implementation of `kernels.apply.conv2d` and of the borders: SciPy in float64.

It filters at every pixel and then keeps every n-th result. It shares only the weights with `kernels/`: a formula gives
the source of each padded pixel, and the note on padding of `tf.nn.convolution` gives the results that SAME keeps.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import signal

Plane = NDArray[np.float64]


def correlate(
    image: NDArray[Any],
    weights: NDArray[Any],
    border: str = "edge",
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
) -> Plane:
    """Correlate each plane of an image (height, width, channels) with weights (rows, columns)."""
    dilated = np.zeros([step * (side - 1) + 1 for side, step in zip(weights.shape, dilation, strict=True)])
    dilated[:: dilation[0], :: dilation[1]] = weights
    rows, columns = (find_sources(image.shape[axis], dilated.shape[axis], border) for axis in (0, 1))
    planes = []
    for plane in np.moveaxis(image, 2, 0).astype(np.float64):
        extended = np.where((rows < 0)[:, None] | (columns < 0), 0, plane[rows][:, columns])
        planes.append(signal.correlate2d(extended, dilated, mode="valid"))
    rows, columns = (
        np.array(keep_outputs(image.shape[axis], dilated.shape[axis], stride[axis], border == "valid"))
        for axis in (0, 1)
    )
    return np.stack(planes, axis=2)[rows][:, columns]


def find_medians(
    image: NDArray[Any],
    size: int,
    border: str = "edge",
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
) -> Plane:
    """The median of size × size pixels of each plane: of shifted copies, which single weights give."""
    copies = []
    for position in range(size**2):
        weights = np.zeros(size**2)
        weights[position] = 1
        copies.append(correlate(image, weights.reshape(size, size), border, stride, dilation))
    return np.asarray(np.median(np.stack(copies), axis=0))


def find_sources(length: int, kernel: int, border: str) -> NDArray[np.int64]:
    """For every position that a kernel on a pixel covers: the index of the pixel that is read, or -1 for zero.

    `scipy.ndimage` (1.17) is not used: its mode `reflect` is wrong at four lengths from the image.
    """
    if border == "valid":
        return np.arange(length)
    # The anchor of an even kernel in TensorFlow is the tap before the middle.
    positions = np.arange(-((kernel - 1) // 2), length + kernel // 2)
    if border == "edge":
        return np.clip(positions, 0, length - 1)
    if border == "wrap":
        return positions % length
    if border == "symmetric":
        return np.minimum(positions % (2 * length), (-1 - positions) % (2 * length))
    if border == "reflect":
        period = max(2 * length - 2, 1)
        return np.minimum(positions % period, -positions % period)
    return np.where((positions >= 0) & (positions < length), positions, -1)


def keep_outputs(length: int, kernel: int, stride: int, valid: bool) -> list[int]:
    """The indices of the results of stride 1 that a stride keeps, along one axis."""
    if valid:
        return list(range(0, length - kernel + 1, stride))
    # In TensorFlow: pad_along = max((out - 1) * stride + filter - in, 0), of which pad_along // 2 before the image.
    outputs = (length + stride - 1) // stride
    pad_along = max((outputs - 1) * stride + kernel - length, 0)
    first = (kernel - 1) // 2 - pad_along // 2
    return [first + index * stride for index in range(outputs)]


def assert_equal_to_rounding(actual: NDArray[Any], exact: Plane, maximum: float = 255) -> None:
    """`actual` equals `exact`, clipped and rounded. A value next to a half may be rounded up or down."""
    expected = np.clip(exact, 0, maximum)
    assert actual.shape == expected.shape
    halves = np.abs(expected % 1 - 0.5) < 1e-3 * (maximum + 1) / 256
    error = np.abs(actual.astype(np.float64) - np.rint(expected))
    assert error[~halves].max(initial=0) == 0
    assert error[halves].max(initial=0) <= 1
