"""The file formats that are read and written: one table."""

from dataclasses import dataclass
from typing import Literal

FormatName = Literal["png", "jpeg", "webp", "avif", "gif", "tiff", "bmp", "npy"]
Frames = Literal["all", "first"]
DEFAULT_QUALITY = 90
"""For jpeg, webp and avif: 1..100."""
ANY_BYTE = ord(".")
"""Matches any byte in a signature."""


@dataclass(frozen=True)
class Format:
    """A file format and what it can hold. `pillow` is Pillow's name; empty if Pillow neither reads nor writes it."""

    name: FormatName
    media_type: str
    extension: str
    pillow: str
    signatures: tuple[bytes, ...] = ()
    """The first bytes of a file, any of these; `.` stands for any byte."""
    holds_alpha: bool = True
    holds_grey: bool = True
    holds_frames: bool = False
    holds_16_bit: bool = False
    holds_profile: bool = True


FORMATS: dict[str, Format] = {
    format.name: format
    for format in (
        Format("png", "image/png", "png", "PNG", (b"\x89PNG\r\n\x1a\n",), holds_frames=True, holds_16_bit=True),
        Format("jpeg", "image/jpeg", "jpg", "JPEG", (b"\xff\xd8\xff",), holds_alpha=False),
        Format("webp", "image/webp", "webp", "WEBP", (b"RIFF....WEBP",), holds_grey=False, holds_frames=True),
        Format("avif", "image/avif", "avif", "AVIF", (b"....ftypavi",), holds_grey=False, holds_frames=True),
        Format("gif", "image/gif", "gif", "GIF", (b"GIF87a", b"GIF89a"), holds_frames=True, holds_profile=False),
        Format(
            "tiff", "image/tiff", "tif", "TIFF", (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
            holds_frames=True, holds_16_bit=True,
        ),
        # A BMP can have alpha, but most programs ignore it.
        Format("bmp", "image/bmp", "bmp", "BMP", (b"BM",), holds_alpha=False, holds_profile=False),
        Format("npy", "application/x-npy", "npy", "", holds_frames=True, holds_16_bit=True, holds_profile=False),
    )
}  # fmt: skip

ALIASES = {"jpg": "jpeg", "tif": "tiff", "numpy": "npy"}
READABLE = tuple(format for format in FORMATS.values() if format.pillow)
READABLE_EXTENSIONS = frozenset(extension for format in READABLE for extension in (format.name, format.extension))
"""File name extensions in lower case, without the dot."""
FORMATS_BY_PILLOW_NAME = {format.pillow: format for format in READABLE} | {"MPO": FORMATS["jpeg"]}


def recognize_format(data: bytes) -> Format | None:
    """The format that the first bytes claim; None for an unknown one."""
    for format in READABLE:
        if any(matches_signature(data, signature) for signature in format.signatures):
            return format
    return None


def matches_signature(data: bytes, signature: bytes) -> bool:
    head = data[: len(signature)]
    return len(head) == len(signature) and all(
        expected in (found, ANY_BYTE) for expected, found in zip(signature, head, strict=True)
    )
