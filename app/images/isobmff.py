"""Boxes and items of HEIF and AVIF. Source: ISO/IEC 14496-12:2022, 4.2 and 8.11; ISO/IEC 23008-12:2022."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from app.images.complexity import ComplexityCounter

SINGLE_BOXES = {b"pitm", b"iinf", b"iloc", b"iprp", b"ipco", b"iref", b"idat", b"meta"}
"""Boxes of which a file has one. Decoders disagree about which one counts in a file with two."""


class BoxError(ValueError):
    """The boxes do not follow the standard."""


class Box(NamedTuple):
    """The type of a box, and where its content begins and ends."""

    kind: bytes
    start: int
    end: int


@dataclass
class Item:
    """A coded image, a derived image or metadata."""

    kind: bytes = b""
    kind_position: int = 0
    """Where the file states the kind."""
    properties: list[Box] = field(default_factory=list)
    extents: list[tuple[int, int]] = field(default_factory=list)
    """Where the parts of the content begin and end in the file."""
    references: list[tuple[bytes, int]] = field(default_factory=list)
    """Kind and target: `dimg` is a source of a derived image, `auxl` is what an alpha channel belongs to."""

    def find_properties(self, kind: bytes) -> Iterator[Box]:
        return (box for box in self.properties if box.kind == kind)


@dataclass
class ItemTable:
    """The items of a file by their number, and the number of the primary one."""

    items: dict[int, Item] = field(default_factory=dict)
    primary: int | None = None

    def find(self, number: int) -> Item:
        return self.items.setdefault(number, Item())


class Reader:
    """Reads big-endian integers from a box. Raises BoxError beyond its end."""

    def __init__(self, data: bytes, box: Box) -> None:
        self.data, self.position, self.end = data, box.start, box.end

    def read(self, size_bytes: int) -> int:
        """An integer of 0 to 8 bytes."""
        if self.position + size_bytes > self.end:
            raise BoxError("a box is shorter than its content")
        value = int.from_bytes(self.data[self.position : self.position + size_bytes], "big")
        self.position += size_bytes
        return value

    def read_version_and_flags(self) -> tuple[int, int]:
        return self.read(1), self.read(3)


def iterate_boxes(data: bytes, start: int, end: int, counter: ComplexityCounter) -> Iterator[Box]:
    """The boxes between two positions. Raises BoxError for a wrong size or a second box of a kind of which one is
    allowed, and ImageTooComplexError for too many."""
    seen: set[bytes] = set()
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        header = 8
        if size == 1 and start + 16 <= end:
            (size,), header = struct.unpack_from(">Q", data, start + 8), 16
        elif size == 0:
            size = end - start
        counter.add_blocks()
        if size < header or (kind in SINGLE_BOXES and kind in seen):
            raise BoxError(f"the box '{kind.decode('latin-1')}' has a wrong size or occurs twice")
        seen.add(kind)
        yield Box(kind, start + header, min(start + size, end))
        start += size


def read_items(data: bytes, meta: Box, counter: ComplexityCounter) -> ItemTable:
    """The items that a box `meta` describes. Raises BoxError and ImageTooComplexError."""
    boxes = {box.kind: box for box in iterate_boxes(data, meta.start + 4, meta.end, counter)}
    table = ItemTable()
    if b"pitm" in boxes:
        reader = Reader(data, boxes[b"pitm"])
        version, _ = reader.read_version_and_flags()
        table.primary = reader.read(4 if version else 2)
    if b"iinf" in boxes:
        read_item_kinds(data, boxes[b"iinf"], table, counter)
    if b"iloc" in boxes:
        read_item_extents(data, boxes[b"iloc"], boxes.get(b"idat"), table, counter)
    if b"iref" in boxes:
        read_item_references(data, boxes[b"iref"], table, counter)
    if b"iprp" in boxes:
        read_item_properties(data, boxes[b"iprp"], table, counter)
    return table


def read_item_kinds(data: bytes, box: Box, table: ItemTable, counter: ComplexityCounter) -> None:
    version, _ = Reader(data, box).read_version_and_flags()
    for entry in iterate_boxes(data, box.start + 4 + (4 if version else 2), box.end, counter):
        reader = Reader(data, entry)
        version, _ = reader.read_version_and_flags()
        if entry.kind != b"infe" or version < 2:
            continue
        item = table.find(reader.read(4 if version > 2 else 2))
        reader.read(2)
        item.kind_position = reader.position
        item.kind = reader.read(4).to_bytes(4, "big")


def read_item_extents(data: bytes, box: Box, idat: Box | None, table: ItemTable, counter: ComplexityCounter) -> None:
    reader = Reader(data, box)
    version, _ = reader.read_version_and_flags()
    sizes = reader.read(2)
    offset_bytes, length_bytes, base_bytes, index_bytes = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    for _ in range(reader.read(4 if version > 1 else 2)):
        item = table.find(reader.read(4 if version > 1 else 2))
        method = reader.read(2) & 15 if version else 0
        reader.read(2)  # the file that holds the content; 0 is this one
        base = reader.read(base_bytes)
        for _ in range(reader.read(2)):
            counter.add_blocks()
            reader.read(index_bytes if version else 0)
            offset, length = base + reader.read(offset_bytes), reader.read(length_bytes)
            start, end = (idat.start, idat.end) if method == 1 and idat else (0, len(data))
            if method < 2:
                # The end may lie beyond the file, which is then cut short.
                item.extents.append((start + offset, start + offset + length if length else end))


def read_item_references(data: bytes, box: Box, table: ItemTable, counter: ComplexityCounter) -> None:
    version, _ = Reader(data, box).read_version_and_flags()
    number_bytes = 4 if version else 2
    for entry in iterate_boxes(data, box.start + 4, box.end, counter):
        reader = Reader(data, entry)
        source = table.find(reader.read(number_bytes))
        count = reader.read(2)
        counter.add_blocks(count)
        source.references += [(entry.kind, reader.read(number_bytes)) for _ in range(count)]


def read_item_properties(data: bytes, box: Box, table: ItemTable, counter: ComplexityCounter) -> None:
    properties: list[Box] = []
    for part in iterate_boxes(data, box.start, box.end, counter):
        if part.kind == b"ipco":
            properties = list(iterate_boxes(data, part.start, part.end, counter))
        elif part.kind == b"ipma":
            reader = Reader(data, part)
            version, flags = reader.read_version_and_flags()
            for _ in range(reader.read(4)):
                item = table.find(reader.read(4 if version else 2))
                for _ in range(reader.read(1)):
                    counter.add_blocks()
                    index = reader.read(2) & 0x7FFF if flags & 1 else reader.read(1) & 0x7F
                    if 0 < index <= len(properties):
                        item.properties.append(properties[index - 1])
