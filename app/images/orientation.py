"""EXIF orientation. Source: EXIF 2.32, tag 274."""

import numpy as np
from PIL import Image

from app.images.file_facts import FileFacts
from app.images.image import Pixels

ORIENTATION_TAG = 0x0112


def read_orientation(image: Image.Image, facts: FileFacts) -> int:
    """Load the image and return its orientation, 1..8; 1 (upright) if it is missing or invalid.

    Like browsers, it ignores XMP and EXIF in the text of a PNG, which `Image.getexif` would read.
    """
    try:
        image.load()
        if image.format == "PNG":
            return 1 if facts.png_exif.startswith(b"Exif") else parse_orientation(facts.png_exif)
    except Exception:  # damaged pixels raise again when they are decoded
        return 1
    return parse_orientation(image.info.get("exif", b""))


def parse_orientation(exif: bytes) -> int:
    parsed = Image.Exif()
    try:
        parsed.load(exif)
        value = parsed.get(ORIENTATION_TAG, 1)
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
