"""Pooling of maps by TensorFlow: `tf.nn.max_pool2d` and `tf.nn.avg_pool2d`, without padding (VALID).

A window of height and width is a pass along y and one along x, because a maximum of maxima is the maximum. It then
costs the sum of its sides.
"""

import numpy as np

from kernels.geometry import Axis
from kernels.layers.layer import PoolingKind
from kernels.quiet_tensorflow import import_tensorflow
from kernels.types import Planes


def pool_maps(maps: Planes, kind: PoolingKind, rows: Axis, columns: Axis) -> Planes:
    """Pool (height, width, maps). Returns (rows.output, columns.output, maps) float32."""
    tf = import_tensorflow()
    pool = tf.nn.avg_pool2d if kind == "average" else tf.nn.max_pool2d
    values = np.negative(maps)[None] if kind == "min" else maps[None]
    for window, stride in (((rows.kernel, 1), (rows.stride, 1)), ((1, columns.kernel), (1, columns.stride))):
        if window != (1, 1) or stride != (1, 1):
            values = pool(values, window, stride, "VALID")
    result = np.asarray(values)[0]
    return np.negative(result) if kind == "min" else result


def count_covered(axis: Axis) -> Planes:
    """(output,): the pixels of the image under each window, without the padding."""
    starts = np.arange(axis.output) * axis.stride - axis.padding_before
    covered = np.minimum(starts + axis.footprint, axis.input) - np.maximum(starts, 0)
    return covered.astype(np.float32)
