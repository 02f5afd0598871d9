"""Reduction of pixels to the colours of a GIF."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.images.image import Pixels

Words = NDArray[np.uint32]
"""Opaque RGBA pixels, one integer for each: red in the lowest byte."""
MAX_COLOURS = 256
MAX_EXACT_COLOURS = 10_000
"""Beyond these, the colours are counted with six bits per channel (docs/engineering/performance.md)."""
SIX_BITS = [value & 0b11111100 | 0b10 for value in range(256)] * 3
"""Pillow's lookup table for red, green and blue: the middle of each group of four values."""
RGB_BITS = 0xFFFFFF


def quantize(
    words: Words, max_colours: int, find_palette: Callable[[], Image.Image] | None = None
) -> tuple[NDArray[np.uint8], Pixels]:
    """Reduce (count,) pixels to at most `max_colours`, without dithering. Returns indices and palette (colours, 3).

    Few enough colours stay exact. Otherwise the palette is that of `find_palette`, or chosen for these pixels.
    """
    colours = make_image(words).getcolors(max_colours)
    if colours is not None:
        palette = np.array([colour for _, colour in colours], np.uint8)[:, :3]
        index_by_colour = np.empty(RGB_BITS + 1, np.uint8)
        index_by_colour[palette.astype(np.uint32) @ np.array([1, 1 << 8, 1 << 16], np.uint32)] = np.arange(len(palette))
        return index_by_colour[words & RGB_BITS], palette
    image = make_image(words).convert("RGB")
    if find_palette is None:
        reduced = reduce_colours(image, max_colours)
    else:
        reduced = image.quantize(palette=find_palette(), dither=Image.Dither.NONE)
    palette = np.array(reduced.getpalette("RGB"), np.uint8).reshape(-1, 3)[:max_colours]
    return np.minimum(np.asarray(reduced)[0], len(palette) - 1), palette


def choose_palette(words: Words, count: int) -> Image.Image:
    """Choose `count` colours for these pixels. Of 256, the last one is repeated, as Pillow maps to all."""
    reduced = reduce_colours(make_image(words).convert("RGB"), count)
    palette = np.array(reduced.getpalette("RGB"), np.uint8).reshape(-1, 3)[:count]
    reduced.putpalette(np.pad(palette, ((0, MAX_COLOURS - len(palette)), (0, 0)), mode="edge").tobytes())
    return reduced


def make_image(words: Words) -> Image.Image:
    """An RGBA image of one row."""
    return Image.fromarray(np.ascontiguousarray(words).view(np.uint8).reshape(1, -1, 4))


def reduce_colours(image: Image.Image, count: int) -> Image.Image:
    """Choose `count` colours of an RGB image by median cut, then replace each by the mean of its pixels.

    The time is proportional to the number of different colours, so an image with too many is counted in fewer.
    """
    has_many = image.getcolors(MAX_EXACT_COLOURS) is None
    counted = image.point(SIX_BITS) if has_many else image
    result = counted.quantize(count, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    indices, planes = np.asarray(result).ravel(), np.asarray(image).reshape(-1, 3).T
    sums = [np.bincount(indices, plane, minlength=count) for plane in planes]
    means = np.rint(np.transpose(sums) / np.maximum(np.bincount(indices, minlength=count), 1)[:, None])
    result.putpalette(means.astype(np.uint8).tobytes())
    return result
