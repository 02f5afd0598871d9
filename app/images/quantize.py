"""Reduction of an image to the colours of a GIF: at most 256, of which one can be transparent."""

import numpy as np
from PIL import Image

MAX_COLOURS = 256
MIN_OPAQUE_ALPHA = 128
MAX_EXACT_COLOURS = 10_000
"""Beyond these, the colours are counted with six bits per channel (docs/engineering/performance.md)."""
SIX_BITS = [value & 0b11111100 | 0b10 for value in range(256)] * 3
"""Pillow's lookup table for red, green and blue: the middle of each group of four values."""


def quantize(image: Image.Image) -> Image.Image:
    """Convert an L, RGB or RGBA image for GIF, without dithering. Few enough colours stay exact; alpha is rounded."""
    if image.mode == "L":
        return image
    if image.mode == "RGB":
        return reduce_colours(image, MAX_COLOURS)
    transparent = image.getchannel("A").point(lambda value: 255 if value < MIN_OPAQUE_ALPHA else 0)
    result = reduce_colours(image.convert("RGB"), MAX_COLOURS - 1)
    result.paste(MAX_COLOURS - 1, mask=transparent)
    result.info["transparency"] = MAX_COLOURS - 1
    return result


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
