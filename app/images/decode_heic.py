"""Decoding of HEIC: the primary image, upright, in 8 or 16 bits."""

import numpy as np

from app.images.errors import CorruptImageError
from app.images.file_facts import FileFacts
from app.images.formats import HEIC
from app.images.image import DecodedImage, Frame, Pixels
from app.images.straight_alpha import divide_by_alpha

CHANNELS = {"L": 1, "I": 1, "LA": 2, "RGB": 3, "RGBA": 4, "RGBa": 4}
"""By the part of the mode before the number of bits."""


def decode_heic(data: bytes, facts: FileFacts) -> DecodedImage:
    """Decode a file that was inspected. Images of 10 and 12 bits get 16. Raises CorruptImageError.

    libheif crops, rotates and mirrors after the properties `clap`, `irot` and `imir`. As in the standard, the
    orientation in EXIF has no effect.
    """
    import pi_heif

    pi_heif.options.DECODE_THREADS = 1  # a worker has one core
    try:
        file = pi_heif.open_heif(data, convert_hdr_to_8bit=False, hdr_to_16bit=False)
        mode, _, bits = file.mode.partition(";")
        pixels = np.array(file)  # a copy: the file owns the memory, and frees it
        pixels = pixels.reshape(file.size[1], file.size[0], CHANNELS[mode])
    except (ValueError, EOFError, SyntaxError, RuntimeError, OSError, KeyError) as error:
        raise CorruptImageError(f"The HEIF is damaged or of a rare kind: {error}.") from None
    if bits:
        pixels = expand_to_16_bits(pixels, int(bits))
    if mode == "RGBa":
        pixels = divide_by_alpha(pixels)
    return DecodedImage(
        (Frame(pixels),), HEIC, file.info.get("icc_profile") or None, colour=facts.colour, backend="libheif"
    )


def expand_to_16_bits(pixels: Pixels, bits: int) -> Pixels:
    """Scale 0..2**bits - 1 to 0..65535, rounded."""
    levels = np.rint(np.linspace(0, 65535, 1 << bits)).astype(np.uint16)
    return levels[pixels]
