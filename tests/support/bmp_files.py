"""Random BMPs of all kinds, with the pixels that they stand for. Source: Microsoft, Bitmap Storage.

The writer shares no code with the service.
"""

import struct
from random import Random

import numpy as np
from numpy.typing import NDArray

Rgba = NDArray[np.uint8]


def write_bmp(
    width: int,
    height: int,
    bits: int,
    compression: int,
    pixels: bytes,
    *,
    palette: bytes = b"",
    masks: tuple[int, ...] = (),
    header_bytes: int = 40,
) -> bytes:
    """`height` is negative if the first row is the top one. Masks lie in or behind the header."""
    if header_bytes == 12:
        header = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        colours = len(palette) // 4 if bits <= 8 else 0
        header = struct.pack("<IiiHHIIiiII", header_bytes, width, height, 1, bits, compression, 0, 0, 0, colours, 0)
        fields = struct.pack(f"<{len(masks)}I", *masks)
        header += fields if header_bytes == 40 else fields.ljust(header_bytes - 40, b"\0")
    start = 14 + len(header) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + header + palette + pixels


def draw_bmp(random: Random) -> tuple[bytes, Rgba]:
    kind = random.choice((draw_palette_bmp, draw_fields_bmp, draw_true_colour_bmp, draw_run_length_bmp))
    return kind(random)


def draw_palette(random: Random, colours: int) -> list[tuple[int, int, int]]:
    if random.random() < 0.2:
        return [(index * 7 % 256,) * 3 for index in range(colours)]
    return [(random.randrange(256), random.randrange(256), random.randrange(256)) for _ in range(colours)]


def draw_palette_bmp(random: Random) -> tuple[bytes, Rgba]:
    bits = random.choice((1, 2, 4, 8))
    width, height = random.randrange(1, 30), random.randrange(1, 20)
    is_core = random.random() < 0.3 and bits != 2
    colours = 2**bits if is_core else random.randrange(1, 2**bits + 1)
    palette = draw_palette(random, colours)
    rows = [[random.randrange(colours) for _ in range(width)] for _ in range(height)]
    packed = []
    for row in rows:
        text = "".join(f"{index:0{bits}b}" for index in row)
        text += "0" * (-len(text) % 32)
        packed.append(int(text, 2).to_bytes(len(text) // 8))
    is_top_down = random.random() < 0.3 and not is_core
    stored = b"".join(packed if is_top_down else packed[::-1])
    table = b"".join(bytes((blue, green, red)) + (b"" if is_core else b"\0") for red, green, blue in palette)
    header = 12 if is_core else random.choice((40, 52, 56, 108, 124))
    data = write_bmp(width, -height if is_top_down else height, bits, 0, stored, palette=table, header_bytes=header)
    return data, np.array([[(*palette[index], 255) for index in row] for row in rows], np.uint8)


def draw_masks(random: Random, bits: int, count: int) -> list[int]:
    """Masks of random widths at random places."""
    free = bits
    widths = []
    for left in range(count, 0, -1):
        widths.append(random.randrange(1, min(free - left + 1, 12) + 1))
        free -= widths[-1]
    order = list(range(count))
    random.shuffle(order)
    masks, place = [0] * count, 0
    for index in order:
        gap = random.randrange(free + 1)
        free -= gap
        place += gap
        masks[index] = (2 ** widths[index] - 1) << place
        place += widths[index]
    return masks


def draw_fields_bmp(random: Random) -> tuple[bytes, Rgba]:
    bits = random.choice((16, 32))
    width, height = random.randrange(1, 12), random.randrange(1, 12)
    has_alpha = random.random() < 0.5
    header = random.choice((56, 108, 124)) if has_alpha else random.choice((40, 52, 56, 108, 124))
    masks = draw_masks(random, bits, 4 if has_alpha else 3)
    words = [[random.randrange(2**bits) for _ in range(width)] for _ in range(height)]
    expected = np.full((height, width, 4), 255, np.uint8)
    for y, row in enumerate(words):
        for x, word in enumerate(row):
            for channel, mask in enumerate(masks):
                expected[y, x, channel] = bring_to_8_bits(word, mask)
    format = "H" if bits == 16 else "I"
    lines = [struct.pack(f"<{width}{format}", *row) for row in words]
    lines = [line + bytes(-len(line) % 4) for line in lines]
    return write_bmp(width, height, bits, 3, b"".join(lines[::-1]), masks=tuple(masks), header_bytes=header), expected


def bring_to_8_bits(word: int, mask: int) -> int:
    shift = (mask & -mask).bit_length() - 1
    value, most = (word & mask) >> shift, mask >> shift
    bits = most.bit_length()
    return value >> (bits - 8) if bits > 8 else round(value * 255 / most)


def draw_true_colour_bmp(random: Random) -> tuple[bytes, Rgba]:
    bits = random.choice((16, 24, 32))
    width, height = random.randrange(1, 12), random.randrange(1, 12)
    expected = np.full((height, width, 4), 255, np.uint8)
    lines = []
    for y in range(height):
        line = b""
        for x in range(width):
            red, green, blue = (random.randrange(256) for _ in range(3))
            if bits == 16:
                word = (red >> 3) << 10 | (green >> 3) << 5 | blue >> 3 | random.choice((0, 0x8000))
                line += word.to_bytes(2, "little")
                red, green, blue = (round((value >> 3) * 255 / 31) for value in (red, green, blue))
            else:
                line += bytes((blue, green, red)) + (bytes([random.randrange(256)]) if bits == 32 else b"")
            expected[y, x, :3] = red, green, blue
        lines.append(line + bytes(-len(line) % 4))
    header = random.choice((12, 40, 108, 124)) if bits == 24 else random.choice((40, 52, 108, 124))
    return write_bmp(width, height, bits, 0, b"".join(lines[::-1]), header_bytes=header), expected


def draw_run_length_bmp(random: Random) -> tuple[bytes, Rgba]:
    """Runs, literal pixels, and skips: to the end of the row, of the image, and by a distance."""
    bits = random.choice((4, 8))
    width, height = random.randrange(1, 40), random.randrange(1, 20)
    palette = draw_palette(random, 2**bits)
    expected = np.full((height, width, 4), (0, 0, 0, 255), np.uint8)  # skipped pixels are black in Chromium
    codes = bytearray()
    x = y = 0

    def draw(indices: list[int]) -> None:
        nonlocal x
        for index in indices:
            expected[height - 1 - y, x] = (*palette[index], 255)
            x += 1

    while y < height:
        choice = random.random()
        if x < width and choice < 0.5:
            count = min(random.randrange(1, 30), width - x)
            pair = [random.randrange(2**bits) for _ in range(2)] if bits == 4 else [random.randrange(256)] * 2
            codes += bytes((count, pair[0] << 4 | pair[1] if bits == 4 else pair[0]))
            draw([pair[place % 2] for place in range(count)])
        elif width - x >= 3 and choice < 0.8:
            indices = [random.randrange(2**bits) for _ in range(random.randrange(3, min(width - x, 20) + 1))]
            if bits == 8:
                body = bytes(indices)
            else:
                padded = [*indices, 0]
                body = bytes(padded[at] << 4 | padded[at + 1] for at in range(0, len(indices), 2))
            codes += bytes((0, len(indices))) + body + bytes(len(body) % 2)
            draw(indices)
        elif choice < 0.85 and y < height - 1:
            right, up = random.randrange(width - x + 1), random.randrange(min(3, height - 1 - y) + 1)
            codes += bytes((0, 2, right, up))
            x, y = x + right, y + up
        elif choice < 0.87:
            break
        elif x == width or choice > 0.97:
            codes += bytes((0, 0))
            x, y = 0, y + 1
    codes += bytes((0, 1))
    table = b"".join(bytes((blue, green, red, 0)) for red, green, blue in palette)
    return write_bmp(width, height, bits, 1 if bits == 8 else 2, bytes(codes), palette=table), expected
