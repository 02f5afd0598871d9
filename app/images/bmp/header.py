"""Headers of BMP files. Sources: Microsoft, Bitmap Storage; OS/2 2.0 Programming Guide; Chromium."""

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.images.errors import CorruptImageError, UnreadableFormatError

FILE_HEADER_BYTES = 14
PIXELS_POSITION = 10
CORE_HEADER_BYTES, INFO_HEADER_BYTES, INFO_HEADER_2_BYTES, INFO_HEADER_3_BYTES = 12, 40, 52, 56
INFO_HEADER_4_BYTES = 108
WINDOWS_HEADERS = (INFO_HEADER_BYTES, INFO_HEADER_2_BYTES, INFO_HEADER_3_BYTES, 108, 124)
OS2_HEADERS = range(16, 65, 4)
"""Headers of OS/2 2.x can be cut off behind any field."""

MAX_COLOURS = 256
MAX_SIDE_PX = 2**16 - 1
"""As in Chromium."""
UNCOMPRESSED, RLE_8, RLE_4, BIT_FIELDS, ALPHA_BIT_FIELDS = 0, 1, 2, 3, 6
OTHER_COMPRESSIONS = {4: "an embedded JPEG", 5: "an embedded PNG", 11: "CMYK", 12: "CMYK in RLE8", 13: "CMYK in RLE4"}
DEFAULT_MASKS = {16: (0x7C00, 0x3E0, 0x1F, 0), 32: (0xFF0000, 0xFF00, 0xFF, 0)}
"""Of red, green, blue and alpha."""
MASKS_WITH_ALPHA = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
"""Of uncompressed 32 bits whose header names a mask for alpha, whichever it is; browsers do the same."""
DEPTHS = {UNCOMPRESSED: (1, 2, 4, 8, 16, 24, 32), RLE_8: (8,), RLE_4: (4,), BIT_FIELDS: (16, 32)}


@dataclass(frozen=True)
class BmpHeader:
    width: int
    height: int
    is_top_down: bool
    bits: int
    """Per pixel."""
    compression: int
    masks: tuple[int, int, int, int]
    palette: NDArray[np.uint8]
    """(colours, 3) RGB; no colours without a palette."""
    pixels_position: int


def read_header(data: bytes) -> BmpHeader:
    """Raises UnreadableFormatError naming a kind that is not read, and CorruptImageError."""
    try:
        (size,) = struct.unpack_from("<I", data, FILE_HEADER_BYTES)
        if size == CORE_HEADER_BYTES:
            width, height, _, bits = struct.unpack_from("<HHHH", data, FILE_HEADER_BYTES + 4)
            compression, colours = UNCOMPRESSED, 0
        elif size in WINDOWS_HEADERS or size in OS2_HEADERS:
            fields = data[FILE_HEADER_BYTES + 4 : FILE_HEADER_BYTES + size].ljust(36, b"\0")
            width, height, _, bits, compression, _, _, _, colours = struct.unpack_from("<iiHHIIiiI", fields)
        else:
            raise CorruptImageError(f"The BMP is damaged: no header has {size} bytes.")
        if size not in WINDOWS_HEADERS and compression > RLE_4:
            raise UnreadableFormatError("A BMP of OS/2 with Huffman or RLE24 compression is not supported; RLE8 is.")
        (pixels_position,) = struct.unpack_from("<I", data, PIXELS_POSITION)
        check_kind(width, height, bits, compression)
        masks, end = read_masks(data, size, bits, compression)
    except struct.error:
        raise CorruptImageError(f"The BMP is cut short: its header is not within {len(data)} bytes.") from None
    palette = read_palette(data, end, bits, colours, 3 if size == CORE_HEADER_BYTES else 4, pixels_position)
    if pixels_position and pixels_position < end:
        raise CorruptImageError(f"The BMP is damaged: its pixels begin at byte {pixels_position}, within the header.")
    entry_bytes = 3 if size == CORE_HEADER_BYTES else 4
    position = pixels_position or end + entry_bytes * len(palette)
    return BmpHeader(width, abs(height), height < 0, bits, compression, masks, palette, position)


def check_kind(width: int, height: int, bits: int, compression: int) -> None:
    if compression not in (*DEPTHS, ALPHA_BIT_FIELDS):
        kind = OTHER_COMPRESSIONS.get(compression, f"the compression {compression}")
        raise UnreadableFormatError(
            f"A BMP with {kind} is not supported; uncompressed pixels, bit fields, RLE4 and RLE8 are."
        )
    depths = DEPTHS[BIT_FIELDS if compression == ALPHA_BIT_FIELDS else compression]
    if bits not in depths:
        raise CorruptImageError(
            f"The BMP is damaged or of a rare kind: {bits} bits per pixel do not go with the compression {compression}."
        )
    if not 1 <= width <= MAX_SIDE_PX or not 1 <= abs(height) <= MAX_SIDE_PX:
        raise CorruptImageError(f"The BMP is damaged: it cannot have {width}×{height} pixels.")


def read_masks(data: bytes, size: int, bits: int, compression: int) -> tuple[tuple[int, int, int, int], int]:
    """The masks of red, green, blue and alpha, and the position after them."""
    end = FILE_HEADER_BYTES + size
    alpha = 0
    if size >= INFO_HEADER_3_BYTES or compression == ALPHA_BIT_FIELDS:
        (alpha,) = struct.unpack_from("<I", data, FILE_HEADER_BYTES + INFO_HEADER_2_BYTES)
    if compression not in (BIT_FIELDS, ALPHA_BIT_FIELDS):
        if bits == 32 and size >= INFO_HEADER_4_BYTES and alpha:
            return MASKS_WITH_ALPHA, end
        return DEFAULT_MASKS.get(bits, (0, 0, 0, 0)), end
    red, green, blue = struct.unpack_from("<III", data, FILE_HEADER_BYTES + INFO_HEADER_BYTES)
    if size == INFO_HEADER_BYTES:
        end += 16 if compression == ALPHA_BIT_FIELDS else 12
    masks = (red, green, blue, alpha)
    reject_wrong_masks(masks, bits)
    return masks, end


def reject_wrong_masks(masks: tuple[int, int, int, int], bits: int) -> None:
    """The bits of a mask are adjacent and lie within the pixel. Masks may overlap."""
    for mask in masks:
        lowest = mask & -mask
        if mask & (mask + lowest) or mask >> bits:
            raise CorruptImageError(
                f"The BMP is damaged: the bit field {mask:X} has gaps, or exceeds the {bits} bits of a pixel."
            )


def read_palette(
    data: bytes, position: int, bits: int, colours: int, entry_bytes: int, pixels_position: int
) -> NDArray[np.uint8]:
    if bits > 8:
        return np.empty((0, 3), np.uint8)
    # Like Chromium, require all colours that are announced, although 2 to the power of the bits are used.
    announced = min(colours or 2**bits, MAX_COLOURS)
    if position + announced * entry_bytes > len(data):
        raise CorruptImageError(f"The BMP is cut short: its palette is not within {len(data)} bytes.")
    count = min(announced, 2**bits)
    if pixels_position > position:  # some writers store fewer colours than they announce
        count = min(count, (pixels_position - position) // entry_bytes)
    stored = np.frombuffer(data[position : position + count * entry_bytes], np.uint8)
    return stored.reshape(count, entry_bytes)[:, 2::-1]
