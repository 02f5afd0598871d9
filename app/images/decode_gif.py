"""Decoding of GIF: the frames as browsers show them. Source: GIF89a specification, W3C copy.

Pillow decodes the pixels of each frame. Its composition differs from that of browsers in the background, in frames
beyond the screen, and in frames without a disposal method.

Where the specification is silent, the choice is that of Chromium: the screen grows to hold the whole first frame, later
frames are clipped, disposal 4 is disposal 3, and missing colours are black.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from app.images.composition import Disposal, Patch, compose, drop_unused_alpha
from app.images.errors import CorruptImageError
from app.images.image import Frame, Pixels
from app.images.inspect_gif import EXTENSION, HEADER_BYTES, IMAGE, TRAILER, measure_palette

GRAPHIC_CONTROL, APPLICATION = 0xF9, 0xFF
LOOP_BLOCKS = (b"\x0bNETSCAPE2.0\x03\x01", b"\x0bANIMEXTS1.0\x03\x01")
DISPOSALS: dict[int, Disposal] = {2: "clear", 3: "restore", 4: "restore"}
"""All other methods keep the frame."""
OPAQUE = 255


@dataclass(frozen=True)
class GifFrame:
    """One image of the file and its graphic control block."""

    left: int
    top: int
    width: int
    height: int
    is_interlaced: bool
    palette: Pixels
    """(256, 4) uint8."""
    code_bits: int
    """The minimum code size of the LZW codes."""
    codes: bytes
    """In sub-blocks."""
    disposal: Disposal = "keep"
    transparent: int | None = None
    duration_ms: float = 0.0


@dataclass
class GifFile:
    """The blocks of a file."""

    width: int
    height: int
    plays: int = 1
    """Number of times the animation is shown; 0 is forever."""
    frames: list[GifFrame] = field(default_factory=list)

    @property
    def pixel_count(self) -> int:
        """The pixels of all frames, decoded and composed: a frame can be larger than the screen."""
        return sum(max(self.width * self.height, frame.width * frame.height) for frame in self.frames)


def read_gif(data: bytes) -> GifFile:
    """Read the blocks up to the trailer. Raises CorruptImageError if there is no image, or one is cut short."""
    file = GifFile(*struct.unpack_from("<HH", data, 6))
    colours = read_palette(data, 10, HEADER_BYTES)
    position = HEADER_BYTES + measure_palette(data, 10)
    control = b"\0\0\0\0"
    while position < len(data) and data[position] != TRAILER:
        if data[position] == EXTENSION:
            kind = data[position + 1] if position + 1 < len(data) else 0
            if kind == GRAPHIC_CONTROL:
                control = data[position + 3 : position + 7].ljust(4, b"\0")
            elif kind == APPLICATION and data.startswith(LOOP_BLOCKS, position + 2):
                file.plays = count_plays(int.from_bytes(data[position + 16 : position + 18], "little"))
            position = find_end(data, position + 2)
        elif data[position] == IMAGE:
            if position + 10 > len(data):
                break
            start = position + 10 + measure_palette(data, position + 9)
            end = find_end(data, start + 1)
            file.frames.append(read_frame(data, position, start, end, colours, control))
            control = b"\0\0\0\0"
            position = end
        else:
            position += 1  # like the decoders, search for the next block
    if not file.frames:
        raise CorruptImageError("The GIF holds no image: damaged or cut short.")
    first = file.frames[0]
    file.width = max(file.width, first.left + first.width)
    file.height = max(file.height, first.top + first.height)
    if not file.width * file.height:
        raise CorruptImageError(f"The GIF is damaged: its size is {file.width}×{file.height}.")
    return file


def read_frame(data: bytes, position: int, start: int, end: int, colours: Pixels, control: bytes) -> GifFrame:
    """The image whose descriptor is at `position`, with its codes from `start` to `end`."""
    left, top, width, height, flags = struct.unpack_from("<HHHHB", data, position + 1)
    control_flags, hundredths, transparent = struct.unpack("<BHB", control)
    return GifFrame(
        left, top, width, height, bool(flags & 0x40),
        read_palette(data, position + 9, position + 10) if flags & 0x80 else colours,
        data[start] if start < len(data) else 0, data[start + 1 : end],
        DISPOSALS.get(control_flags >> 2 & 7, "keep"),
        transparent if control_flags & 1 else None,
        10.0 * hundredths,
    )  # fmt: skip


def read_palette(data: bytes, flags_position: int, position: int) -> Pixels:
    """The colour table as (256, 4) uint8. Missing colours are black."""
    table = data[position : position + measure_palette(data, flags_position)]
    palette = np.zeros((256, 4), np.uint8)
    palette[:, 3] = OPAQUE
    palette[: len(table) // 3, :3] = np.frombuffer(table[: len(table) // 3 * 3], np.uint8).reshape(-1, 3)
    return palette


def count_plays(repetitions: int) -> int:
    """The file counts the repetitions after the first time; 0 is forever."""
    return repetitions + 1 if repetitions else 0


def find_end(data: bytes, position: int) -> int:
    """The position after the empty sub-block that ends a list of sub-blocks."""
    while position < len(data) and data[position]:
        position += 1 + data[position]
    return position + 1


def decode_gif(file: GifFile) -> list[Frame]:
    """Compose the frames of the file. A grey palette gives grey; alpha is dropped if all pixels are opaque."""
    is_grey = all(has_only_greys(frame.palette) for frame in file.frames)
    return drop_unused_alpha(list(compose(draw_patches(file, is_grey), file.height, file.width)))


def has_only_greys(palette: Pixels) -> bool:
    return bool((palette[:, :2] == palette[:, 1:3]).all())


def draw_patches(file: GifFile, is_grey: bool) -> Iterator[Patch]:
    """The part of each frame that is on the screen, as grey + alpha or RGBA."""
    for frame in file.frames:
        palette = frame.palette.copy()
        if frame.transparent is not None:
            palette[frame.transparent] = 0
        palette = np.ascontiguousarray(palette[:, 2:]) if is_grey else palette
        rows, columns = max(0, file.height - frame.top), max(0, file.width - frame.left)
        indices = decode_indices(frame)[:rows, :columns]
        words = palette.view(f"u{palette.shape[1]}")[:, 0]
        pixels = words[indices][:, :, None].view(np.uint8)
        yield Patch(pixels, frame.left, frame.top, frame.disposal, duration_ms=frame.duration_ms)


def decode_indices(frame: GifFrame) -> Pixels:
    """The palette indices (height, width). Raises ValueError for damaged or missing codes."""
    image = Image.new("P", (frame.width, frame.height))
    image.frombytes(frame.codes, "gif", (frame.code_bits, frame.is_interlaced, -1))
    return np.asarray(image)
