"""Decompression bombs: small image files that cost a lot to decode. Each is valid or nearly valid."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

from tests.support.images import encode, encode_frames, write_chunk

SIDE = 64


def write_scan_bomb(scans: int) -> bytes:
    """A progressive JPEG that repeats its first scan."""
    image = encode(Image.new("L", (SIDE, SIDE), 90), "JPEG", progressive=True)
    first = image.index(b"\xff\xda")
    second = image.index(b"\xff", first + 2)
    while image[second + 1] == 0 or 0xD0 <= image[second + 1] <= 0xD7:
        second = image.index(b"\xff", second + 2)
    scan = image[first:second]
    return image[:first] + scan * scans + image[second:]


def write_segment_bomb(segments: int) -> bytes:
    """A JPEG with many empty comments."""
    image = encode(Image.new("L", (8, 8)), "JPEG")
    return image[:2] + b"\xff\xfe\x00\x02" * segments + image[2:]


def write_chunk_bomb(chunks: int, kind: bytes = b"tEXt", body: bytes = b"a\0") -> bytes:
    """A PNG with many tiny chunks."""
    return insert_into_png(write_chunk(kind, body) * chunks)


def write_inflating_png(inflated_bytes: int, kind: bytes) -> bytes:
    """A PNG whose texts or profile inflate to a thousand times their size: 900 kB a chunk, as Pillow rejects 1 MiB."""
    head = {b"zTXt": b"a\0\0", b"iCCP": b"a\0\0", b"iTXt": b"a\0\1\0\0\0"}[kind]
    size = 900_000
    chunk = write_chunk(kind, head + zlib.compress(bytes(size), 9))
    return insert_into_png(chunk * (inflated_bytes // size))


def insert_into_png(chunks: bytes) -> bytes:
    image = encode(Image.new("L", (8, 8)), "PNG")
    return image[:33] + chunks + image[33:]


def write_frame_bomb(frames: int, format: str) -> bytes:
    images = [Image.fromarray(np.full((1, 1), index % 2 * 255, np.uint8)) for index in range(frames)]
    return encode_frames(images, format, duration=10)


def write_gif_of_tiny_blocks(blocks: int) -> bytes:
    """A GIF with a comment in sub-blocks of one byte."""
    image = encode(Image.new("L", (8, 8)), "GIF")
    palette_end = 13 + 3 * 2 ** ((image[10] & 7) + 1) * bool(image[10] & 0x80)
    return image[:palette_end] + b"!\xfe" + b"\x01x" * blocks + b"\0" + image[palette_end:]


def write_tiff_of_pages(pages: int) -> bytes:
    """A TIFF with a chain of directories of one tag each."""
    parts = [b"II*\0", struct.pack("<I", 8)]
    for index in range(pages):
        following = 8 + (index + 1) * 18 if index + 1 < pages else 0
        parts.append(struct.pack("<HHHIII", 1, 256, 3, 1, 1, following))
    return b"".join(parts)


def write_tiff_of_values(values: int) -> bytes:
    """A TIFF whose header declares that many strips."""
    image = bytearray(encode(Image.new("L", (8, 8)), "TIFF"))
    (directory,) = struct.unpack_from("<I", image, 4)
    (entries,) = struct.unpack_from("<H", image, directory)
    for index in range(entries):
        at = directory + 2 + 12 * index
        if struct.unpack_from("<H", image, at)[0] == 273:  # StripOffsets
            struct.pack_into("<HII", image, at + 2, 4, values, len(image))
    return bytes(image) + struct.pack("<I", 8) * values


def write_looping_tiff() -> bytes:
    """A TIFF whose first directory links to itself."""
    buffer = io.BytesIO()
    Image.new("L", (8, 8)).save(buffer, "TIFF")
    image = bytearray(buffer.getvalue())
    (directory,) = struct.unpack_from("<I", image, 4)
    (entries,) = struct.unpack_from("<H", image, directory)
    struct.pack_into("<I", image, directory + 2 + 12 * entries, directory)
    return bytes(image)
