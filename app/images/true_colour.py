"""Conversion of Pillow's modes to grey or RGB, with or without alpha, in 8 bits."""

import numpy as np
from PIL import Image

from app.images.colour_profiles import convert_lab_to_srgb, convert_to_srgb
from app.images.errors import UnreadableFormatError
from app.images.image import Pixels

TRUE_COLOUR_MODES = {
    "1": "L", "L": "L", "LA": "LA", "La": "LA", "P": "RGB", "PA": "RGBA", "RGB": "RGB", "RGBX": "RGB",
    "RGBA": "RGBA", "RGBa": "RGBA", "YCbCr": "RGB", "HSV": "RGB",
}  # fmt: skip
CONVERTED_TO_SRGB = ("CMYK", "LAB")


def convert_to_true_colour(image: Image.Image) -> Image.Image:
    """Convert to L, LA, RGB or RGBA. CMYK and LAB are converted to sRGB.

    Raises UnreadableFormatError for float and 32-bit pixels.
    """
    if image.mode in CONVERTED_TO_SRGB:
        profile = image.info.get("icc_profile")
        if image.mode == "LAB":
            converted = convert_lab_to_srgb(image)
        else:
            converted = convert_to_srgb(image, profile) if profile else None
        return image.convert("RGB") if converted is None else converted
    mode = TRUE_COLOUR_MODES.get(image.mode)
    if mode is None:
        raise UnreadableFormatError(
            f"The image has pixels of the kind '{image.mode}', which is not read. Send 8 or 16 bits a channel."
        )
    if "transparency" in image.info:  # a transparent palette entry or colour
        mode = {"L": "LA", "RGB": "RGBA"}.get(mode, mode)
    elif image.mode == "P" and image.palette and image.palette.mode == "RGBA":
        mode = "RGBA"
    return image if image.mode == mode else image.convert(mode)


def scale_transparent_grey(image: Image.Image, bit_depth: int) -> None:
    """Bring the transparent grey of a PNG to 0..255. Pillow scales greys of 2 and 4 bits, but not this one."""
    transparent = image.info.get("transparency")
    if image.format == "PNG" and image.mode == "L" and isinstance(transparent, int):
        image.info["transparency"] = transparent * 255 // (2**bit_depth - 1)


def choose_common_channels(channels: list[int]) -> int:
    """The smallest number of channels, 1..4, that holds all frames."""
    colour = 3 if any(count >= 3 for count in channels) else 1
    return colour + any(count % 2 == 0 for count in channels)


def expand_channels(pixels: Pixels, channels: int) -> Pixels:
    """Expand (height, width, 1..4) to `channels`: grey becomes RGB, and a missing alpha becomes opaque."""
    if pixels.shape[2] == channels:
        return pixels
    has_alpha = pixels.shape[2] % 2 == 0
    colours = pixels[:, :, : pixels.shape[2] - has_alpha]
    if channels >= 3 and colours.shape[2] == 1:
        colours = np.repeat(colours, 3, axis=2)
    if channels % 2:
        return colours
    opaque = np.full_like(pixels[:, :, :1], np.iinfo(pixels.dtype).max)
    return np.concatenate([colours, pixels[:, :, -1:] if has_alpha else opaque], axis=2)
