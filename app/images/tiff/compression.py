"""Decompression of TIFF segments to rows of bytes, by the libtiff inside Pillow.

libtiff gets the segments in a TIFF of our own that says 8-bit grey (or 1-bit for CCITT), so that it decompresses the
bytes and interprets nothing: neither bits, samples, byte order nor colour. This reads every layout in the same way.
"""

import io
import struct
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from app.images.errors import CorruptImageError
from app.images.tiff.layout import CCITT, NO_COMPRESSION

MAX_BYTES_TOGETHER = 2**25
"""Decompressed at once, so that memory is not needed twice for the whole image."""
REVERSED_BITS = np.packbits(np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)[:, ::-1], axis=1).tobytes()
FACSIMILE_PADDING = bytes(4)
LONG = 4


def decompress(
    segments: Sequence[bytes | memoryview], compression: int, row_bits: int, segment_rows: int, rows: int, options: int
) -> NDArray[np.uint8]:
    """Decompress segments of `segment_rows` rows each, the last one perhaps shorter, to (rows, bytes).

    `options` is the tag T4Options or T6Options. Raises CorruptImageError for segments that are too short, or what
    Pillow raises.
    """
    row_bytes = -(-row_bits // 8)
    decompressed = np.empty((rows, row_bytes), np.uint8)
    together = max(1, MAX_BYTES_TOGETHER // (segment_rows * row_bytes))
    for first in range(0, len(segments), together):
        group = segments[first : first + together]
        start = first * segment_rows
        end = min(start + len(group) * segment_rows, rows)
        if compression == NO_COMPRESSION:
            decompressed[start:end] = join_raw(group, row_bytes, segment_rows, end - start)
        else:
            decompressed[start:end] = run_libtiff(group, compression, row_bits, segment_rows, end - start, options)
    return decompressed


def join_raw(segments: Sequence[bytes | memoryview], row_bytes: int, segment_rows: int, rows: int) -> NDArray[np.uint8]:
    pieces = []
    for index, segment in enumerate(segments):
        size = min(segment_rows, rows - index * segment_rows) * row_bytes
        if len(segment) < size:
            raise CorruptImageError(
                f"The TIFF is damaged or cut short: a strip or tile has {len(segment)} bytes of {size}."
            )
        pieces.append(segment[:size])
    return np.frombuffer(b"".join(pieces), np.uint8).reshape(rows, row_bytes)


def run_libtiff(
    segments: Sequence[bytes | memoryview], compression: int, row_bits: int, segment_rows: int, rows: int, options: int
) -> NDArray[np.uint8]:
    from PIL import TiffImagePlugin

    is_bilevel = compression in CCITT
    if is_bilevel:  # libtiff loses the last row of some segments that end with their last code
        segments = [b"".join([segment, FACSIMILE_PADDING]) for segment in segments]
    width = row_bits if is_bilevel else -(-row_bits // 8)
    file = wrap_segments(segments, compression, width, segment_rows, rows, 1 if is_bilevel else 8, options)
    with TiffImagePlugin.TiffImageFile(io.BytesIO(file)) as image:
        image.load()
        pixels = np.asarray(image)
    return np.packbits(pixels, axis=1) if is_bilevel else pixels


def wrap_segments(
    segments: Sequence[bytes | memoryview],
    compression: int,
    width: int,
    segment_rows: int,
    rows: int,
    bits: int,
    options: int,
) -> bytes:
    """A TIFF of one grey page in strips, which holds the segments."""
    sizes = [len(segment) for segment in segments]
    offsets = [8 + sum for sum in np.cumsum([0, *sizes[:-1]]).tolist()]
    tags: list[tuple[int, Sequence[int]]] = [
        (256, [width]), (257, [rows]), (258, [bits]), (259, [compression]), (262, [1]), (273, offsets), (277, [1]),
        (278, [segment_rows]), (279, sizes), (292, [options]), (293, [options]),
    ]  # fmt: skip
    body = b"".join(segments)
    directory = 8 + len(body)
    return b"".join([b"II*\0", struct.pack("<I", directory), body, *write_directory(tags, directory)])


def write_directory(tags: Sequence[tuple[int, Sequence[int]]], position: int) -> Iterator[bytes]:
    """A directory of LONG values for `position`, followed by the values that do not fit into it."""
    yield struct.pack("<H", len(tags))
    position += 2 + 12 * len(tags) + 4
    outside = []
    for tag, values in tags:
        if len(values) == 1:
            yield struct.pack("<HHII", tag, LONG, 1, values[0])
        else:
            yield struct.pack("<HHII", tag, LONG, len(values), position)
            outside.append(struct.pack(f"<{len(values)}I", *values))
            position += len(outside[-1])
    yield bytes(4)
    yield from outside


def reverse_bits(segment: bytes | memoryview) -> bytes:
    """For pages with FillOrder 2, whose first pixel is in the lowest bit."""
    return bytes(segment).translate(REVERSED_BITS)
