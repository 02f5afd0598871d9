"""Structure of JPEG files. Source: ITU-T T.81, annex B."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from app.images.complexity import ComplexityCounter
from app.images.file_facts import FileFacts
from app.images.formats import FORMATS
from app.images.jpeg_scans import find_missing_data, renumber_restarts
from app.images.limits import ImageLimits

START_OF_IMAGE = 0xD8
START_OF_SCAN = 0xDA
END_OF_IMAGE = 0xD9
APP_0, APP_14 = 0xE0, 0xEE
WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}
"""Markers that are not followed by a segment."""
SHORT_SEGMENTS = {APP_0: (b"JFIF", 14), APP_14: (b"Adobe", 12)}
"""Segments that libjpeg ignores if they have fewer bytes than this. Pillow rejects the file."""

Segment = tuple[int, int, int]
"""Marker, and the positions of the segment's first byte after its length and of the byte after it."""


def inspect_jpeg(data: bytes, limits: ImageLimits) -> FileFacts:
    """Read the segments before the first scan, and all scans if there can be too many or one can lack data."""
    counter = ComplexityCounter(len(data), limits)
    segments = list(find_segments(data, 2, counter))
    position = segments[-1][2] if segments and segments[-1][0] == START_OF_SCAN else len(data)
    # Every scan begins with these two bytes. They can also occur in metadata, so a high count is not yet a verdict.
    if 1 + data.count(b"\xff\xda", position) > limits.max_jpeg_scans:
        counter.add_scan()
        for marker, _, _ in find_later_segments(data, position, counter):
            if marker == START_OF_SCAN:
                counter.add_scan()
    facts = FileFacts(
        FORMATS["jpeg"], damage=find_missing_data(data, segments, find_later_segments(data, position, counter))
    )
    repaired = clean_header(renumber_restarts(data, segments, position), segments)
    return facts if repaired is data else replace(facts, repaired=repaired)


def find_segments(data: bytes, position: int, counter: ComplexityCounter) -> Iterator[Segment]:
    """The segments up to the header of the first scan."""
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            position += 1  # like the decoders, search for the next marker
            counter.add_blocks()
            continue
        marker = data[position + 1]
        if marker == 0xFF or marker in WITHOUT_LENGTH:
            counter.add_blocks()
            position += 1 if marker == 0xFF else 2
            continue
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        yield marker, position + 4, end
        if marker == START_OF_SCAN:
            return
        counter.add_blocks()
        counter.add_metadata(end - position - 2)
        position = end


def find_later_segments(data: bytes, position: int, counter: ComplexityCounter) -> Iterator[Segment]:
    """The segments of the file's first image after the header of its first scan."""
    for found in find_markers(data, position):
        place = int(found)
        if place < position:  # within a segment
            continue
        counter.add_blocks()
        marker, position = data[place], place + 1
        if marker == END_OF_IMAGE:
            yield marker, position, position
            return
        end = position + int.from_bytes(data[position : position + 2], "big")
        yield marker, position + 2, end
        position = end


def find_markers(data: bytes, position: int) -> NDArray[np.intp]:
    """Positions of all bytes after FF that name a segment or the end.

    In compressed data, FF is also followed by 0 (a stuffed byte), D0 to D7 (a restart) and FF (a filler). Lower
    markers are undefined; a decoder that resynchronizes reads on right after them.
    """
    values = np.frombuffer(data, np.uint8)[position:]
    followers = values[1:]
    is_segment = (followers >= 0xC0) & (followers & 0xF8 != 0xD0) & (followers != START_OF_IMAGE) & (followers != 0xFF)
    return np.flatnonzero((values[:-1] == 0xFF) & is_segment) + position + 1


def clean_header(data: bytes, segments: list[Segment]) -> bytes:
    """Remove segments that are too short to be read and bytes between segments, which decoders ignore.

    Returns `data` itself if there are none.
    """
    kept, is_clean, position = [data[:2]], True, 2
    for marker, start, end in segments:
        name, min_bytes = SHORT_SEGMENTS.get(marker, (b"", 0))
        is_short = bool(name) and end - start < min_bytes and data.startswith(name, start)
        is_clean = is_clean and not is_short and start - 4 == position
        if not is_short:
            kept.append(data[start - 4 : end])
        position = end
    return data if is_clean else b"".join([*kept, data[position:]])
