"""Structure of TIFF and BigTIFF files. Source: TIFF 6.0, section 2; BigTIFF of libtiff."""

import struct

from app.images.complexity import ComplexityCounter
from app.images.errors import ImageTooComplexError
from app.images.file_facts import FileFacts
from app.images.formats import FORMATS
from app.images.limits import ImageLimits

MAX_TAG_VALUES = 1_000_000
BYTE_TYPES = {1, 2, 6, 7}
"""BYTE, ASCII, SBYTE, UNDEFINED. Pillow keeps their values as bytes, and makes a Python number of every other value."""


def inspect_tiff(data: bytes, limits: ImageLimits) -> FileFacts:
    """Follow the chain of directories, one per page, to its end or back to a directory seen before."""
    order = "<" if data[:2] == b"II" else ">"
    is_big = data[2:4] in (b"+\0", b"\0+")
    count_format, entry_format, offset_format = ("Q", "HHQQ", "Q") if is_big else ("H", "HHII", "I")
    count_bytes, entry_bytes, offset_bytes = (8, 20, 8) if is_big else (2, 12, 4)
    counter = ComplexityCounter(len(data), limits)
    seen: set[int] = set()
    tag_values, link = 0, 8 if is_big else 4
    while link + offset_bytes <= len(data):
        (directory,) = struct.unpack_from(order + offset_format, data, link)
        if not directory or directory in seen or directory + count_bytes > len(data):
            break
        seen.add(directory)
        counter.add_frame()
        (entries,) = struct.unpack_from(order + count_format, data, directory)
        counter.add_blocks(1 + entries)
        start = directory + count_bytes
        link = start + entries * entry_bytes
        table = data[start:link]
        table = table[: len(table) // entry_bytes * entry_bytes]
        for _, type, count, _ in struct.iter_unpack(order + entry_format, table):
            if type not in BYTE_TYPES:
                tag_values += count
            if tag_values > MAX_TAG_VALUES:
                raise ImageTooComplexError(
                    f"The tags of the TIFF have {tag_values} values or more; {MAX_TAG_VALUES} are accepted. Save it "
                    "with larger strips or tiles."
                )
    return FileFacts(FORMATS["tiff"])
