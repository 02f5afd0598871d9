"""Structure of AVIF: how often a sequence is shown, and whether the pixels are lossless.

Sources: ISO/IEC 14496-12 (boxes; tkhd 8.3.2, elst 8.6.6), AV1 Image File Format 1.2, ITU-T H.273 (matrix coefficients).
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from app.images.isobmff import Box

LOSSLESS_MATRICES = (0, 16, 17)
"""RGB as it is, and its reversible forms (YCgCo-Re and YCgCo-Ro): encoders choose them for lossless images."""
NCLX = b"colrnclx"
MATRIX_OFFSET = len(NCLX) + 4
REPEATS = 1


def read_boxes(data: bytes, start: int, end: int) -> Iterator[Box]:
    """The boxes between two positions. A damaged size ends them."""
    while start + 8 <= end:
        size, header = int.from_bytes(data[start : start + 4]), 8
        if size == 1:
            size, header = int.from_bytes(data[start + 8 : start + 16]), 16
        elif size == 0:
            size = end - start
        if size < header or start + size > end:
            return
        yield Box(data[start + 4 : start + 8], start + header, start + size)
        start += size


def find_boxes(data: bytes, path: Sequence[bytes], start: int = 0, end: int | None = None) -> list[Box]:
    """All boxes at a path, such as moov/trak/tkhd."""
    found = [box for box in read_boxes(data, start, len(data) if end is None else end) if box.kind == path[0]]
    if len(path) == 1:
        return found
    return [inner for box in found for inner in find_boxes(data, path[1:], box.start, box.end)]


class Duration(NamedTuple):
    """A duration in a box that comes in a version of 32 and one of 64 bits. All bits set means forever."""

    offset: int
    size: int

    def read(self, data: bytes) -> int | None:
        value = int.from_bytes(data[self.offset : self.offset + self.size])
        return None if value == self.longest else value

    @property
    def longest(self) -> int:
        return 256**self.size - 1


def find_duration(data: bytes, box: Box, before: int) -> Duration:
    """The duration after `before` other bytes, and twice a time of the same size in tkhd and mvhd."""
    size = 8 if data[box.start] == 1 else 4
    times = 0 if box.kind == b"elst" else 2 * size
    return Duration(box.start + 4 + times + before, size)


def read_plays(data: bytes) -> int:
    """Number of times the first track is shown; 0 is forever, as in Chromium also without an edit list."""
    for track in find_boxes(data, [b"moov", b"trak"]):
        headers = find_boxes(data, [b"tkhd"], track.start, track.end)
        edits = find_boxes(data, [b"edts", b"elst"], track.start, track.end)
        if not headers or not edits:
            return 0
        if not data[edits[0].start + 3] & REPEATS:
            return 1
        total = find_duration(data, headers[0], 8).read(data)
        once = find_duration(data, edits[0], 4).read(data)
        return -(-total // once) if total and once else 0
    return 0


def set_plays(data: bytes, plays: int) -> bytes:
    """A copy that is shown `plays` times, of a file with repeating edit lists, as libavif writes them."""
    changed = bytearray(data)
    once = [
        find_duration(data, box, 4).read(data) or 0 for box in find_boxes(data, [b"moov", b"trak", b"edts", b"elst"])
    ]
    boxes = [(box, 8) for box in find_boxes(data, [b"moov", b"trak", b"tkhd"])]
    boxes += [(box, 4) for box in find_boxes(data, [b"moov", b"mvhd"])]
    for box, before in boxes:
        duration = find_duration(data, box, before)
        total = min(plays * max(once), duration.longest - 1) if plays and once else duration.longest
        changed[duration.offset : duration.offset + duration.size] = total.to_bytes(duration.size)
    return bytes(changed)


def is_lossless(data: bytes) -> bool:
    """Whether the colours are stored in a way that only lossless encoders choose."""
    position = data.find(NCLX)
    matrix = data[position + MATRIX_OFFSET : position + MATRIX_OFFSET + 2]
    return position >= 0 and int.from_bytes(matrix) in LOSSLESS_MATRICES


def prepare(data: bytes, metadata_positions: Sequence[int]) -> bytes:
    """Make Pillow accept what browsers display: AVIF that is not the major brand of its file, and damaged metadata."""
    has_own_brand = data[8:12] in (b"avif", b"avis")
    if has_own_brand and not metadata_positions:
        return data
    prepared = bytearray(data)
    if not has_own_brand:
        prepared[8:12] = b"avif"
    for position in metadata_positions:
        prepared[position : position + 4] = b"skip"
    return bytes(prepared)
