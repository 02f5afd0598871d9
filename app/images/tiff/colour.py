"""From the samples of a TIFF page to grey or RGB, with or without straight alpha. Source: TIFF 6.0."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.images.errors import CorruptImageError
from app.images.image import Pixels
from app.images.straight_alpha import divide_by_alpha
from app.images.tiff.directory import Directory
from app.images.tiff.layout import (
    BLACK_IS_ZERO,
    CONVERTED_TO_SRGB,
    ICC_LAB,
    PALETTE,
    RGB,
    SEPARATED,
    WHITE_IS_ZERO,
    YCBCR,
    Layout,
)
from app.images.true_colour import convert_to_true_colour

COLOR_MAP, YCBCR_COEFFICIENTS, REFERENCE_BLACK_WHITE = 320, 529, 532
REC_601 = (0.299, 0.587, 0.114)
FULL_RANGE = (0, 255, 128, 255, 128, 255)
"""Codes of black and white in Y, and of zero and the maximum in Cb and Cr."""
ROWS_TOGETHER = 256
"""Converted at once in float32, so that memory is not needed several times for the whole image."""


def convert_samples(samples: NDArray[Any], page: Directory, layout: Layout, profile: bytes | None) -> Pixels:
    """Convert (height, width, samples) to (height, width, 1..4), uint8 or uint16. CMYK and LAB become sRGB in uint8."""
    is_true_colour = layout.photometric in (BLACK_IS_ZERO, RGB) and layout.bits >= 8
    if is_true_colour and layout.alpha == layout.colours == samples.shape[2] - 1:  # without copies
        return divide_by_alpha(samples) if layout.is_premultiplied else samples
    colours = samples[:, :, : layout.colours]
    alpha = None if layout.alpha is None else scale(samples[:, :, layout.alpha, None], layout.bits)
    if layout.photometric == PALETTE:
        colours = apply_palette(colours[:, :, 0], page, layout)
    elif layout.photometric == YCBCR:
        colours = convert_ycbcr(colours, page)
    elif layout.photometric in CONVERTED_TO_SRGB:
        colours, alpha = convert_to_srgb(reduce(scale(colours, layout.bits)), layout, profile), reduce(alpha)
    else:
        colours = scale(colours, layout.bits)
        if layout.photometric == WHITE_IS_ZERO:
            colours = np.iinfo(colours.dtype).max - colours
    if alpha is None:
        return np.ascontiguousarray(colours)
    pixels = np.concatenate([colours, alpha], axis=2)
    return divide_by_alpha(pixels) if layout.is_premultiplied else pixels


def scale(samples: NDArray[Any], bits: int) -> NDArray[Any]:
    """Stretch samples of 1, 2 or 4 bits to 0..255."""
    return samples if bits >= 8 else samples * np.uint8(255 // (2**bits - 1))


def reduce(samples: NDArray[Any] | None) -> Any:
    """Round 16 bits to 8."""
    if samples is None or samples.dtype == np.uint8:
        return samples
    return np.rint(samples / np.float32(257)).astype(np.uint8)


def apply_palette(indices: NDArray[Any], page: Directory, layout: Layout) -> NDArray[np.uint8]:
    """Look up RGB. Palettes have 16 bits; like libtiff, one without values above 255 is taken for 8 bits."""
    values = page.read(COLOR_MAP)
    size = 2**layout.bits
    if values is None or len(values) < 3 * size:
        raise CorruptImageError(
            f"The TIFF is damaged: its palette has {0 if values is None else len(values)} values of {3 * size}."
        )
    palette = values[: 3 * size].reshape(3, size).T
    return (palette >> 8 if palette.max() > 255 else palette).astype(np.uint8)[indices]


def convert_ycbcr(samples: NDArray[np.uint8], page: Directory) -> NDArray[np.uint8]:
    """Source: TIFF 6.0, section 21."""
    red, green, blue = read_three(page)
    limits = page.read(REFERENCE_BLACK_WHITE)
    black, white, zero_blue, max_blue, zero_red, max_red = (
        FULL_RANGE if limits is None or len(limits) != 6 else [float(value) for value in limits]
    )
    if white == black or max_blue == zero_blue or max_red == zero_red:
        raise CorruptImageError("The TIFF is damaged: black and white have the same code (tag 532).")
    converted = np.empty(samples.shape, np.uint8)
    for start in range(0, len(samples), ROWS_TOGETHER):
        y, cb, cr = np.moveaxis(samples[start : start + ROWS_TOGETHER].astype(np.float32), 2, 0)
        y = (y - black) * (255 / (white - black))
        r = y + (cr - zero_red) * (127 / (max_red - zero_red) * (2 - 2 * red))
        b = y + (cb - zero_blue) * (127 / (max_blue - zero_blue) * (2 - 2 * blue))
        g = (y - blue * b - red * r) / green
        converted[start : start + ROWS_TOGETHER] = np.rint(np.clip(np.stack([r, g, b], axis=2), 0, 255))
    return converted


def read_three(page: Directory) -> tuple[float, ...]:
    """The shares of red, green and blue in the brightness."""
    values = page.read(YCBCR_COEFFICIENTS)
    coefficients = REC_601 if values is None or len(values) != 3 else tuple(float(value) for value in values)
    if not coefficients[1]:
        raise CorruptImageError("The TIFF is damaged: green has no share in the brightness (tag 529).")
    return coefficients


def convert_to_srgb(samples: NDArray[np.uint8], layout: Layout, profile: bytes | None) -> NDArray[np.uint8]:
    """Convert CMYK through the profile, or LAB, to RGB."""
    height, width = samples.shape[:2]
    if layout.photometric == ICC_LAB:  # a and b are stored with an offset of 128, in CIELAB as signed numbers
        samples = samples ^ np.array([0, 128, 128], np.uint8)
    mode, raw_mode = ("CMYK", "CMYK") if layout.photometric == SEPARATED else ("LAB", "LAB")
    image = Image.frombytes(mode, (width, height), np.ascontiguousarray(samples).tobytes(), "raw", raw_mode)
    if profile:
        image.info["icc_profile"] = profile
    return np.asarray(convert_to_true_colour(image))
