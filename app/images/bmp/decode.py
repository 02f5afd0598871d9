"""Decoding of BMP to grey, RGB or RGBA. Sources: Microsoft, Bitmap Storage; Chromium, bmp_image_reader.cc."""

import numpy as np
from numpy.typing import NDArray

from app.images.bmp.header import RLE_4, RLE_8, BmpHeader, read_header
from app.images.bmp.run_lengths import expand_runs
from app.images.errors import CorruptImageError, ImageTooLargeError
from app.images.image import Pixels
from app.images.limits import ImageLimits, describe_limit

BLACK = np.zeros((1, 3), np.uint8)


def decode_bmp(data: bytes, limits: ImageLimits) -> Pixels:
    """Decode to (height, width, 1, 3 or 4) uint8.

    Raises UnreadableFormatError, CorruptImageError and ImageTooLargeError.
    """
    header = read_header(data)
    if header.width * header.height > limits.max_pixels:
        raise ImageTooLargeError(describe_limit(f"{header.width}×{header.height} pixels", limits))
    if header.compression in (RLE_4, RLE_8):
        indices, skipped = expand_runs(data[header.pixels_position :], header.width, header.height, header.bits)
        pixels = look_up(indices, header.palette)
        pixels[skipped] = 0
    else:
        rows = read_rows(data, header)
        if header.bits <= 8:
            pixels = look_up(unpack_indices(rows, header), header.palette)
        elif header.bits == 24:
            pixels = rows[:, : 3 * header.width].reshape(header.height, header.width, 3)[:, :, ::-1]
        else:
            pixels = separate_fields(rows, header)
    return np.ascontiguousarray(pixels if header.is_top_down else pixels[::-1])


def read_rows(data: bytes, header: BmpHeader) -> NDArray[np.uint8]:
    """(height, bytes), as stored. Each row is filled to a multiple of four bytes."""
    row_bytes = -(-header.width * header.bits // 32) * 4
    size = row_bytes * header.height
    stored = data[header.pixels_position : header.pixels_position + size]
    if len(stored) < size:
        raise CorruptImageError(f"The BMP is cut short: its pixels have {len(stored)} bytes of {size}.")
    return np.frombuffer(stored, np.uint8).reshape(header.height, row_bytes)


def unpack_indices(rows: NDArray[np.uint8], header: BmpHeader) -> NDArray[np.uint8]:
    if header.bits == 8:
        return rows[:, : header.width]
    ones = np.unpackbits(rows, axis=1).reshape(header.height, -1, header.bits)
    return (ones @ (1 << np.arange(header.bits, dtype=np.uint8)[::-1]))[:, : header.width]


def look_up(indices: NDArray[np.uint8], palette: NDArray[np.uint8]) -> Pixels:
    """Grey if the whole palette is grey, else RGB. Indices beyond the palette are black."""
    colours = np.concatenate([palette, np.repeat(BLACK, 256 - len(palette), axis=0)])
    is_grey = (palette == palette[:, :1]).all()
    return colours[:, :1][indices] if is_grey else colours[indices]


def separate_fields(rows: NDArray[np.uint8], header: BmpHeader) -> Pixels:
    """RGB or RGBA from the bit fields of 16 or 32 bits."""
    words = rows.view("<u2" if header.bits == 16 else "<u4")[:, : header.width]
    masks = header.masks if header.masks[3] else header.masks[:3]
    return np.stack([extract_field(words, mask) for mask in masks], axis=2)


def extract_field(words: NDArray[np.generic], mask: int) -> NDArray[np.uint8]:
    """Bring one field to 8 bits: wider ones lose their low bits, narrower ones are stretched."""
    if not mask:
        return np.zeros(words.shape, np.uint8)
    shift = (mask & -mask).bit_length() - 1
    bits = (mask >> shift).bit_length()
    if bits > 8:
        shift, bits = shift + bits - 8, 8
    values = (words >> words.dtype.type(shift)) & words.dtype.type(2**bits - 1)  # type: ignore[operator]
    table = np.rint(np.arange(2**bits) * (255 / (2**bits - 1))).astype(np.uint8)
    return table[values]
