"""Pooling of maps by `tf.nn.max_pool2d` and `tf.nn.avg_pool2d`, without padding (VALID).

A window of height and width is a pass along y and one along x, because a maximum of maxima is the maximum. It then
costs the sum of its sides. At every pixel, OpenCV finds the maximum in a tenth of the time.
"""

import numpy as np

from kernels.geometry import Axis
from kernels.layers.layer import PoolingKind
from kernels.padding import MAX_CHANNELS
from kernels.quiet_tensorflow import import_tensorflow
from kernels.types import Planes


def pool_maps(maps: Planes, kind: PoolingKind, rows: Axis, columns: Axis) -> Planes:
    """Pool (height, width, maps). Returns (rows.output, columns.output, maps) float32."""
    if kind != "average" and rows.stride == columns.stride == 1:
        return dilate_maps(maps, kind, rows, columns)
    tf = import_tensorflow()
    pool = tf.nn.avg_pool2d if kind == "average" else tf.nn.max_pool2d
    values = np.negative(maps)[None] if kind == "min" else maps[None]
    for window, stride in (((rows.kernel, 1), (rows.stride, 1)), ((1, columns.kernel), (1, columns.stride))):
        if window != (1, 1) or stride != (1, 1):
            values = pool(values, window, stride, "VALID")
    result = np.asarray(values)[0]
    return np.negative(result) if kind == "min" else result


def dilate_maps(maps: Planes, kind: PoolingKind, rows: Axis, columns: Axis) -> Planes:
    """Pool with a stride of 1. With its anchor at the top left, a window does not reach beyond the results kept."""
    import cv2

    if maps.shape[2] > MAX_CHANNELS:
        groups = [maps[:, :, first : first + MAX_CHANNELS] for first in range(0, maps.shape[2], MAX_CHANNELS)]
        return np.concatenate([dilate_maps(group, kind, rows, columns) for group in groups], axis=2)

    morphology = cv2.erode if kind == "min" else cv2.dilate
    window = np.ones((rows.kernel, columns.kernel), np.uint8)
    result: Planes = np.asarray(morphology(np.ascontiguousarray(maps), window, anchor=(0, 0)), np.float32)
    return result.reshape(maps.shape)[: rows.output, : columns.output]


def count_covered(axis: Axis) -> Planes:
    """(output,): the pixels of the image under each window, without the padding."""
    starts = np.arange(axis.output) * axis.stride - axis.padding_before
    covered = np.minimum(starts + axis.footprint, axis.input) - np.maximum(starts, 0)
    return covered.astype(np.float32)
