"""A TIFF writer for tests, after TIFF 6.0. It shares no code with the service; imagecodecs compresses."""

import io
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

ENCODERS: dict[int, Callable[[bytes], bytes | bytearray]] = {
    1: bytes,
    5: imagecodecs.lzw_encode,
    8: imagecodecs.zlib_encode,
    32773: imagecodecs.packbits_encode,
    32946: imagecodecs.zlib_encode,
    34925: imagecodecs.lzma_encode,
    50000: imagecodecs.zstd_encode,
}
"""Compressions of bytes."""
FACSIMILE = {2: "tiff_ccitt", 3: "group3", 4: "group4"}
"""Compressions of bitmaps, and Pillow's names."""
T4_OPTIONS = 292
ByteOrder = Literal["<", ">"]
TYPES = {"H": 3, "I": 4, "Q": 16, "B": 1, "f": 11}


@dataclass
class TiffPage:
    """What to write. `samples` is (height, width, samples) of unsigned integers below 2**bits."""

    samples: NDArray[Any]
    photometric: int
    bits: int = 8
    compression: int = 1
    predictor: int = 1
    is_planar: bool = False
    tile: tuple[int, int] | None = None
    """Height and width."""
    rows_per_strip: int | None = None
    fill_order: int = 1
    tags: dict[int, tuple[str, Sequence[Any]]] = field(default_factory=dict)
    """Further tags: format of struct, and values."""
    segments: list[bytes] | None = None
    """Written instead of encoding the samples."""

    def make_segments(self, byte_order: ByteOrder) -> list[bytes]:
        if self.segments is not None:
            return self.segments
        planes = [self.samples[:, :, [index]] for index in range(self.samples.shape[2])]
        return [
            self.encode_segment(segment, byte_order)
            for plane in (planes if self.is_planar else [self.samples])
            for segment in self.cut(plane)
        ]

    def cut(self, plane: NDArray[Any]) -> list[NDArray[Any]]:
        height, width = plane.shape[:2]
        if self.tile is None:
            step = self.rows_per_strip or height
            return [plane[top : top + step] for top in range(0, height, step)]
        high, wide = self.tile
        padded = np.pad(plane, ((0, -height % high), (0, -width % wide), (0, 0)), mode="edge")
        return [
            padded[top : top + high, left : left + wide]
            for top in range(0, height, high)
            for left in range(0, width, wide)
        ]

    def encode_segment(self, segment: NDArray[Any], byte_order: ByteOrder) -> bytes:
        data: bytes | bytearray
        if self.compression in FACSIMILE:
            options = self.tags[T4_OPTIONS][1][0] if T4_OPTIONS in self.tags else 0
            data = encode_facsimile(segment[:, :, 0], self.compression, options)
        elif self.compression == 7:
            data = imagecodecs.jpeg8_encode(
                np.ascontiguousarray(segment[:, :, 0] if segment.shape[2] == 1 else segment),
                level=95,
                colorspace={1: "GRAYSCALE", 3: "RGB", 4: "CMYK"}[segment.shape[2]],
                outcolorspace={1: "GRAYSCALE", 3: "YCBCR" if self.photometric == 6 else "RGB", 4: "CMYK"}[
                    segment.shape[2]
                ],
                subsampling="444",
            )
        elif self.compression == 50001:
            data = imagecodecs.webp_encode(np.ascontiguousarray(segment), lossless=True)
        else:
            data = ENCODERS[self.compression](self.pack(segment, byte_order))
        return bytes(data) if self.fill_order == 1 else bytes(imagecodecs.bitorder_decode(data))

    def pack(self, segment: NDArray[Any], byte_order: ByteOrder) -> bytes:
        dtype = np.uint16 if self.bits == 16 else np.uint8
        segment = segment.astype(dtype)
        if self.predictor == 2:
            segment = np.concatenate([segment[:, :1], segment[:, 1:] - segment[:, :-1]], axis=1)
        if self.bits >= 8:
            return segment.astype(segment.dtype.newbyteorder(byte_order)).tobytes()
        ones = np.unpackbits(segment.reshape(len(segment), -1, 1), axis=2)[:, :, 8 - self.bits :]
        return np.packbits(ones.reshape(len(segment), -1), axis=1).tobytes()


def encode_facsimile(bitmap: NDArray[Any], compression: int, options: int = 0) -> bytes:
    """Compress (height, width) of 0 and 1 as libtiff does."""
    buffer = io.BytesIO()
    tags = {278: len(bitmap)} | ({T4_OPTIONS: options} if compression == 3 else {})
    Image.fromarray(bitmap.astype(bool)).save(buffer, "TIFF", compression=FACSIMILE[compression], tiffinfo=tags)
    with tifffile.TiffFile(io.BytesIO(buffer.getvalue())) as file:
        page = file.pages[0]
        return buffer.getvalue()[page.dataoffsets[0] :][: page.databytecounts[0]]


def write_tiff(pages: Sequence[TiffPage], *, byte_order: ByteOrder = "<", is_big: bool = False) -> bytes:
    """A TIFF or BigTIFF of either byte order, `<` or `>`."""
    pointer = "Q" if is_big else "I"
    data = bytearray(b"II" if byte_order == "<" else b"MM")
    data += struct.pack(byte_order + ("HHHQ" if is_big else "HI"), *((43, 8, 0, 0) if is_big else (42, 0)))
    link = len(data) - struct.calcsize(byte_order + pointer)
    for page in pages:
        segments = page.make_segments(byte_order)
        offsets = []
        for segment in segments:
            offsets.append(len(data))
            data += segment + b"\0" * (len(segment) % 2)
        directory = write_directory(data, collect_tags(page, segments, offsets, pointer), byte_order, is_big)
        struct.pack_into(byte_order + pointer, data, link, directory)
        link = len(data) - struct.calcsize(byte_order + pointer)
    return bytes(data)


def collect_tags(
    page: TiffPage, segments: list[bytes], offsets: list[int], pointer: str
) -> dict[int, tuple[str, Sequence[Any]]]:
    height, width, samples = page.samples.shape
    sizes = [len(segment) for segment in segments]
    tags: dict[int, tuple[str, Sequence[Any]]] = {
        256: ("I", [width]), 257: ("I", [height]), 258: ("H", [page.bits] * samples), 259: ("H", [page.compression]),
        262: ("H", [page.photometric]), 266: ("H", [page.fill_order]), 277: ("H", [samples]),
        284: ("H", [2 if page.is_planar else 1]), 317: ("H", [page.predictor]),
    }  # fmt: skip
    if page.tile:
        tags |= {322: ("I", [page.tile[1]]), 323: ("I", [page.tile[0]]), 324: (pointer, offsets), 325: ("I", sizes)}
    else:
        tags |= {273: (pointer, offsets), 278: ("I", [page.rows_per_strip or height]), 279: ("I", sizes)}
    return tags | page.tags


def write_directory(
    data: bytearray, tags: dict[int, tuple[str, Sequence[Any]]], byte_order: ByteOrder, is_big: bool
) -> int:
    """Append the values and the directory, whose last bytes are the link to the next one. Returns its position."""
    room, entries = (8 if is_big else 4), b""
    for tag, (format, values) in sorted(tags.items()):
        body = struct.pack(f"{byte_order}{len(values)}{format}", *values)
        if len(body) > room:
            data += b"\0" * (len(data) % 2)
            place = struct.pack(byte_order + ("Q" if is_big else "I"), len(data))
            data += body
        else:
            place = body.ljust(room, b"\0")
        entries += struct.pack(byte_order + ("HHQ" if is_big else "HHI"), tag, TYPES[format], len(values)) + place
    data += b"\0" * (len(data) % 2)
    position = len(data)
    data += struct.pack(byte_order + ("Q" if is_big else "H"), len(tags)) + entries + bytes(room)
    return position
