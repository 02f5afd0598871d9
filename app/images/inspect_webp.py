"""Structure of WebP files. Source: RFC 9649."""

import struct

from app.images.complexity import ComplexityCounter
from app.images.file_facts import FileFacts
from app.images.formats import FORMATS
from app.images.limits import ImageLimits
from app.images.webp_alpha import set_alpha_hint

HEADER_BYTES = 12
FRAME_CHUNK = b"ANMF"
FRAME_HEADER_BYTES = 16
LOSSY_CHUNK, LOSSLESS_CHUNK = b"VP8 ", b"VP8L"
METADATA_CHUNKS = (b"ICCP", b"EXIF", b"XMP ")


def inspect_webp(data: bytes, limits: ImageLimits) -> FileFacts:
    """Read all chunks up to the end that the header declares. The decoder ignores what follows it."""
    counter = ComplexityCounter(len(data), limits)
    position = HEADER_BYTES
    end = min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    codings = set()
    while position + 8 <= end:
        kind, length = struct.unpack_from("<4sI", data, position)
        counter.add_blocks()
        if kind == FRAME_CHUNK:
            counter.add_frame()
            start = position + 8 + FRAME_HEADER_BYTES
            codings.add(data[start : start + 4])
        elif kind in (LOSSY_CHUNK, LOSSLESS_CHUNK):
            codings.add(kind)
        elif kind in METADATA_CHUNKS:
            # A damaged length can exceed the file.
            counter.add_metadata(min(length, len(data) - counter.metadata_bytes))
        position += 8 + length + length % 2
    repaired, is_alpha_hidden = set_alpha_hint(data)
    return FileFacts(
        FORMATS["webp"],
        may_be_animated=FRAME_CHUNK in data,
        is_lossless=codings == {LOSSLESS_CHUNK},
        repaired=repaired,
        is_alpha_hidden=is_alpha_hidden,
    )
