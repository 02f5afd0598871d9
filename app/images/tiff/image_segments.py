"""Strips and tiles that are JPEG or WebP images. Source: TIFF Technical Note 2; libtiff's tif_webp.c."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin

from app.images.errors import CorruptImageError
from app.images.jpeg_damage import reject_damaged_jpeg
from app.images.tiff.layout import YCBCR

START_OF_IMAGE, END_OF_IMAGE = b"\xff\xd8", b"\xff\xd9"
ADOBE_HEADER = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"
"""Followed by the colour transform: 0 for RGB, 1 for YCbCr."""


def decode_jpeg_segment(
    segment: bytes, tables: bytes | None, photometric: int, shape: tuple[int, ...]
) -> NDArray[np.uint8]:
    """Decode to (height, width, 1, 3 or 4) in the colours of the TIFF: YCbCr is not converted.

    Checks the size in the JPEG against `shape` before it decodes.
    """
    if not segment.startswith(START_OF_IMAGE):
        raise CorruptImageError("The TIFF is damaged: a strip or tile is not a JPEG image.")
    start = (tables or START_OF_IMAGE).removesuffix(END_OF_IMAGE)
    if shape[2] == 3:  # otherwise the decoder guesses from the identifiers of the components
        start = START_OF_IMAGE + ADOBE_HEADER + bytes([photometric == YCBCR]) + start[2:]
    data = start + segment[2:]
    with JpegImagePlugin.JpegImageFile(io.BytesIO(data)) as image:
        if image.width != shape[1] or image.height > 2 * shape[0] + 16:
            return np.empty((0, image.width, shape[2]), np.uint8)
        reject_damaged_jpeg(data, any_warning=True)
        if shape[2] == 3 and photometric == YCBCR:
            image.draft("YCbCr", None)
        image.load()
        pixels = np.asarray(image)
    # Pillow takes all inks of a JPEG for inverted.
    return 255 - pixels if image.mode == "CMYK" else pixels.reshape(pixels.shape[0], pixels.shape[1], -1)


def decode_webp_segment(segment: bytes, channels: int) -> NDArray[np.uint8]:
    """Decode to (height, width, 3 or 4)."""
    with Image.open(io.BytesIO(segment), formats=["WEBP"]) as image:
        return np.asarray(image.convert("RGB" if channels == 3 else "RGBA"))
