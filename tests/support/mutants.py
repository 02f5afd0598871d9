"""Valid images, damaged at random from a seed: bits flipped, bytes removed, inserted, replaced and repeated."""

import random
from collections.abc import Iterator

import numpy as np
from PIL import Image

from tests.support.images import draw_blobs, draw_noise, encode, encode_frames, write_png


def make_seeds() -> list[bytes]:
    """Small images of every readable format and kind."""
    blobs = Image.fromarray(draw_blobs(24, 32))
    frames = [draw_noise(12, 12, seed=seed) for seed in (1, 2, 3)]
    return [
        encode(blobs, "JPEG"),
        encode(blobs, "JPEG", progressive=True),
        encode(blobs.convert("CMYK"), "JPEG"),
        encode(blobs, "PNG"),
        encode(blobs.convert("P"), "PNG"),
        encode(blobs.convert("RGBA"), "PNG"),
        write_png(draw_noise(12, 12, dtype="uint16")),
        encode(blobs, "WEBP"),
        encode(blobs, "WEBP", lossless=True),
        encode(blobs, "AVIF"),
        encode(blobs, "BMP"),
        encode(blobs, "TIFF"),
        encode(blobs, "TIFF", compression="tiff_lzw"),
        encode(blobs, "TIFF", compression="jpeg"),
        encode(Image.fromarray(np.zeros((8, 8), np.uint16)), "TIFF"),
        *(encode_frames(frames, format) for format in ("GIF", "PNG", "WEBP", "TIFF", "AVIF")),
    ]


def make_mutants(seeds: list[bytes], count: int, seed: int) -> Iterator[bytes]:
    random_number = random.Random(seed)
    for _ in range(count):
        data = bytearray(random_number.choice(seeds))
        for _ in range(random_number.choice((1, 1, 2, 4, 16))):
            damage(data, random_number, seeds)
        yield bytes(data)


def damage(data: bytearray, random_number: random.Random, seeds: list[bytes]) -> None:
    if not data:
        return
    at = random_number.randrange(len(data))
    end = at + random_number.choice((1, 4, 64, len(data)))
    kind = random_number.randrange(6)
    if kind == 0:
        data[at] ^= 1 << random_number.randrange(8)
    elif kind == 1:
        data[at] = random_number.choice((0, 1, 0x7F, 0x80, 0xFF))
    elif kind == 2:
        del data[at:end]
    elif kind == 3:
        data[at:at] = data[at:end][:4096]
    elif kind == 4:
        data[at:at] = random_number.randbytes(random_number.choice((1, 4, 64)))
    else:
        other = random_number.choice(seeds)
        data[at:] = other[random_number.randrange(len(other)) :]
