"""Decoding of plain JPEGs without Pillow, which takes longer to open a small file than the decoder to decode it.

Plain: a JFIF file with 8 bits a channel, grey or YCbCr, and no metadata: no EXIF, ICC profile, Adobe marker or further
images. Pillow reads all other files, and decides about files that the decoder rejects.
"""

import struct
from typing import NamedTuple

from app.images.fast_codecs import JPEG_SAMPLINGS, decode_jpeg
from app.images.formats import FORMATS
from app.images.image import DecodedImage, Frame, JpegSampling

FRAME_HEADERS = (0xC0, 0xC1, 0xC2)
"""SOF0 to SOF2: baseline, extended and progressive, with Huffman coding."""
WITHOUT_EFFECT_ON_PIXELS = (0xC4, 0xDB, 0xDD, 0xFE)
"""DHT, DQT and DRI, which the decoder reads, and COM."""
START_OF_SCAN = 0xDA
JFIF = b"\xff\xd8\xff\xe0\x00\x10JFIF\0"
"""The first bytes of a JFIF file whose header has no thumbnail."""
JFIF_BYTES = 20
SAMPLINGS: dict[int, JpegSampling] = {factors: name for name, factors in JPEG_SAMPLINGS.items()}


class PlainHeader(NamedTuple):
    """The frame header of a plain JPEG. Source: ITU-T T.81, annex B.2.2."""

    height: int
    width: int
    channels: int
    sampling: JpegSampling | None
    """None for grey and for rare subsampling."""


def decode_plain_jpeg(data: bytes, max_pixels: int, enough_px: int | None) -> DecodedImage | None:
    """Decode a plain JPEG. None for other files, for those that the decoder rejects, and for those that are too large.

    None also for an image that can be decoded at a reduced size: its longer side is at least twice `enough_px`.
    """
    header = read_plain_header(data)
    if header is None or header.width * header.height > max_pixels:
        return None
    if enough_px is not None and max(header.width, header.height) >= 2 * enough_px:
        return None
    pixels = decode_jpeg(data, header.channels)
    if pixels is None or pixels.shape != header[:3]:
        return None
    frame = Frame(pixels)
    return DecodedImage((frame,), FORMATS["jpeg"], jpeg_sampling=header.sampling, backend="libjpeg-turbo")


def read_plain_header(data: bytes) -> PlainHeader | None:
    """The header of a plain JPEG, if only known segments precede its first scan; otherwise None."""
    if not data.startswith(JFIF):
        return None
    header = None
    position = JFIF_BYTES
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker, length = struct.unpack_from(">BH", data, position + 1)
        if marker == START_OF_SCAN:
            return header
        if marker in FRAME_HEADERS and header is None:
            header = read_frame_header(data[position + 4 : position + 2 + length])
            if header is None:
                return None
        elif marker not in WITHOUT_EFFECT_ON_PIXELS:
            return None
        position += 2 + length
    return None


def read_frame_header(segment: bytes) -> PlainHeader | None:
    """`segment`: precision, height, width and number of components, and for each its id, factors and table."""
    if len(segment) < 6:
        return None
    precision, height, width, channels = struct.unpack_from(">BHHB", segment)
    if precision != 8 or channels not in (1, 3) or 0 in (height, width) or len(segment) != 6 + 3 * channels:
        return None
    sampling = SAMPLINGS.get(int.from_bytes(segment[7::3])) if channels == 3 else None
    return PlainHeader(height, width, channels, sampling)
