"""An independent convolution to test against: SciPy in float64, at every pixel, then every n-th one kept.

It shares nothing with `kernels/` but the weights: the pixel that stands in for one beyond the edge is found by a
formula, and those that TensorFlow's SAME keeps are worked out from the note on padding of `tf.nn.convolution`.
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
    spread = np.zeros([step * (side - 1) + 1 for side, step in zip(weights.shape, dilation, strict=True)])
    spread[:: dilation[0], :: dilation[1]] = weights
    rows, columns = (find_sources(image.shape[axis], spread.shape[axis], border) for axis in (0, 1))
    planes = []
    for plane in np.moveaxis(image, 2, 0).astype(np.float64):
        extended = np.where((rows < 0)[:, None] | (columns < 0), 0, plane[rows][:, columns])
        planes.append(signal.correlate2d(extended, spread, mode="valid"))
    rows, columns = (
        np.array(keep_outputs(image.shape[axis], spread.shape[axis], stride[axis], border == "valid"))
        for axis in (0, 1)
    )
    return np.stack(planes, axis=2)[rows][:, columns]


def find_sources(length: int, kernel: int, border: str) -> NDArray[np.int64]:
    """For every place that a kernel centred on a pixel reaches: the pixel that is read, or -1 for a zero.

    By formula, since `scipy.ndimage` (1.17) itself goes wrong in mode `reflect` four lengths away from the image.
    """
    if border == "valid":
        return np.arange(length)
    # TensorFlow centres an even kernel on the tap before the middle.
    places = np.arange(-((kernel - 1) // 2), length + kernel // 2)
    if border == "edge":
        return np.clip(places, 0, length - 1)
    if border == "wrap":
        return places % length
    if border == "symmetric":
        return np.minimum(places % (2 * length), (-1 - places) % (2 * length))
    if border == "reflect":
        period = max(2 * length - 2, 1)
        return np.minimum(places % period, -places % period)
    return np.where((places >= 0) & (places < length), places, -1)


def keep_outputs(length: int, kernel: int, stride: int, valid: bool) -> list[int]:
    """Which results of stride 1 a stride keeps, along one axis."""
    if valid:
        return list(range(0, length - kernel + 1, stride))
    # TensorFlow's own words: pad_along = max((out - 1) * stride + filter - in, 0), of which pad_along // 2 in front.
    outputs = (length + stride - 1) // stride
    pad_along = max((outputs - 1) * stride + kernel - length, 0)
    first = (kernel - 1) // 2 - pad_along // 2
    return [first + index * stride for index in range(outputs)]


def assert_equal_to_rounding(actual: NDArray[Any], exact: Plane, maximum: float = 255) -> None:
    """`actual` is `exact`, cut off and rounded. Where `exact` is next to a half, either neighbour will do."""
    expected = np.clip(exact, 0, maximum)
    assert actual.shape == expected.shape
    halves = np.abs(expected % 1 - 0.5) < 1e-3 * (maximum + 1) / 256
    error = np.abs(actual.astype(np.float64) - np.rint(expected))
    assert error[~halves].max(initial=0) == 0
    assert error[halves].max(initial=0) <= 1
