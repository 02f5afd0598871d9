"""MNIST's normalization: ink -> 20-pixel box -> 28x28 field with the centre of mass at pixel index 14.

It follows QMNIST's reconstruction (making_qmnist/xnist.lsh): crop to the ink, pad the shorter side to a square,
resample by area to 20x20, and shift by whole pixels. The box starts at trunc(15 - centre of mass), which puts the
centre of mass at pixel index 14 +- 0.5.
"""

import cv2
import numpy as np

from models.network import FIELD
from models.types import Box, Field, Grey

BOX = 20  # pixels, the longer side of the ink
CENTRE = 14  # pixel index of the centre of mass, +- 0.5
INK_FLOOR = 0.02  # of full ink: fainter pixels are outside the digit's box


def find_ink_box(ink: Grey, floor: float = INK_FLOOR) -> Box | None:
    """The bounding box of the pixels above `floor`, or None if there are none."""
    mask = ink > floor
    columns = np.flatnonzero(mask.any(axis=0))
    if not columns.size:
        return None
    rows = np.flatnonzero(mask.any(axis=1))
    left, top = int(columns[0]), int(rows[0])
    return left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1


def fit_to_field(ink: Grey) -> Field:
    """The MNIST field of ink (height, width) in 0..1, 1 on the stroke.

    The aspect ratio is kept. An empty image gives an empty field.
    """
    box = find_ink_box(ink)
    if box is None:
        return np.zeros((FIELD, FIELD), np.float32)
    left, top, width, height = box
    side = max(width, height)
    square = np.zeros((side, side), np.float32)
    across, down = (side - width) // 2, (side - height) // 2
    square[down : down + height, across : across + width] = ink[top : top + height, left : left + width]
    return centre_by_mass(resample_square(square))


def centre_by_mass(box: Grey) -> Field:
    """Place a (20, 20) box in the field, by whole pixels, with its centre of mass at pixel index 14 +- 0.5."""
    field = np.zeros((FIELD, FIELD), np.float32)
    mass = float(box.sum())
    if mass <= 0:
        return field
    positions = np.arange(BOX) + 0.5
    x = float(box.sum(axis=0) @ positions) / mass
    y = float(box.sum(axis=1) @ positions) / mass
    left = min(max(int(CENTRE + 1 - x), 0), FIELD - BOX)
    top = min(max(int(CENTRE + 1 - y), 0), FIELD - BOX)
    field[top : top + BOX, left : left + BOX] = box
    return field


def resample_square(square: Grey) -> Grey:
    """Resample a square to (20, 20)."""
    side = square.shape[0]
    if side < 2 * BOX:
        # Area averaging of few pixels gives jagged edges, so a small square is enlarged first.
        side *= -(-2 * BOX // side)
        square = cv2.resize(square, (side, side), interpolation=cv2.INTER_LINEAR)  # type: ignore[assignment]
    box = cv2.resize(square, (BOX, BOX), interpolation=cv2.INTER_AREA)
    peak = float(box.max())
    # A stroke thinner than a pixel of the box would become grey; full ink stays full ink.
    return np.asarray(box / peak if 0 < peak < 1 else box, np.float32)
