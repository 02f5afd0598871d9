"""Writer for animated WebP: each frame is a still WebP of what has changed. Source: RFC 9649, section 2.7.

libwebp encodes the stills. Its own animation encoder merges equal frames.
"""

import io
import struct
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from PIL import Image

from app.images.frame_changes import Area, find_area, find_changes

MAX_FRAME_MS = 2**24 - 1
MAX_PLAYS = 2**16 - 1
ANIMATION_FLAG, ALPHA_FLAG, PROFILE_FLAG = 0x02, 0x10, 0x20
OVERWRITE_FLAG = 0x02
PIXEL_CHUNKS = (b"ALPH", b"VP8 ", b"VP8L")


def encode_animated_webp(
    images: Sequence[Image.Image], durations_ms: Sequence[float], plays: int, profile: bytes | None, **options: Any
) -> bytes:
    """Encode RGB or RGBA images with Pillow's options for a still. Raises ValueError for a side too long."""
    width, height = images[0].size
    flags = ANIMATION_FLAG | (PROFILE_FLAG if profile else 0)
    flags |= ALPHA_FLAG if any(image.mode == "RGBA" for image in images) else 0
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    chunks = [write_chunk(b"VP8X", struct.pack("<I", flags) + size)]
    if profile:
        chunks.append(write_chunk(b"ICCP", profile))
    chunks.append(write_chunk(b"ANIM", struct.pack("<IH", 0, min(plays, MAX_PLAYS))))
    area = Area(0, 0, width, height)
    for index, image in enumerate(images):
        if index:
            area = make_even(find_area(find_changes(np.asarray(images[index - 1]), np.asarray(image))))
        still = io.BytesIO()
        part = image.crop((area.left, area.top, area.left + area.width, area.top + area.height))
        part.save(still, "WEBP", **options)
        duration = round(min(durations_ms[index], MAX_FRAME_MS))
        numbers = (area.left // 2, area.top // 2, area.width - 1, area.height - 1, duration)
        head = b"".join(number.to_bytes(3, "little") for number in numbers) + bytes([OVERWRITE_FLAG])
        pixels = [write_chunk(kind, body) for kind, body in read_chunks(still.getvalue()) if kind in PIXEL_CHUNKS]
        chunks.append(write_chunk(b"ANMF", head + b"".join(pixels)))
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def make_even(area: Area) -> Area:
    """The area extended to even offsets, which are all that WebP can store."""
    left, top = area.left & ~1, area.top & ~1
    return Area(left, top, area.width + area.left - left, area.height + area.top - top)


def read_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and body of each chunk of a WebP."""
    position = 12
    while position + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, position)
        yield kind, data[position + 8 : position + 8 + length]
        position += 8 + length + length % 2


def write_chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
