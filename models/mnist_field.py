"""MNIST's own preparation: ink -> 20-pixel box -> 28x28 field, centre of mass on pixel index 14.

As in QMNIST's reconstruction (making_qmnist/xnist.lsh): crop to the ink, pad the shorter side to a square,
resample by area to 20x20, and shift by whole pixels, the box starting at trunc(15 - centre of mass): the
centre of mass comes to lie at pixel index 14 +- 0.5.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from models.network import FIELD

BOX = 20  # pixels, the longest side of the ink
CENTRE = 14  # pixel index of the centre of mass, +- 0.5
INK_FLOOR = 0.02  # of full ink: less is not part of the digit's box


def find_ink_box(ink: NDArray[np.float32], floor: float = INK_FLOOR) -> tuple[int, int, int, int] | None:
    """(left, top, width, height) of what is over `floor`, or None where nothing is."""
    mask = ink > floor
    columns = np.flatnonzero(mask.any(axis=0))
    if not columns.size:
        return None
    rows = np.flatnonzero(mask.any(axis=1))
    left, top = int(columns[0]), int(rows[0])
    return left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1


def fit_to_field(ink: NDArray[np.float32]) -> NDArray[np.float32]:
    """The MNIST form (28, 28) in 0..1 of ink (height, width) in 0..1, 1 where the stroke is.

    Nothing is stretched; an empty image gives an empty field.
    """
    box = find_ink_box(ink)
    if box is None:
        return np.zeros((FIELD, FIELD), np.float32)
    left, top, width, height = box
    side = max(width, height)
    square = np.zeros((side, side), np.float32)
    across, down = (side - width) // 2, (side - height) // 2
    square[down : down + height, across : across + width] = ink[top : top + height, left : left + width]
    return centre_by_mass(_resample_square(square))


def centre_by_mass(box: NDArray[np.float32]) -> NDArray[np.float32]:
    """Put a (20, 20) box into the 28x28 field by whole pixels, its centre of mass at pixel index 14 +- 0.5."""
    field = np.zeros((FIELD, FIELD), np.float32)
    mass = float(box.sum())
    if mass <= 0:
        return field
    places = np.arange(BOX) + 0.5
    x = float(box.sum(axis=0) @ places) / mass
    y = float(box.sum(axis=1) @ places) / mass
    left = min(max(int(CENTRE + 1 - x), 0), FIELD - BOX)
    top = min(max(int(CENTRE + 1 - y), 0), FIELD - BOX)
    field[top : top + BOX, left : left + BOX] = box
    return field


def _resample_square(square: NDArray[np.float32]) -> NDArray[np.float32]:
    side = square.shape[0]
    if side < 2 * BOX:
        # Area averaging of few pixels leaves steps: make many first.
        side *= -(-2 * BOX // side)
        square = cv2.resize(square, (side, side), interpolation=cv2.INTER_LINEAR)  # type: ignore[assignment]
    box = cv2.resize(square, (BOX, BOX), interpolation=cv2.INTER_AREA)
    peak = float(box.max())
    # Thinner than a pixel after the resampling: full ink is still full ink.
    return np.asarray(box / peak if 0 < peak < 1 else box, np.float32)
