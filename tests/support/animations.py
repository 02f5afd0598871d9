"""An animated GIF with every kind of disposal, and readers for the timing of GIF, PNG and WebP files."""

import struct

import numpy as np

from tests.support.images import GifFrame, Pixels, read_chunks

RED, GREEN, BLUE, WHITE = 0, 1, 2, 3
PALETTE = [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255]
COLOURS = np.array([*zip(*[iter(PALETTE)] * 3, strict=True), (0, 0, 0)], np.uint8)
CLEAR = 4


def fill(colour: int, height: int = 4, width: int = 4) -> "np.typing.NDArray[np.uint8]":
    return np.full((height, width), colour, np.uint8)


def show(indices: Pixels) -> Pixels:
    """Palette indices to RGBA; CLEAR is transparent."""
    alpha = np.where(indices == CLEAR, 0, 255).astype(np.uint8)
    return np.dstack([COLOURS[indices], alpha])


def paint(below: Pixels, left: int, top: int, patch: Pixels) -> Pixels:
    """A copy of the palette indices with the opaque part of the patch on top."""
    result = below.copy()
    height, width = patch.shape
    region = result[top : top + height, left : left + width]
    region[patch != CLEAR] = patch[patch != CLEAR]
    return result


def are_displayed_alike(frames: list[Pixels], expected: list[Pixels]) -> bool:
    """Compare the visible pixels: colours under alpha 0 are arbitrary."""
    if len(frames) != len(expected):
        return False
    return all(
        np.array_equal(a[..., 3], b[..., 3]) and np.array_equal(a[a[..., 3] > 0], b[b[..., 3] > 0])
        for a, b in zip(frames, expected, strict=True)
    )


HOLE = np.array([[CLEAR, BLUE], [BLUE, CLEAR]], np.uint8)
"""A patch with two transparent corners."""
GIF_FRAMES: list[GifFrame] = [
    ((0, 0), fill(RED), 10, 1, CLEAR),  # stays
    ((1, 1), HOLE, 20, 3, CLEAR),  # is removed afterwards
    ((0, 0), fill(GREEN, 2, 2), 30, 2, CLEAR),  # leaves a hole
    ((2, 2), fill(WHITE, 2, 2), 40, 1, None),
]
DISPLAYED_1 = fill(RED)
DISPLAYED_2 = paint(DISPLAYED_1, 1, 1, HOLE)
DISPLAYED_3 = paint(DISPLAYED_1, 0, 0, fill(GREEN, 2, 2))
DISPLAYED_4 = DISPLAYED_1.copy()
DISPLAYED_4[:2, :2] = CLEAR
DISPLAYED_4[2:, 2:] = WHITE
GIF_DISPLAYED = [show(indices) for indices in (DISPLAYED_1, DISPLAYED_2, DISPLAYED_3, DISPLAYED_4)]


def read_gif_delays(data: bytes) -> list[int]:
    """Hundredths of a second, from the graphic control blocks."""
    delays, position = [], 0
    while (position := data.find(b"!\xf9\x04", position)) >= 0:
        delays.append(struct.unpack("<H", data[position + 4 : position + 6])[0])
        position += 8
    return delays


def read_apng_delays(data: bytes) -> list[float]:
    """Milliseconds, from the frame control chunks."""
    bodies = [body for kind, body in read_chunks(data) if kind == b"fcTL"]
    pairs = [struct.unpack(">HH", body[20:24]) for body in bodies]
    return [1000 * numerator / (denominator or 100) for numerator, denominator in pairs]


def read_webp_delays(data: bytes) -> list[int]:
    """Milliseconds, from the ANMF chunks."""
    delays, position = [], 12
    while position < len(data):
        kind, length = data[position : position + 4], struct.unpack("<I", data[position + 4 : position + 8])[0]
        if kind == b"ANMF":
            delays.append(int.from_bytes(data[position + 20 : position + 23], "little"))
        position += 8 + length + length % 2
    return delays


def read_gif_loop(data: bytes) -> int | None:
    """The value of the NETSCAPE block, which counts the repetitions after the first time; None without a block."""
    position = data.find(b"NETSCAPE2.0")
    return None if position < 0 else struct.unpack("<H", data[position + 13 : position + 15])[0]


def read_apng_plays(data: bytes) -> int:
    """Number of times the animation is shown; 0 is forever."""
    body = dict(read_chunks(data))[b"acTL"]
    return int(struct.unpack(">II", body)[1])


def read_webp_plays(data: bytes) -> int:
    """Number of times the animation is shown; 0 is forever."""
    position = data.find(b"ANIM")
    return int(struct.unpack("<H", data[position + 12 : position + 14])[0])
