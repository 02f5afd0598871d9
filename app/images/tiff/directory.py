"""Directories of TIFF and BigTIFF files: the tags of each page. Source: TIFF 6.0, section 2; BigTIFF of libtiff."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from app.images.errors import CorruptImageError

NEW_SUBFILE_TYPE, SUBFILE_TYPE = 254, 255
REDUCED_RESOLUTION, TRANSPARENCY_MASK = 1, 4
"""Bits of NewSubfileType."""
OLD_REDUCED_RESOLUTION = 2
"""Value of SubfileType, which NewSubfileType replaced."""
TYPES = {
    1: "u1", 2: "u1", 3: "u2", 4: "u4", 5: "2u4", 6: "i1", 7: "u1", 8: "i2", 9: "i4", 10: "2i4", 11: "f4", 12: "f8",
    13: "u4", 16: "u8", 17: "i8", 18: "u8",
}  # fmt: skip
"""The types of TIFF as NumPy's; a rational number is a pair."""
RATIONALS = (5, 10)
ByteOrder = Literal["<", ">"]


@dataclass(frozen=True)
class Entry:
    """One tag: its type, the number of its values, and the position of the first one in the file."""

    type: int
    count: int
    position: int


@dataclass(frozen=True)
class Directory:
    """The tags of a page. Values are read from the file when they are asked for."""

    data: bytes
    byte_order: ByteOrder
    """As in struct and NumPy."""
    entries: dict[int, Entry]

    def read(self, tag: int) -> NDArray[Any] | None:
        """The values of a tag, rational ones as float64. None if the page does not have the tag.

        Raises CorruptImageError for values that are not in the file or have an unknown type.
        """
        entry = self.entries.get(tag)
        if entry is None:
            return None
        if entry.type not in TYPES:
            raise CorruptImageError(f"The TIFF is damaged: tag {tag} has the unknown type {entry.type}.")
        dtype = np.dtype(TYPES[entry.type]).newbyteorder(self.byte_order)
        end = entry.position + entry.count * dtype.itemsize
        if not entry.count or end > len(self.data):
            raise CorruptImageError(
                f"The TIFF is damaged or cut short: the {entry.count} values of tag {tag} end at byte {end} of "
                f"{len(self.data)}."
            )
        values = np.frombuffer(self.data, dtype, entry.count, entry.position)
        if entry.type not in RATIONALS:
            return values
        numerators, denominators = np.moveaxis(values.astype(np.float64), -1, 0)
        return np.divide(numerators, denominators, out=np.zeros_like(numerators), where=denominators != 0)

    def read_number(self, tag: int, default: int) -> int:
        """The first value of a tag."""
        values = self.read(tag)
        return default if values is None else int(values[0])

    def read_bytes(self, tag: int) -> bytes | None:
        values = self.read(tag)
        return None if values is None else values.tobytes()

    @property
    def is_auxiliary(self) -> bool:
        """The page is a smaller copy of another one, or its mask."""
        kind = self.read_number(NEW_SUBFILE_TYPE, 0)
        return bool(kind & (REDUCED_RESOLUTION | TRANSPARENCY_MASK)) or (
            NEW_SUBFILE_TYPE not in self.entries and self.read_number(SUBFILE_TYPE, 0) == OLD_REDUCED_RESOLUTION
        )


def read_pages(data: bytes) -> list[Directory]:
    """The pages of a file, without reduced-resolution copies and masks unless it has nothing else.

    Raises CorruptImageError if the chain of directories leaves the file.
    """
    directories = list(follow_directories(data))
    return [directory for directory in directories if not directory.is_auxiliary] or directories


def follow_directories(data: bytes) -> Iterator[Directory]:
    """Follow the chain of directories to its end or back to a directory seen before."""
    byte_order: ByteOrder = "<" if data[:2] == b"II" else ">"
    is_big = data[2:4] in (b"+\0", b"\0+")
    count_format, entry_format, offset_format = ("Q", "HHQ8s", "Q") if is_big else ("H", "HHI4s", "I")
    entry_bytes, inline_bytes = (20, 8) if is_big else (12, 4)
    seen: set[int] = set()
    link = 8 if is_big else 4
    try:
        if is_big and struct.unpack_from(f"{byte_order}HH", data, 4) != (8, 0):
            raise CorruptImageError("The BigTIFF is damaged: the size of its offsets is not 8.")
        while True:
            (start,) = struct.unpack_from(byte_order + offset_format, data, link)
            if start in seen or (start == 0 and seen):
                return
            seen.add(start)
            (count,) = struct.unpack_from(byte_order + count_format, data, start)
            position = start + struct.calcsize(byte_order + count_format)
            link = position + count * entry_bytes
            entries: dict[int, Entry] = {}
            for place in range(position, link, entry_bytes):
                tag, type, values, field = struct.unpack_from(byte_order + entry_format, data, place)
                size = values * np.dtype(TYPES.get(type, "u1")).itemsize
                if size <= inline_bytes:
                    value_position = place + entry_bytes - inline_bytes
                else:
                    (value_position,) = struct.unpack(byte_order + offset_format, field)
                entries.setdefault(tag, Entry(type, values, value_position))
            yield Directory(data, byte_order, entries)
    except struct.error:
        raise CorruptImageError(
            f"The TIFF is damaged or cut short: a directory is not within its {len(data)} bytes."
        ) from None
