"""Structure of JPEG files. Source: ITU-T T.81, annex B."""

import re
from collections.abc import Iterator

from app.images.complexity import ComplexityCounter
from app.images.file_facts import FileFacts
from app.images.formats import FORMATS
from app.images.limits import ImageLimits

START_OF_SCAN = 0xDA
END_OF_IMAGE = 0xD9
WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}
"""Markers that are not followed by a segment."""
MARKER_IN_SCAN = re.compile(rb"\xff+([\x01-\xcf\xd8-\xfe])")
"""In compressed data, FF is also followed by 00 (a stuffed byte) and by D0 to D7 (a restart)."""


def inspect_jpeg(data: bytes, limits: ImageLimits) -> FileFacts:
    """Read the segments before the first scan, and count the scans if there can be too many."""
    counter = ComplexityCounter(len(data), limits)
    position = skip_segments(data, 2, counter)
    # Every scan begins with these two bytes. They can also occur in metadata, so a high count is not yet a verdict.
    if data.count(b"\xff\xda", position) > limits.max_jpeg_scans:
        for _ in find_scans(data, position):
            counter.add_scan()
    return FileFacts(FORMATS["jpeg"])


def skip_segments(data: bytes, position: int, counter: ComplexityCounter) -> int:
    """Position of the first scan, or of the end of the file."""
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            position += 1  # like the decoders, search for the next marker
            counter.add_blocks()
            continue
        marker = data[position + 1]
        if marker == START_OF_SCAN:
            return position
        counter.add_blocks()
        if marker == 0xFF:
            position += 1
        elif marker in WITHOUT_LENGTH:
            position += 2
        else:
            length = int.from_bytes(data[position + 2 : position + 4], "big")
            counter.add_metadata(length)
            position += 2 + length
    return len(data)


def find_scans(data: bytes, position: int) -> Iterator[int]:
    """Positions of the scans of the file's first image, from the first scan's position on."""
    while (match := MARKER_IN_SCAN.search(data, position)) is not None:
        marker = match[1][0]
        position = match.end()
        if marker == END_OF_IMAGE:
            return
        if marker == START_OF_SCAN:
            yield match.start()
        elif marker >= 0xC0:  # lower markers are undefined; a decoder that resynchronizes reads on right after them
            position += int.from_bytes(data[position : position + 2], "big")
