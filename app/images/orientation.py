"""EXIF orientation. Source: EXIF 2.32, tag 274."""

import numpy as np
from PIL import Image

from app.images.image import Pixels

ORIENTATION_TAG = 0x0112


def read_orientation(image: Image.Image) -> int:
    """Load the image and return its orientation, 1..8; 1 (upright) if it is missing or invalid."""
    try:
        image.load()  # a PNG may have its EXIF after the pixels, and Pillow rotates some TIFFs while loading
    except Exception:  # damaged pixels raise again when they are decoded
        return 1
    return read_exif_orientation(image)


def read_exif_orientation(image: Image.Image) -> int:
    """The orientation in the metadata that Pillow has read so far."""
    try:
        value = image.getexif().get(ORIENTATION_TAG, 1)
    except Exception:  # damaged metadata does not make the pixels unusable
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def turn_upright(pixels: Pixels, orientation: int) -> Pixels:
    """Undo an orientation of 1..8 by flips and rotations of (height, width, channels). Returns contiguous pixels."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)
