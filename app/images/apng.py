"""Structure of animated PNG: its frames as still PNGs. Source: PNG specification, 3rd edition, 11.3.6."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from app.images.composition import Disposal
from app.images.errors import CorruptImageError
from app.images.png import SIGNATURE, Chunk, write_chunks

DISPOSALS: tuple[Disposal, ...] = ("keep", "clear", "restore")
BLEND_SOURCE, BLEND_OVER = 0, 1
DEFAULT_DENOMINATOR = 100
SHARED_CHUNKS = (b"PLTE", b"tRNS")
"""Chunks before the pixels that belong to every frame."""


@dataclass(frozen=True)
class FrameControl:
    """The content of an fcTL chunk."""

    width: int
    height: int
    left: int
    top: int
    duration_ms: float
    disposal: Disposal
    overwrites: bool
    """Whether transparent pixels overwrite the canvas, instead of being laid over it."""


@dataclass
class ApngFile:
    """The frames of an animation, without a default image that is not part of it."""

    header: bytes
    """The content of IHDR."""
    plays: int
    """Number of times the animation is shown; 0 is forever."""
    shared: list[Chunk] = field(default_factory=list)
    controls: list[FrameControl] = field(default_factory=list)
    pixels: list[list[bytes]] = field(default_factory=list)
    """The deflated pixels of each frame, as they are cut into chunks."""

    @property
    def frame_count(self) -> int:
        return len(self.controls)

    def write_frame(self, index: int) -> bytes:
        """The pixels of a frame as a still PNG."""
        control = self.controls[index]
        header = struct.pack(">II", control.width, control.height) + self.header[8:]
        chunks = [(b"IHDR", header), *self.shared, (b"IDAT", b"".join(self.pixels[index])), (b"IEND", b"")]
        return write_chunks(chunks)


def read_apng(data: bytes) -> ApngFile | None:
    """Read the chunks. Returns None for a still PNG: without acTL before the pixels, or with one of no frames.

    Raises CorruptImageError if frames are missing, out of order or outside the image.
    """
    file: ApngFile | None = None
    header, count, sequence = b"", 0, 0
    has_pixels = False
    shared: list[Chunk] = []
    for kind, body in read_chunks(data):
        if kind == b"IHDR":
            header = body
        elif kind in SHARED_CHUNKS and not has_pixels:
            shared.append((kind, body))
        elif kind == b"acTL" and not has_pixels and file is None and len(body) == 8:
            count, plays = struct.unpack(">II", body)
            file = ApngFile(header, plays) if count else None
        elif kind == b"IDAT":
            has_pixels = True
            if file and file.controls:
                require(file.frame_count == 1, "pixels of the default image follow a later frame")
                file.pixels[-1].append(body)
        elif file and kind in (b"fcTL", b"fdAT"):
            require(len(body) >= 4 and int.from_bytes(body[:4]) == sequence, "its frames are out of order")
            sequence += 1
            if kind == b"fcTL":
                file.controls.append(read_control(body, header, is_first_image=not has_pixels))
                file.pixels.append([])
            else:
                require(has_pixels and bool(file.controls), "a frame has no control chunk")
                file.pixels[-1].append(body[4:])
    if file is None:
        return None
    found = sum(bool(pixels) for pixels in file.pixels)
    require(found == count == file.frame_count, f"it announces {count} frames and has {found}")
    file.shared = shared
    return file


def read_chunks(data: bytes) -> Iterator[Chunk]:
    """The chunks up to IEND."""
    position, kind = len(SIGNATURE), b""
    while position + 12 <= len(data) and kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, position)
        require(position + 12 + length <= len(data), "it is cut short")
        yield kind, data[position + 8 : position + 8 + length]
        position += 12 + length


def read_control(body: bytes, header: bytes, *, is_first_image: bool) -> FrameControl:
    """Read an fcTL chunk. Before the first pixels, it must describe the whole image."""
    require(len(body) == 26 and len(header) == 13, "a control chunk has the wrong size")
    _, width, height, left, top, numerator, denominator, disposal, blend = struct.unpack(">IIIIIHHBB", body)
    full_width, full_height = struct.unpack_from(">II", header)
    require(
        0 < width <= full_width - left
        and 0 < height <= full_height - top
        and not (is_first_image and (width, height) != (full_width, full_height)),
        f"a frame of {width}×{height} at {left}, {top} does not fit the image of {full_width}×{full_height}",
    )
    require(disposal < len(DISPOSALS) and blend in (BLEND_SOURCE, BLEND_OVER), "a frame has an unknown operation")
    milliseconds = 1000 * numerator / (denominator or DEFAULT_DENOMINATOR)
    return FrameControl(width, height, left, top, milliseconds, DISPOSALS[disposal], blend == BLEND_SOURCE)


def require(condition: bool, problem: str) -> None:
    """Raise CorruptImageError if the condition does not hold."""
    if not condition:
        raise CorruptImageError(f"The animated PNG is damaged: {problem}.")
