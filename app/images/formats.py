"""The file formats that are read and written: one table."""

from dataclasses import dataclass
from typing import Literal

FormatName = Literal["png", "jpeg", "webp", "avif", "gif", "tiff", "bmp", "npy"]
Frames = Literal["all", "first"]
DEFAULT_QUALITY = 90
"""Of jpeg, webp and avif: 1..100."""


@dataclass(frozen=True)
class Format:
    """A file format and what it can hold. `pillow` is Pillow's name, empty where Pillow is not used."""

    name: FormatName
    media_type: str
    extension: str
    pillow: str
    signatures: tuple[bytes, ...] = ()
    """What the file begins with; `.` stands for any byte."""
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
        # A BMP may have alpha, but most programs show such an image without it.
        Format("bmp", "image/bmp", "bmp", "BMP", (b"BM",), holds_alpha=False, holds_profile=False),
        Format("npy", "application/x-npy", "npy", "", holds_frames=True, holds_16_bit=True, holds_profile=False),
    )
}  # fmt: skip

ALIASES = {"jpg": "jpeg", "tif": "tiff", "numpy": "npy"}
READABLE = tuple(format for format in FORMATS.values() if format.pillow)
FORMATS_BY_PILLOW_NAME = {format.pillow: format for format in READABLE} | {"MPO": FORMATS["jpeg"]}


def recognize_format(data: bytes) -> Format | None:
    """The format that the first bytes claim."""
    for format in READABLE:
        for signature in format.signatures:
            head = data[: len(signature)]
            if len(head) == len(signature) and all(a in (b, 46) for a, b in zip(signature, head, strict=True)):
                return format
    return None
