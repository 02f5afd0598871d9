"""The task `sample`: images to try the service with, drawn by this module."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import NoneType
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from app.images.png import encode_png
from app.pool.ipc import Report
from app.pool.task import Answer, Task
from app.tasks.context import TaskContext

SampleName = Literal["house", "chart", "digits"]


def draw_sample(width: int = 192, height: int = 144) -> NDArray[np.uint8]:
    """A house, a sun, a fence and a word: flat areas, slopes and fine stripes. (height, width, 3) uint8."""
    scale = 4  # drawn large and reduced, so that edges are smooth
    w, h = width * scale, height * scale
    sky = np.linspace([92, 148, 222], [226, 236, 246], h).astype(np.uint8)
    image = Image.fromarray(np.broadcast_to(sky[:, None], (h, w, 3)).copy())
    draw = ImageDraw.Draw(image)

    def at(x: float, y: float) -> tuple[float, float]:
        return x * w, y * h

    draw.ellipse((*at(0.72, 0.08), at(0.72, 0)[0] + 0.22 * h, 0.3 * h), fill=(250, 208, 62))
    draw.polygon([at(0, 0.72), at(0.3, 0.45), at(0.62, 0.74), at(0, 1)], fill=(88, 122, 96))
    draw.rectangle((*at(0, 0.72), *at(1, 1)), fill=(112, 158, 78))
    draw.rectangle((*at(0.16, 0.48), *at(0.46, 0.86)), fill=(236, 222, 196))
    draw.polygon([at(0.11, 0.5), at(0.31, 0.26), at(0.51, 0.5)], fill=(168, 58, 46))
    draw.rectangle((*at(0.21, 0.56), *at(0.29, 0.68)), fill=(56, 84, 120))
    draw.rectangle((*at(0.34, 0.6), *at(0.42, 0.86)), fill=(104, 70, 44))
    for post in range(14):
        x = 0.56 + 0.03 * post
        draw.rectangle((*at(x, 0.64 + 0.004 * post), *at(x + 0.014, 0.9)), fill=(244, 244, 238))
    draw.text(at(0.56, 0.42), "conv2d", font=ImageFont.load_default(0.14 * h), fill=(34, 40, 52))
    return np.asarray(image.reduce(scale))


def draw_chart(width: int = 768, height: int = 576) -> NDArray[np.uint8]:
    """A test chart: rings, stripes of all widths, points, lines, edges and a grey wedge. (height, width, 3) uint8."""
    chart = np.full((height, width), 128.0)
    half = width // 2
    y, x = np.mgrid[:height, :half]
    rings = (x - half / 2) ** 2 + (y - height / 2) ** 2
    chart[:, :half] = 127.5 + 127.5 * np.cos(np.pi * rings / width)  # the shortest wave, at the sides, has two pixels

    band = height // 6
    across = np.arange(width - half)
    chart[:band, half:] = 127.5 + 127.5 * np.sign(np.sin(np.pi * (across + 0.5) / (1 + across // 32)))
    chart[band : 2 * band, half:] = np.repeat(np.linspace(0, 255, 12).round(), -(-(width - half) // 12))[: width - half]
    chart[2 * band : 3 * band, half:] = np.linspace(0, 255, width - half)
    chart[3 * band : 4 * band, half:] = 0
    chart[3 * band + band // 2, half + 16 : width : 32] = 255  # impulses: the result of each is the kernel
    chart[4 * band : 5 * band, half:] = 255 * ((across // 24 + np.arange(band)[:, None] // 24) % 2)
    image = Image.fromarray(np.repeat(np.rint(chart).astype(np.uint8)[:, :, None], 3, axis=2))
    draw = ImageDraw.Draw(image)
    for number, colour in enumerate(((214, 40, 57), (247, 184, 1), (61, 165, 93), (38, 112, 196), (122, 62, 160))):
        side = (width - half) / 5
        draw.rectangle((half + number * side, 5 * band, half + (number + 1) * side, height), fill=colour)
        draw.line((half + number * side, 5 * band, half + (number + 1) * side, height), fill=(255, 255, 255), width=3)
    return np.asarray(image)


def draw_digits_page(width: int = 768, height: int = 576) -> NDArray[np.uint8]:
    """Three lines of synthetic handwritten digits, blue ink on paper. (height, width, 3) uint8."""
    from models.training.glyphs import DIGIT_GLYPHS
    from models.training.synthetic_digits import draw_strokes, parse_glyph, warp_strokes

    generator = np.random.default_rng(7)
    ink = np.zeros((height, width), np.float32)
    side = 176
    for row, line in enumerate(("31415", "92653", "58979")):
        for column, digit in enumerate(line):
            glyphs = DIGIT_GLYPHS[int(digit)]
            strokes = warp_strokes(parse_glyph(glyphs[generator.integers(min(3, len(glyphs)))]), generator, 0.4)
            top = 8 + row * (height - side - 16) // 2 + int(generator.integers(-5, 6))
            left = 10 + column * (width - side - 20) // 4 + int(generator.integers(-6, 7))
            there = ink[max(top, 0) : top + side, left : left + side]
            drawn = draw_strokes(strokes, 9, side)[: there.shape[0], : there.shape[1]]
            np.maximum(there, drawn, out=there)
    paper = np.array([250, 247, 238], np.float32)
    light = np.linspace(1, 0.93, width, dtype=np.float32)[None, :, None]  # brighter on the left
    page = paper * light * (1 - ink[:, :, None]) + np.array([28, 46, 92], np.float32) * ink[:, :, None]
    return np.rint(page).astype(np.uint8)


SAMPLES: Mapping[SampleName, Callable[[], NDArray[np.uint8]]] = {
    "house": lambda: draw_sample(768, 576),
    "chart": draw_chart,
    "digits": draw_digits_page,
}


class SampleParams(msgspec.Struct, frozen=True):
    """Of the task `sample`."""

    name: SampleName


def run_sample(context: TaskContext, params: SampleParams, blobs: Sequence[bytes], report: Report) -> Answer[None]:
    return Answer(None, [encode_sample(params.name)])


SAMPLE = Task("sample", SampleParams, NoneType, run_sample)


@cache
def encode_sample(name: SampleName) -> bytes:
    """A sample as a PNG. Drawing takes longer than most filters, so each sample is drawn once per process."""
    return encode_png(SAMPLES[name](), None)
