"""What differs between the frames of an animation, for formats whose frames can be smaller than the canvas."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.images.image import Pixels

Mask = NDArray[np.bool_]


class Area(NamedTuple):
    """A rectangle of a canvas, not empty."""

    left: int
    top: int
    width: int
    height: int

    def crop(self, pixels: Pixels) -> Pixels:
        """The part of (height, width, ...) that is in the area, as a view."""
        return pixels[self.top : self.top + self.height, self.left : self.left + self.width]


def find_area(mask: Mask) -> Area:
    """The smallest area that contains all set pixels of (height, width); one pixel if none is set."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return Area(0, 0, 1, 1)
    left, top = int(columns[0]), int(rows[0])
    return Area(left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top)


def find_changes(before: Pixels, after: Pixels) -> Mask:
    """The pixels (height, width) of which a channel differs."""
    if before.shape[2] == 3:
        mask: Mask = (before != after).any(axis=2)
        return mask
    words = f"u{before.shape[2] * before.itemsize}"
    return np.not_equal(before.view(words)[:, :, 0], after.view(words)[:, :, 0])
