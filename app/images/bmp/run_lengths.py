"""Run-length encoded BMP pixels. Sources: Microsoft, Bitmap Compression; Chromium, bmp_image_reader.cc."""

import numpy as np
from numpy.typing import NDArray

from app.images.errors import CorruptImageError

NIBBLES = [bytes((byte >> 4, byte & 15)) for byte in range(256)]
END_OF_LINE, END_OF_IMAGE, MOVE = 0, 1, 2


def expand_runs(data: bytes, width: int, height: int, bits: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Expand to palette indices (height, width) in the order of the file, and to which of them are skipped.

    Like Chromium, ignores what lies beyond the image. Raises CorruptImageError without the mark of the end.
    """
    indices, drawn = bytearray(width * height), bytearray(width * height)
    x = y = position = 0
    while position + 2 <= len(data):
        count, code = data[position], data[position + 1]
        position += 2
        if count:
            run = bytes([code]) * count if bits == 8 else split_nibbles(bytes([code]) * (count // 2 + 1))
        elif code == END_OF_IMAGE:
            return shape(indices, width, height), shape(drawn, width, height) == 0
        elif code == END_OF_LINE:
            x, y = 0, y + 1
            continue
        elif code == MOVE:
            move = data[position : position + 2]
            position += 2
            if len(move) == 2:
                x, y = x + move[0], y + move[1]
            continue
        else:
            stored_bytes = code if bits == 8 else (code + 1) // 2
            run = data[position : position + stored_bytes]
            position += stored_bytes + stored_bytes % 2
            if len(run) < stored_bytes:
                break
            run, count = (run if bits == 8 else split_nibbles(run)), code
        length = max(0, min(count, width - x)) if y < height else 0
        start = y * width + x
        if length:
            indices[start : start + length] = run[:length]
            drawn[start : start + length] = b"\1" * length
        x += count
    raise CorruptImageError(f"The BMP is cut short: its runs end without a mark in row {y + 1} of {height}.")


def split_nibbles(packed: bytes) -> bytes:
    return b"".join(NIBBLES[byte] for byte in packed)


def shape(values: bytearray, width: int, height: int) -> NDArray[np.uint8]:
    return np.frombuffer(bytes(values), np.uint8).reshape(height, width)
