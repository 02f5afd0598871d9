"""PNG written here: Pillow takes twenty times as long for the same image, and writes no 16-bit colour.

Pillow tries five filters on every row and then deflates at zlib's level 6. Here one filter is taken for the whole
image, and ISA-L deflates. Source: PNG specification, 3rd edition.
"""

import struct
import zlib

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from app.images.image import Pixels

SUB, UP = 1, 2
DEFLATE_LEVEL = 2  # of ISA-L's 0..3; docs/performance.md has what they cost
FIRST_BLOCK_BYTES = 16
EVERY_NTH_ROW = 16  # is looked at to choose the filter
COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}


def encode_png(pixels: Pixels, profile: bytes | None) -> bytes:
    """A PNG of (height, width, 1..4) uint8 or uint16."""
    height, width, channels = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 8 * pixels.dtype.itemsize, COLOUR_TYPES[channels], 0, 0, 0)
    chunks = [(b"IHDR", header)]
    if profile:
        chunks.append((b"iCCP", b"ICC Profile\0\0" + zlib.compress(profile)))
    rows = pixels.astype(pixels.dtype.newbyteorder(">"), copy=False)
    rows = np.ascontiguousarray(rows).view(np.uint8).reshape(height, -1)
    filtered = filter_rows(rows, channels * pixels.dtype.itemsize)
    chunks += [(b"IDAT", deflate(filtered)), (b"IEND", b"")]
    return b"".join([b"\x89PNG\r\n\x1a\n", *(part for kind, body in chunks for part in frame_chunk(kind, body))])


def filter_rows(rows: NDArray[np.uint8], pixel_bytes: int) -> NDArray[np.uint8]:
    """Rows (height, bytes) with the filter's number before each: differences to the row above, or to the left."""
    filtered = np.empty((rows.shape[0], rows.shape[1] + 1), np.uint8)
    if choose_filter(rows, pixel_bytes) == UP:
        filtered[:, 0] = UP
        filtered[0, 1:] = rows[0]
        np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    else:
        filtered[:, 0] = SUB
        filtered[:, 1 : pixel_bytes + 1] = rows[:, :pixel_bytes]
        np.subtract(rows[:, pixel_bytes:], rows[:, :-pixel_bytes], out=filtered[:, pixel_bytes + 1 :])
    return filtered


def choose_filter(rows: NDArray[np.uint8], pixel_bytes: int) -> int:
    """The one with the smaller sum of absolute differences, the heuristic of the PNG specification, 12.7."""
    sample, above = rows[1::EVERY_NTH_ROW], rows[:-1:EVERY_NTH_ROW]
    if sample.size == 0 or rows.shape[1] <= pixel_bytes:
        return UP
    up = (sample - above).view(np.int8)
    sub = (sample[:, pixel_bytes:] - sample[:, :-pixel_bytes]).view(np.int8)
    return UP if np.abs(up, dtype=np.int16).mean() <= np.abs(sub, dtype=np.int16).mean() else SUB


def deflate(filtered: NDArray[np.uint8]) -> bytes:
    """A zlib stream; the same bytes for the same input.

    ISA-L 2.32 looks for its third byte's match under a hash of whatever a register holds (`write_first_byte` in
    `igzip_icf_body_h1_gr_bt.asm`), so two processes, or two threads, may write different files. A few bytes in a block
    of their own take another way, and what follows them is no first byte any more.
    """
    data = filtered.reshape(-1).data
    stream = isal_zlib.compressobj(DEFLATE_LEVEL)
    first = stream.compress(data[:FIRST_BLOCK_BYTES]) + stream.flush(isal_zlib.Z_SYNC_FLUSH)
    return b"".join([first, stream.compress(data[FIRST_BLOCK_BYTES:]), stream.flush()])


def frame_chunk(kind: bytes, body: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    checksum = isal_zlib.crc32(body, isal_zlib.crc32(kind))
    return struct.pack(">I", len(body)), kind, body, struct.pack(">I", checksum)
