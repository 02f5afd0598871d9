"""A layout of image rows in which `tf.nn.conv2d` filters with narrow kernels at full speed."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.apply.conv2d import LANES, allocate, make_tensor, run_conv2d
from kernels.types import Planes, Weights

GROUPS_TOGETHER = 8
"""Groups of LANES to which a row is rounded up: oneDNN caches 75 kB of code for each width that it meets."""


class RowCopies:
    """Memory with one copy of each row for each column of the kernel. A copy is shifted by one column.

    All numbers that contribute to one result lie in one column of the copies. Results do not need their neighbours,
    so any LANES numbers of a row can be the channels of one pixel. For `tf.nn.conv2d` the copies of a row are
    consecutive rows, and the stride is the number of copies.
    """

    def __init__(self, rows: int, offsets: Sequence[int], length: int) -> None:
        """offsets: where each copy starts in a row. length: numbers (pixels × channels) in a row of the result."""
        self.offsets = offsets
        self.length = length
        group = GROUPS_TOGETHER * LANES
        self._copies = allocate(rows, len(offsets), group * -(-length // group))
        self._copies[:, :, length:] = 0  # uninitialised memory can contain denormal numbers, which are slow
        self._filled_rows = 0

    def fill(self, rows: NDArray[Any]) -> None:
        """Copy (rows, numbers) of any dtype."""
        self._filled_rows = len(rows)
        for copy, offset in enumerate(self.offsets):
            np.copyto(self._copies[: len(rows), copy, : self.length], rows[:, offset : offset + self.length])

    def prepare_filters(self, weights: Weights) -> Any:
        """A tensor of weights of shape (rows, copies), for many strips."""
        return make_tensor(np.repeat(weights.astype(np.float32).reshape(-1, 1, 1, 1), LANES, axis=3))

    def correlate(self, filters: Any) -> Planes:
        """Returns (output rows, length) float32, read-only."""
        copies = self._copies[: self._filled_rows].reshape(1, self._filled_rows * len(self.offsets), -1, LANES)
        result = run_conv2d(copies, filters, (len(self.offsets), 1))
        return result.reshape(-1, self._copies.shape[2])[:, : self.length]
