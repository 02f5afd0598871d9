"""Writer for animated PNG, with 16 bits and equal frames. Source: PNG specification, 3rd edition, 11.3.6.

Pillow's writer reduces to 8 bits and merges equal frames.
"""

import math
import struct
from collections.abc import Sequence
from fractions import Fraction

from app.images.apng import BLEND_SOURCE
from app.images.frame_changes import Area, find_area, find_changes
from app.images.image import Frame
from app.images.png import Chunk, deflate_pixels, describe_pixels, write_chunks

DISPOSE_NONE = 0
MAX_16_BITS, MAX_32_BITS = 2**16 - 1, 2**32 - 1


def encode_apng(frames: Sequence[Frame], plays: int, profile: bytes | None) -> bytes:
    """Encode two or more frames of (height, width, 1..4) uint8 or uint16. Each frame overwrites what has changed."""
    first = frames[0].pixels
    height, width = first.shape[:2]
    chunks = describe_pixels(first, profile)
    chunks.append((b"acTL", struct.pack(">II", len(frames), min(plays, MAX_32_BITS))))
    chunks.append(describe_frame(0, Area(0, 0, width, height), frames[0].duration_ms))
    chunks.append((b"IDAT", deflate_pixels(first)))
    for index, frame in enumerate(frames[1:], 1):
        area = find_area(find_changes(frames[index - 1].pixels, frame.pixels))
        chunks.append(describe_frame(2 * index - 1, area, frame.duration_ms))
        chunks.append((b"fdAT", struct.pack(">I", 2 * index) + deflate_pixels(area.crop(frame.pixels))))
    return write_chunks([*chunks, (b"IEND", b"")])


def describe_frame(sequence: int, area: Area, duration_ms: float) -> Chunk:
    """The fcTL chunk. `sequence` counts the fcTL and fdAT chunks."""
    delay = approximate_seconds(duration_ms)
    return b"fcTL", struct.pack(
        ">IIIIIHHBB", sequence, area.width, area.height, area.left, area.top,
        delay.numerator, delay.denominator, DISPOSE_NONE, BLEND_SOURCE,
    )  # fmt: skip


def approximate_seconds(duration_ms: float) -> Fraction:
    """The nearest fraction of two 16-bit numbers. Longer durations become the maximum."""
    seconds = Fraction(duration_ms) / 1000
    if seconds >= MAX_16_BITS:
        return Fraction(MAX_16_BITS)
    return seconds.limit_denominator(min(MAX_16_BITS, MAX_16_BITS // max(1, math.ceil(seconds))))
