"""The ICC profile of a BMP. Source: Microsoft, BITMAPV5HEADER."""

import struct

from app.images.complexity import ComplexityCounter
from app.images.limits import ImageLimits

FILE_HEADER_BYTES, V5_HEADER_BYTES = 14, 124
EMBEDDED_PROFILE = int.from_bytes(b"MBED", "big")
"""Value of `bV5CSType`. As in browsers, a link to a profile and the end points of version 4 have no effect."""


def read_bmp_profile(data: bytes, limits: ImageLimits) -> bytes | None:
    """The embedded profile; None if there is none, or if it does not fit the file. Raises ImageTooComplexError."""
    header = data[FILE_HEADER_BYTES : FILE_HEADER_BYTES + V5_HEADER_BYTES]
    if len(header) < V5_HEADER_BYTES or struct.unpack_from("<I", header)[0] < V5_HEADER_BYTES:
        return None
    (kind,) = struct.unpack_from("<I", header, 56)
    offset, size = struct.unpack_from("<II", header, 112)
    start = FILE_HEADER_BYTES + offset
    if kind != EMBEDDED_PROFILE or size == 0 or start + size > len(data):
        return None
    ComplexityCounter(len(data), limits).add_metadata(size)
    return data[start : start + size]
