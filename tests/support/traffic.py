"""Unlike requests from a seed: images of all sizes, formats and kernels, digits, and some hostile files."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from kernels.catalogue import ENTRIES
from tests.support import decompression_bombs as bombs
from tests.support.images import encode, encode_frames
from tests.support.mutants import make_mutants, make_seeds

FORMATS: Mapping[str, tuple[str, dict[str, object]]] = {
    "image/jpeg": ("JPEG", {"quality": 85}),
    "image/png": ("PNG", {"compress_level": 1}),
    "image/webp": ("WEBP", {"method": 0}),
    "image/avif": ("AVIF", {"speed": 10, "max_threads": 1}),
    "image/gif": ("GIF", {}),
    "image/bmp": ("BMP", {}),
    "image/tiff": ("TIFF", {}),
}
KERNELS = [entry.name for entry in ENTRIES]
BORDERS = ("edge", "zero", "reflect", "symmetric", "wrap")
BOMBS: tuple[Callable[[], bytes], ...] = (
    lambda: bombs.write_scan_bomb(1005),
    lambda: bombs.write_chunk_bomb(20_000),
    lambda: bombs.write_inflating_png(20_000_000, b"zTXt"),
    lambda: bombs.write_tiff_of_pages(3000),
    lambda: bombs.write_gif_of_tiny_blocks(50_000),
    lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    bytes,
)
REFUSALS = frozenset({413, 415, 422})


@dataclass(frozen=True)
class Ask:
    """One POST with a raw image."""

    path: str
    media_type: str
    body: bytes = field(repr=False)
    hostile: bool = False

    def accepts(self, status: int) -> bool:
        """Whether that is a right answer to it. A hostile file may turn out to be a good one."""
        return status == 200 or (self.hostile and status in REFUSALS)


class Traffic:
    """Request number n is always the same one."""

    def __init__(self, seed: int, max_side_px: int, hostile_share: float) -> None:
        self.seed = seed
        self.max_side_px = max_side_px
        self.hostile_share = hostile_share
        self._seeds = make_seeds()
        self._bombs = [write() for write in BOMBS]

    def make(self, number: int) -> Ask:
        draw = random.Random(self.seed * 1_000_003 + number)
        if draw.random() < self.hostile_share:
            mutant = next(make_mutants(self._seeds, 1, draw.randrange(2**31)))
            body = draw.choice(self._bombs) if draw.random() < 0.2 else mutant
            return Ask(self._choose_path(draw), "application/octet-stream", body, hostile=True)
        if draw.random() < 0.1:
            route = draw.choice(("/classify", "/classify?preview=true", "/read", "/classify/explain?format=json"))
            return Ask(route, "image/png", encode(draw_digits(draw, several=route == "/read"), "PNG"))
        media_type, (format, options) = draw.choice(list(FORMATS.items()))
        image = draw_scene(draw, self.max_side_px)
        if format == "GIF":
            image = image.quantize(64, Image.Quantize.FASTOCTREE)
        if format in ("GIF", "WEBP") and draw.random() < 0.2:
            body = encode_frames([image, image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)], format, duration=50)
        else:
            body = encode(image, format, **options)
        return Ask(self._choose_path(draw), media_type, body)

    def _choose_path(self, draw: random.Random) -> str:
        if draw.random() < 0.03:
            return f"/gallery?kernels={','.join(draw.sample(KERNELS, 3))}&side=64"
        kernel, border = draw.choice(KERNELS), draw.choice(BORDERS)
        return f"/filter/{kernel}?border={border}&frames={draw.choice(('all', 'first'))}"


def draw_scene(draw: random.Random, max_side_px: int) -> Image.Image:
    """Smooth colours of any size up to the longest side; now and then grey or with alpha."""
    width, height = draw.randint(1, max_side_px), draw.randint(1, max_side_px)
    mode = draw.choice(("RGB", "RGB", "RGB", "L"))
    coarse = np.frombuffer(draw.randbytes(8 * 8 * 3), np.uint8).reshape(8, 8, 3)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).convert(mode)


def draw_digits(draw: random.Random, several: bool) -> Image.Image:
    side = draw.randint(28, 160)
    text = "".join(draw.choice("0123456789") for _ in range(4 if several else 1))
    image = Image.new("L", (side * len(text), side), 255)
    ImageDraw.Draw(image).text((side * 0.2, side * 0.05), text, 0, ImageFont.load_default(side * 0.8))
    return image
