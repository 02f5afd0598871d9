"""Random GIF and animated PNG files, and what a viewer shows of them.

The frames are composed pixel by pixel after the GIF89a specification (section 23, with a transparent background, as in
browsers) and the PNG specification, 3rd edition (11.3.6.2 and 13.16). Writers and compositor share no code with the
service.
"""

import struct
import zlib
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tests.support.images import Pixels, write_chunk

Colour = tuple[int, ...]
"""Red, green, blue, alpha."""
CLEAR: Colour = (0, 0, 0, 0)


@dataclass
class Animation:
    """A file, and what it shows: frames (height, width, 4), their delays and the number of plays (0 is forever)."""

    data: bytes
    maximum: int
    frames: list[Pixels] = field(default_factory=list)
    delays_ms: list[float] = field(default_factory=list)
    plays: int = 0


class Canvas:
    """Composes frames given as dictionaries from (x, y) to a colour."""

    def __init__(self, width: int, height: int, maximum: int) -> None:
        self.width, self.height, self.maximum = width, height, maximum
        self.pixels = {(x, y): CLEAR for y in range(height) for x in range(width)}

    def show(self, drawn: dict[tuple[int, int], Colour], disposal: str, blend: str) -> Pixels:
        """Draw a frame, return the canvas, and dispose of the frame."""
        drawn = {place: colour for place, colour in drawn.items() if place in self.pixels}
        before = dict(self.pixels)
        for place, colour in drawn.items():
            self.pixels[place] = colour if blend == "source" else self.blend(before[place], colour)
        rows = [[self.pixels[x, y] for x in range(self.width)] for y in range(self.height)]
        shown = np.array(rows, np.uint16 if self.maximum > 255 else np.uint8)
        for place in drawn:
            if disposal != "none":
                self.pixels[place] = CLEAR if disposal == "background" else before[place]
        return shown

    def blend(self, below: Colour, above: Colour) -> Colour:
        """`above` over `below`, both with straight alpha, rounded to nearest (halves up)."""
        share_above = above[3] * self.maximum
        share_below = below[3] * (self.maximum - above[3])
        total = share_above + share_below
        if total == 0:
            return CLEAR
        colours = [
            (2 * (c * share_above + d * share_below) + total) // (2 * total)
            for c, d in zip(above[:3], below[:3], strict=True)
        ]
        return (*colours, (2 * total + self.maximum) // (2 * self.maximum))


def draw_gif(random: Generator) -> Animation:
    """A random GIF: palettes, interlacing, small and clipped frames, all disposal methods."""
    width, height = (int(side) for side in random.integers(1, 13, 2))
    plays = int(random.choice([0, 1, 2, 7, 65536]))
    shared = random.integers(0, 256, (2 ** int(random.integers(1, 7)), 3), np.uint8)
    parts = [b"GIF89a", struct.pack("<HHBBB", width, height, 0xF0 | count_bits(shared) - 1, random.integers(256), 0)]
    parts.append(shared.tobytes())
    if plays != 1:
        repetitions = plays - 1 if plays else 0
        parts.append(b"!\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<H", repetitions) + b"\0")
    canvas = Canvas(width, height, 255)
    animation = Animation(b"", 255, plays=plays)
    for number in range(int(random.integers(1, 7))):
        left, top = int(random.integers(0, width)), int(random.integers(0, height))
        # Only later frames leave the screen: browsers enlarge it to hold the first.
        beyond = 0 if number == 0 or random.random() < 0.8 else 5
        columns = int(random.integers(1, width - left + beyond + 1))
        rows = int(random.integers(1, height - top + beyond + 1))
        if random.random() < 0.3:
            left, top, columns, rows = 0, 0, width, height
        is_local, is_interlaced = random.random() < 0.4, random.random() < 0.3
        palette = random.integers(0, 256, (2 ** int(random.integers(1, 7)), 3), np.uint8) if is_local else shared
        indices = random.integers(0, len(palette), (rows, columns), np.uint8)
        transparent = int(random.integers(len(palette))) if random.random() < 0.6 else None
        method, delay = int(random.integers(0, 4)), int(random.choice([0, 1, 5, 10, 77, 65535]))
        flags = method << 2 | (transparent is not None)
        parts.append(b"!\xf9\x04" + struct.pack("<BHB", flags, delay, transparent or 0) + b"\0")
        flags = (0x80 | count_bits(palette) - 1 if is_local else 0) | (0x40 if is_interlaced else 0)
        parts.append(b"," + struct.pack("<HHHHB", left, top, columns, rows, flags))
        parts.append(palette.tobytes() if is_local else b"")
        order = [y for start, step in ((0, 8), (4, 8), (2, 4), (1, 2)) for y in range(start, rows, step)]
        parts.append(write_codes(indices[order] if is_interlaced else indices, count_bits(palette)))
        drawn: dict[tuple[int, int], Colour] = {
            (left + x, top + y): CLEAR if index == transparent else (*map(int, palette[index]), 255)
            for (y, x), index in np.ndenumerate(indices)
        }
        animation.frames.append(canvas.show(drawn, ("none", "none", "background", "previous")[method], "over"))
        animation.delays_ms.append(10.0 * delay)
    animation.data = b"".join(parts) + b";"
    return animation


def count_bits(palette: Pixels) -> int:
    return len(palette).bit_length() - 1


def write_codes(indices: NDArray[np.uint8], bits: int) -> bytes:
    """LZW codes of one length: a clear code comes before they would grow."""
    size = max(2, bits)
    clear, codes = 1 << size, []
    for number, index in enumerate(indices.ravel().tolist()):
        codes += [clear, index] if number % (clear - 2) == 0 else [index]
    number = sum(code << (size + 1) * place for place, code in enumerate([*codes, clear + 1]))
    packed = number.to_bytes(((size + 1) * (len(codes) + 1) + 7) // 8, "little")
    blocks = [packed[start : start + 255] for start in range(0, len(packed), 255)]
    return bytes([size]) + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"


CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""Of each colour type."""


def draw_apng(random: Generator) -> Animation:
    """A random animated PNG: all colour types and depths, tRNS, a default image, all operations."""
    width, height = (int(side) for side in random.integers(1, 13, 2))
    colour_type = int(random.choice(list(CHANNELS)))
    depth = int(random.choice(DEPTHS[colour_type]))
    maximum = 65535 if depth == 16 else 255
    plays, count = int(random.choice([0, 1, 2, 7, 70_000])), int(random.integers(1, 7))
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"acTL", struct.pack(">II", count, plays))]
    palette = random.integers(0, 256, (2**depth if depth <= 8 else 0, 3), np.uint8)
    alphas = np.full(len(palette), 255)
    key: list[int] | None = None
    if colour_type == 3:
        chunks.append((b"PLTE", palette.tobytes()))
    if colour_type in (0, 2, 3) and random.random() < 0.6:
        if colour_type == 3:
            some = random.choice([0, 255, 128, 7], random.integers(1, len(palette) + 1))
            alphas[: len(some)] = some
            chunks.append((b"tRNS", some.astype(np.uint8).tobytes()))
        else:
            key = random.integers(0, min(2**depth, 4), CHANNELS[colour_type]).tolist()
            chunks.append((b"tRNS", struct.pack(f">{len(key)}H", *key)))

    def draw_samples(rows: int, columns: int) -> Pixels:
        highest = 2**depth if random.random() < 0.5 else min(2**depth, 4)  # few values hit the transparent colour
        samples = random.integers(0, highest, (rows, columns, CHANNELS[colour_type]))
        if colour_type in (4, 6):
            samples[..., -1] = random.choice([0, 1, maximum // 2, maximum - 1, maximum], (rows, columns))
        return samples

    def show(sample: Pixels) -> Colour:
        values = [int(value) for value in sample]
        if colour_type == 3:
            return (*map(int, palette[values[0]]), int(alphas[values[0]]))
        alpha = values.pop() if colour_type in (4, 6) else 0 if values == key else maximum
        scaled = [value * maximum // (2**depth - 1) for value in values]
        return (*(scaled * 3 if len(scaled) == 1 else scaled), alpha)

    if has_default := random.random() < 0.3:
        chunks.append((b"IDAT", deflate(draw_samples(height, width), depth)))
    canvas = Canvas(width, height, maximum)
    animation = Animation(b"", maximum, plays=plays)
    sequence = 0
    for number in range(count):
        left, top, columns, rows = 0, 0, width, height
        if (number or has_default) and random.random() < 0.7:
            left, top = int(random.integers(0, width)), int(random.integers(0, height))
            columns, rows = int(random.integers(1, width - left + 1)), int(random.integers(1, height - top + 1))
        disposal, blend = int(random.integers(3)), int(random.integers(2))
        numerator, denominator = int(random.choice([0, 1, 10, 100, 65535])), int(random.choice([0, 3, 30, 1000]))
        control = (sequence, columns, rows, left, top, numerator, denominator, disposal, blend)
        chunks.append((b"fcTL", struct.pack(">IIIIIHHBB", *control)))
        sequence += 1
        samples = draw_samples(rows, columns)
        stream = deflate(samples, depth)
        middle = int(random.integers(len(stream)))
        for piece in (stream[:middle], stream[middle:]):
            if number == 0 and not has_default:
                chunks.append((b"IDAT", piece))
            else:
                chunks.append((b"fdAT", struct.pack(">I", sequence) + piece))
                sequence += 1
        drawn = {(left + x, top + y): show(samples[y, x]) for y in range(rows) for x in range(columns)}
        animation.frames.append(
            canvas.show(drawn, ("none", "background", "previous")[disposal], ("source", "over")[blend])
        )
        animation.delays_ms.append(1000 * numerator / (denominator or 100))
    animation.data = b"\x89PNG\r\n\x1a\n" + b"".join(write_chunk(*chunk) for chunk in [*chunks, (b"IEND", b"")])
    return animation


def deflate(samples: Pixels, depth: int) -> bytes:
    """Unfiltered rows of samples (rows, columns, channels), packed to `depth` bits."""
    rows = samples.reshape(len(samples), -1)
    bits = (rows[:, :, None] >> np.arange(depth - 1, -1, -1) & 1).reshape(len(rows), -1).astype(np.uint8)
    return zlib.compress(b"".join(b"\0" + np.packbits(row).tobytes() for row in bits))
