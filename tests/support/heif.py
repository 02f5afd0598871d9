"""A writer of HEIF files around HEVC streams of tests/data/heic, after ISO/IEC 23008-12."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.support.paths import DATA

HEIC_FILES = DATA / "heic"
ESSENTIAL = (b"hvcC", b"av1C", b"irot", b"imir", b"clap")
"""Properties without which an image is not displayed rightly."""


@dataclass
class HeifItem:
    """An image or metadata. Properties are boxes; references are kind and item numbers, from 1."""

    kind: bytes
    content: bytes
    properties: list[bytes] = field(default_factory=list)
    references: list[tuple[bytes, list[int]]] = field(default_factory=list)


def read_heic(name: str) -> bytes:
    return (HEIC_FILES / f"{name}.heic").read_bytes()


def take_stream(name: str) -> tuple[bytes, bytes]:
    """The HEVC configuration box and stream of a file with one image."""
    data = read_heic(name)
    start = data.index(b"hvcC") - 4
    configuration = data[start : start + int.from_bytes(data[start : start + 4], "big")]
    start = data.index(b"mdat") - 4
    return configuration, data[start + 8 : start + int.from_bytes(data[start : start + 4], "big")]


def take_av1_stream(avif: bytes) -> tuple[bytes, bytes]:
    """The AV1 configuration box and stream of an AVIF with one image."""
    start = avif.index(b"av1C") - 4
    configuration = avif[start : start + int.from_bytes(avif[start : start + 4], "big")]
    start = avif.index(b"mdat") - 4
    return configuration, avif[start + 8 : start + int.from_bytes(avif[start : start + 4], "big")]


def write_avif(avif: bytes, size: tuple[int, int], boxes: Sequence[bytes]) -> bytes:
    """The image of an AVIF without alpha, with other properties."""
    configuration, stream = take_av1_stream(avif)
    depths = write_full_box(b"pixi", b"\3\x08\x08\x08")
    item = HeifItem(b"av01", stream, [configuration, write_size(*size), depths, *boxes])
    return write_heif([item], brands=[b"avif", b"mif1"])


def write_aperture(width: int, height: int, right: float, down: float) -> bytes:
    """A clean aperture, whose centre is `right` and `down` of that of the image, in halves of a pixel."""
    values = (width, 1, height, 1, round(2 * right), 2, round(2 * down), 2)
    return write_box(b"clap", struct.pack(">IIIIiIiI", *values))


def write_box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def write_full_box(kind: bytes, content: bytes, version: int = 0, flags: int = 0) -> bytes:
    return write_box(kind, struct.pack(">I", version << 24 | flags) + content)


def write_size(width: int, height: int) -> bytes:
    return write_full_box(b"ispe", struct.pack(">II", width, height))


def write_nclx(primaries: int, transfer: int, matrix: int = 0) -> bytes:
    return write_box(b"colr", b"nclx" + struct.pack(">HHHB", primaries, transfer, matrix, 128))


def write_grid(columns: int, rows: int, width: int, height: int) -> bytes:
    return struct.pack(">BBBBII", 0, 1, rows - 1, columns - 1, width, height)


def make_item(name: str = "rgb8", more: Sequence[bytes] = (), size: tuple[int, int] = (64, 64)) -> HeifItem:
    """An image of tests/data/heic with further properties."""
    configuration, stream = take_stream(name)
    colour = [] if any(box[4:8] == b"colr" for box in more) else [write_nclx(1, 13)]
    return HeifItem(b"hvc1", stream, [configuration, write_size(*size), *colour, *more])


def write_heif(
    items: Sequence[HeifItem], *, brands: Sequence[bytes] = (b"heic", b"mif1"), primary: int = 1, cut_bytes: int = 0
) -> bytes:
    """A file in which the numbers of the items are 1, 2, ... and the first is the primary one."""
    head = write_box(b"ftyp", brands[0] + bytes(4) + b"".join(brands))
    start = len(head) + len(write_meta(items, primary, 0)) + 8
    content = b"".join(item.content for item in items)
    return head + write_meta(items, primary, start) + write_box(b"mdat", content)[: 8 + len(content) - cut_bytes]


def write_meta(items: Sequence[HeifItem], primary: int, start: int) -> bytes:
    """`start` is the position of the first item's content."""
    handler = write_full_box(b"hdlr", bytes(4) + b"pict" + bytes(13))
    places, kinds, references, boxes, associations = b"", b"", b"", b"", b""
    properties: list[bytes] = []
    for number, item in enumerate(items, 1):
        places += struct.pack(">HHHII", number, 0, 1, start, len(item.content))
        start += len(item.content)
        kinds += write_full_box(b"infe", struct.pack(">HH", number, 0) + item.kind + b"\0", version=2)
        for kind, targets in item.references:
            references += write_box(kind, struct.pack(f">HH{len(targets)}H", number, len(targets), *targets))
        associations += struct.pack(">HB", number, len(item.properties))
        for box in item.properties:
            properties.append(box)
            associations += bytes([len(properties) | (128 if box[4:8] in ESSENTIAL else 0)])
    boxes = b"".join(properties)
    return write_full_box(
        b"meta",
        handler
        + write_full_box(b"pitm", struct.pack(">H", primary))
        + write_full_box(b"iloc", struct.pack(">HH", 0x4400, len(items)) + places)
        + write_full_box(b"iinf", struct.pack(">H", len(items)) + kinds)
        + (write_full_box(b"iref", references) if references else b"")
        + write_box(
            b"iprp",
            write_box(b"ipco", boxes) + write_full_box(b"ipma", struct.pack(">I", len(items)) + associations),
        ),
    )
