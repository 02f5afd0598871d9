"""The reference implementation of layers, in float64: SciPy for convolution, and pooling by its definition.

The definition of SAME and VALID is the note on padding in the documentation of `tf.nn`: SAME gives ceil(n / stride)
results, and of the padding that this needs, the smaller half is before the first pixel.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.support import reference

Maps = NDArray[np.float64]


def convolve(
    maps: NDArray[Any],
    weights: NDArray[Any],
    bias: Any = 0.0,
    border: str = "edge",
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
) -> Maps:
    """(height, width, inputs) under weights (height, width, inputs, outputs): the sum over all inputs."""
    outputs = []
    for output in range(weights.shape[3]):
        planes = [
            reference.correlate(maps[:, :, [number]], weights[:, :, number, output], border, stride, dilation)[:, :, 0]
            for number in range(weights.shape[2])
        ]
        outputs.append(np.sum(planes, axis=0))
    return np.stack(outputs, axis=2) + np.asarray(bias, np.float64)


def pool(maps: NDArray[Any], kind: str, size: tuple[int, int], stride: tuple[int, int], same: bool) -> Maps:
    """The largest, mean or smallest value of each window, without the padding."""
    rows, columns = (list_windows(maps.shape[axis], size[axis], stride[axis], same) for axis in (0, 1))
    choose: Any = {"max": np.max, "average": np.mean, "min": np.min}[kind]
    values = maps.astype(np.float64)
    return np.array([[choose(values[row][:, column], axis=(0, 1)) for column in columns] for row in rows])


def list_windows(length: int, size: int, stride: int, same: bool) -> list[slice]:
    """The pixels of the image under each window along one axis."""
    if not same:
        return [slice(start, start + size) for start in range(0, length - size + 1, stride)]
    count = -(-length // stride)
    before = max((count - 1) * stride + size - length, 0) // 2
    starts = [index * stride - before for index in range(count)]
    return [slice(max(start, 0), min(start + size, length)) for start in starts]
