"""The file formats that are read and written: one table."""

from dataclasses import dataclass
from typing import Literal, cast

FormatName = Literal["png", "jpeg", "webp", "avif", "gif", "tiff", "bmp", "npy", "json"]
"""The formats of results."""
InputFormatName = Literal[FormatName, "heic"]
Frames = Literal["all", "first"]
DEFAULT_QUALITY = 90
"""For jpeg, webp and avif: 1..100."""
ANY_BYTE = ord(".")
"""Matches any byte in a signature."""


@dataclass(frozen=True)
class Format:
    """A file format and what it can hold. `pillow` is Pillow's name; empty if Pillow neither reads nor writes it."""

    name: InputFormatName
    media_type: str
    extension: str
    pillow: str
    signatures: tuple[bytes, ...] = ()
    """The first bytes of a file, any of these; `.` stands for any byte."""
    brands: tuple[bytes, ...] = ()
    """Of a file that begins with a box `ftyp` (ISO/IEC 14496-12, 4.3), any of these."""
    holds_alpha: bool = True
    holds_grey: bool = True
    holds_frames: bool = False
    holds_16_bit: bool = False
    holds_profile: bool = True
    holds_cicp: bool = False
    """Code points of ITU-T H.273 for the colour space."""
    holds_numbers: bool = False
    """Whether it holds any numbers in any number of channels, not only pixels, and no colour space."""
    result: FormatName | None = None
    """The format of the result for a format that is only read."""
    other_media_types: tuple[str, ...] = ()
    other_extensions: tuple[str, ...] = ()

    @property
    def written_as(self) -> FormatName:
        """The name of the format of the result where none is requested: its own, if it is written."""
        return self.result or cast("FormatName", self.name)


FORMATS: dict[str, Format] = {
    format.name: format
    for format in (
        Format("png", "image/png", "png", "PNG", (b"\x89PNG\r\n\x1a\n",), holds_frames=True, holds_16_bit=True,
               holds_cicp=True),
        Format("jpeg", "image/jpeg", "jpg", "JPEG", (b"\xff\xd8\xff",), holds_alpha=False),
        Format("webp", "image/webp", "webp", "WEBP", (b"RIFF....WEBP",), holds_grey=False, holds_frames=True),
        Format("avif", "image/avif", "avif", "AVIF", brands=(b"avif", b"avis"), holds_grey=False, holds_frames=True,
               holds_cicp=True),
        Format("gif", "image/gif", "gif", "GIF", (b"GIF87a", b"GIF89a"), holds_frames=True, holds_profile=False),
        Format(
            "tiff", "image/tiff", "tif", "TIFF", (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
            holds_frames=True, holds_16_bit=True,
        ),
        # A BMP can have alpha, but most programs ignore it.
        Format("bmp", "image/bmp", "bmp", "BMP", (b"BM",), holds_alpha=False, holds_profile=False),
        Format("npy", "application/x-npy", "npy", "", holds_frames=True, holds_16_bit=True, holds_profile=False,
               holds_numbers=True),
        Format("json", "application/json", "json", "", holds_frames=True, holds_16_bit=True, holds_profile=False,
               holds_numbers=True),
    )
}  # fmt: skip

HEIC = Format(
    "heic", "image/heic", "heic", "",
    brands=(b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"),
    holds_16_bit=True, holds_cicp=True, result="jpeg",
    other_media_types=("image/heif",), other_extensions=("heif", "hif"),
)  # fmt: skip
"""Read only: HEVC encoders are under patents."""
STRUCTURAL_BRANDS = (b"mif1", b"msf1", b"mif2", b"miaf")
"""Of HEIF files that do not name their codec."""
MAX_BRANDS = 60
HEAD_BYTES = 16 + 4 * MAX_BRANDS
"""Enough of a file to recognise every format."""

ALIASES = {"jpg": "jpeg", "tif": "tiff", "numpy": "npy"}
READABLE = (*(format for format in FORMATS.values() if format.pillow), HEIC)
READABLE_MEDIA_TYPES = tuple(
    media_type for format in READABLE for media_type in (format.media_type, *format.other_media_types)
)
READABLE_EXTENSIONS = frozenset(
    extension for format in READABLE for extension in (format.name, format.extension, *format.other_extensions)
)
"""File name extensions in lower case, without the dot."""
FORMATS_BY_PILLOW_NAME = {format.pillow: format for format in READABLE if format.pillow} | {"MPO": FORMATS["jpeg"]}


def recognize_format(data: bytes) -> Format | None:
    """The format that the first bytes claim; None for an unknown one."""
    brands = read_brands(data)
    for brand in brands:
        for format in READABLE:
            if brand in format.brands:
                return format
    if any(brand in STRUCTURAL_BRANDS for brand in brands):
        return HEIC
    for format in READABLE:
        if any(matches_signature(data, signature) for signature in format.signatures):
            return format
    return None


def read_brands(data: bytes) -> list[bytes]:
    """The major brand and the compatible ones of a file that begins with a box `ftyp`; empty for another file."""
    if data[4:8] != b"ftyp":
        return []
    end = min(int.from_bytes(data[:4], "big"), len(data), HEAD_BYTES)
    return [data[8:12], *(data[start : start + 4] for start in range(16, end - 3, 4))]


def matches_signature(data: bytes, signature: bytes) -> bool:
    head = data[: len(signature)]
    return len(head) == len(signature) and all(
        expected in (found, ANY_BYTE) for expected, found in zip(signature, head, strict=True)
    )
