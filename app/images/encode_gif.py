"""Writer for GIF: frames of different palettes that only change what differs. Source: GIF89a specification.

Pillow's writer merges equal frames and writes whole frames, so an animation whose frames share the canvas has more than
256 colours in one frame and loses some. Here a frame draws only the pixels that change, as the frames of most GIFs do.
The decoder of each frame's pixels, and the encoder, are Pillow's.
"""

import struct
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.images.frame_changes import Area, Mask, find_area
from app.images.image import Frame, Pixels
from app.images.quantize import MAX_COLOURS, Words, choose_palette, make_image, quantize

MAX_SIDE_PX = 65_535
MAX_DELAY = MAX_REPETITIONS = 65_535
MIN_OPAQUE_ALPHA = 128
SAMPLED_PIXELS = 4_000_000
"""Pixels of all frames together whose colours are counted to choose palettes."""
MAX_PALETTES = 100
OPAQUE = np.uint32(0xFF000000)
KEEP, CLEAR = 1, 2
"""Disposal methods."""


def encode_gif(frames: Sequence[Frame], plays: int) -> bytes:
    """Encode frames of (height, width, 1..4) uint8. Alpha is rounded; a frame with too many new colours is reduced.

    Raises ValueError for a side too long.
    """
    height, width = frames[0].pixels.shape[:2]
    if max(height, width) > MAX_SIDE_PX:
        raise ValueError(f"a GIF has at most {MAX_SIDE_PX} pixels a side")
    blocks = [b"GIF89a", struct.pack("<HHBBB", width, height, 0x70, 0, 0)]
    if len(frames) > 1 and plays != 1:
        repetitions = min(max(plays - 1, 0), MAX_REPETITIONS)
        blocks.append(b"!\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<H", repetitions) + b"\0")
    pixels = [frame.pixels for frame in frames]
    has_holes = any(map(has_transparency, pixels))
    palettes = SharedPalettes(pixels)
    for index, (frame, drawing) in enumerate(zip(frames, draw_changes(pixels), strict=True)):
        area, words, is_drawn, disposal = drawing
        find_palette = partial(palettes.find, index) if palettes.is_needed else None
        indices, palette, transparent = choose_colours(words, is_drawn, has_holes, find_palette)
        delay = min(round(frame.duration_ms / 10), MAX_DELAY)
        if len(frames) > 1 or transparent is not None:
            flags = disposal << 2 | (transparent is not None)
            blocks.append(b"!\xf9\x04" + struct.pack("<BHB", flags, delay, transparent or 0) + b"\0")
        blocks.append(write_image(area, indices, palette))
    return b"".join([*blocks, b";"])


Drawing = tuple[Area, Words, Mask, int]
"""Of a frame: its area, the pixels in it, which of them are drawn, and the disposal method."""


class SharedPalettes:
    """Palettes for an animation too large to choose one for each frame from all its pixels.

    A palette takes 4 ms and more, whatever the size of the frame.
    """

    def __init__(self, frames: Sequence[Pixels]) -> None:
        self.frames = frames
        self.sample_step = -(-sum(frame[:, :, 0].size for frame in frames) // SAMPLED_PIXELS)
        self.frames_per_palette = -(-len(frames) // MAX_PALETTES)
        self.is_needed = max(self.sample_step, self.frames_per_palette) > 1
        self.group = -1
        self.palette: Image.Image | None = None

    def find(self, index: int) -> Image.Image:
        """The palette of a frame and its neighbours: the frames are asked for in order."""
        group = index // self.frames_per_palette
        if self.palette is None or group != self.group:
            first = group * self.frames_per_palette
            sampled = [
                words[words > 0][:: self.sample_step]
                for frame in self.frames[first : first + self.frames_per_palette]
                for words in [round_alpha(frame)]
            ]
            self.group, self.palette = group, choose_palette(np.concatenate(sampled), MAX_COLOURS - 1)
        return self.palette


def draw_changes(frames: Sequence[Pixels]) -> Iterator[Drawing]:
    """Choose for each frame the pixels that differ from the canvas.

    A GIF cannot draw transparent pixels. Where the next frame has new ones, the area is cleared after the frame.
    """
    canvas: Words | None = None
    shown: Words | None = None
    for index in range(len(frames)):
        shown = round_alpha(frames[index]) if shown is None else shown
        following = round_alpha(frames[index + 1]) if index + 1 < len(frames) else None
        is_visible = shown > 0
        is_drawn = is_visible if canvas is None else shown != canvas
        if following is None:
            cleared = None
        else:
            cleared = is_visible & (following == 0)
            cleared = cleared if cleared.any() else None
        area = find_area(is_drawn if cleared is None else is_drawn | cleared)
        if canvas is None:  # some readers fill what a smaller first frame leaves with the background colour
            area = Area(0, 0, shown.shape[1], shown.shape[0])
        yield area, area.crop(shown), area.crop(is_drawn), KEEP if cleared is None else CLEAR
        canvas = shown
        if cleared is not None:
            canvas = shown.copy()
            area.crop(canvas)[:] = 0
        shown = following


def has_transparency(pixels: Pixels) -> bool:
    """Whether a pixel of (height, width, 1..4) is transparent after rounding."""
    return pixels.shape[2] % 2 == 0 and bool(pixels[:, :, -1].min() < MIN_OPAQUE_ALPHA)


def round_alpha(pixels: Pixels) -> Words:
    """Convert (height, width, 1..4) to opaque RGBA in one integer, or 0 for a transparent pixel."""
    channels = pixels.shape[2]
    has_alpha = channels % 2 == 0
    colours = pixels[:, :, : channels - has_alpha]
    rgba = np.empty((*pixels.shape[:2], 4), np.uint8)
    rgba[:, :, :3] = colours
    rgba[:, :, 3] = 255
    words: Words = rgba.view(np.uint32)[:, :, 0]
    if has_alpha:
        words[pixels[:, :, -1] < MIN_OPAQUE_ALPHA] = 0
    return words


def choose_colours(
    words: Words, is_drawn: Mask, has_holes: bool, find_palette: Callable[[], Image.Image] | None
) -> tuple[NDArray[np.uint8], Pixels, int | None]:
    """Palette indices (height, width), the palette (colours, 3), and the index for pixels that are not drawn.

    `has_holes`: whether any frame has transparent pixels. Some readers then expect a transparent colour in every frame.
    It is left out only if exactly 256 other colours are needed.
    """
    if not is_drawn.any():
        return np.zeros(words.shape, np.uint8), np.zeros((1, 3), np.uint8), 0
    if (is_drawn.all() and not has_holes) or (
        words.all() and count_colours(words) == MAX_COLOURS == count_colours(words[is_drawn])
    ):
        indices, palette = quantize(words.ravel(), MAX_COLOURS, find_palette)
        return indices.reshape(words.shape), palette, None
    drawn, palette = quantize(words[is_drawn], MAX_COLOURS - 1, find_palette)
    transparent = len(palette)
    result = np.full(words.shape, transparent, np.uint8)
    result[is_drawn] = drawn
    return result, np.concatenate([palette, np.zeros((1, 3), np.uint8)]), transparent


def count_colours(words: Words) -> int:
    """The number of different colours, or one more than a GIF frame can have."""
    colours = make_image(words).getcolors(MAX_COLOURS)
    return MAX_COLOURS + 1 if colours is None else len(colours)


def write_image(area: Area, indices: NDArray[np.uint8], palette: Pixels) -> bytes:
    """An image descriptor, its colour table and its codes."""
    bits = max(2, (len(palette) - 1).bit_length())
    image = Image.frombytes("P", (area.width, area.height), np.ascontiguousarray(indices).tobytes())
    table = palette.tobytes().ljust(3 << bits, b"\0")
    descriptor = struct.pack("<HHHHB", area.left, area.top, area.width, area.height, 0x80 | (bits - 1))
    return b"".join([b",", descriptor, table, bytes([bits]), image.tobytes("gif", "P", bits, 0), b"\0"])
