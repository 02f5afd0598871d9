"""Encoding of pixels to image files, which hold pixels, timing and the colour space: no EXIF, comments or text."""

import io
import math
import struct
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from app.images.colour_embedding import embed_colour
from app.images.colour_plan import fit_colour, holds_profile_of, pick_profile
from app.images.colour_profiles import convert_to_srgb
from app.images.errors import UnwritableFormatError
from app.images.fast_codecs import encode_jpeg
from app.images.formats import DEFAULT_QUALITY, Format
from app.images.image import DecodedImage, Pixels
from app.images.png import encode_png
from app.images.quantize import quantize
from app.images.tiff import encode_16_bit_tiff

MAX_FRAME_MS = {"gif": 655_350, "png": 65_535_000, "webp": 2**24 - 1}
"""GIF counts 1/100 s in 16 bits, PNG fractions of a second in 16 bits, WebP milliseconds in 24 bits."""


class EncodedImage(NamedTuple):
    """A file, and the library that encoded it: `isa-l`, `numpy`, `opencv`, `pillow` or `tifffile`."""

    data: bytes
    backend: str


def encode_image(decoded: DecodedImage, format: Format, quality: int = DEFAULT_QUALITY) -> EncodedImage:
    """`encode_pixels`, after and before what the colour tags of the image need."""
    fitted = fit_colour(decoded, format)
    encoded = encode_pixels(fitted, format, quality)
    return encoded._replace(data=embed_colour(encoded.data, format, fitted.colour))


def encode_pixels(decoded: DecodedImage, format: Format, quality: int) -> EncodedImage:
    """Encode an image; `quality` 1..100 applies to jpeg, webp (100 is lossless) and avif (100 is within 3 of 255).

    The image is converted to the nearest that the format can hold: alpha is composed over white for jpeg and bmp,
    16 bits become 8, pixels with a profile become sRGB. Raises UnwritableFormatError if frames or a side do not fit.
    """
    if format.name == "npy":
        return EncodedImage(encode_npy(decoded), "numpy")
    if len(decoded.frames) > 1 and not format.holds_frames:
        raise UnwritableFormatError(
            f"The image has {len(decoded.frames)} frames and {format.name} holds one. Ask for frames=first, or for "
            "format=gif, webp, png or avif."
        )
    if len(decoded.frames) > 1 and decoded.is_16_bit and format.name == "png":
        raise UnwritableFormatError(
            f"The image has {len(decoded.frames)} pages of 16 bits, and no animated PNG of 16 bits is written. "
            "Ask for frames=first, or for format=tiff."
        )
    if len(decoded.frames) == 1 and format.name == "png":
        return EncodedImage(encode_png(decoded.frames[0].pixels, pick_profile(decoded)), "isa-l")
    if decoded.is_16_bit and format.name == "tiff":
        pages = [frame.pixels for frame in decoded.frames]
        return EncodedImage(encode_16_bit_tiff(pages, pick_profile(decoded)), "tifffile")
    try:
        if format.name == "jpeg" and decoded.channels in (1, 3):
            pixels = reduce_to_8_bit(decoded.frames[0].pixels)
            jpeg = encode_jpeg(pixels, quality, decoded.jpeg_sampling or "4:4:4", pick_profile(decoded))
            return EncodedImage(jpeg, "opencv")
        return EncodedImage(encode_with_pillow(decoded, format, quality), "pillow")
    except (OSError, ValueError, OverflowError, RuntimeError, struct.error) as error:
        raise UnwritableFormatError(
            f"An image of {decoded.width}×{decoded.height} pixels cannot be written as {format.name}: {error}."
        ) from error


def encode_with_pillow(decoded: DecodedImage, format: Format, quality: int) -> bytes:
    images = [convert_to_image(reduce_to_8_bit(frame.pixels), format) for frame in decoded.frames]
    profile = pick_profile(decoded)
    if profile and not holds_profile_of(format, decoded.channels):
        images = [apply_profile(image, profile) for image in images]
        profile = None
    if format.name == "gif":
        images = [quantize(image) for image in images]
    options = choose_options(decoded, format, quality)
    if profile:
        options["icc_profile"] = profile
    if len(images) > 1:
        options |= {"save_all": True, "append_images": images[1:]} | time_frames(decoded, format)
    buffer = io.BytesIO()
    images[0].save(buffer, format.pillow, **options)
    return buffer.getvalue()


def choose_options(decoded: DecodedImage, format: Format, quality: int) -> dict[str, Any]:
    """Pillow's options for the quality of lossy formats and the compression of others."""
    if format.name == "jpeg":
        return {"quality": quality, "subsampling": decoded.jpeg_sampling or "4:4:4"}
    if format.name == "webp":
        return {"lossless": True} if quality == 100 else {"quality": quality}
    if format.name == "avif":
        return {"quality": quality} | ({"subsampling": "4:4:4"} if quality == 100 else {})
    if format.name == "tiff":
        return {"compression": "tiff_adobe_deflate"}
    return {}


def time_frames(decoded: DecodedImage, format: Format) -> dict[str, Any]:
    """Pillow's options for durations and repetitions, and for frames that replace the previous one.

    Values beyond the range of the format become its maximum.
    """
    max_ms = MAX_FRAME_MS.get(format.name, math.inf)
    durations = [round(min(frame.duration_ms, max_ms)) for frame in decoded.frames]
    if format.name == "gif":
        loop = {} if decoded.plays == 1 else {"loop": min(max(decoded.plays - 1, 0), 65535)}
        return {"duration": durations, "disposal": 2, "optimize": False} | loop
    if format.name == "png":
        seconds = [duration if duration <= 65_535 else round(duration, -3) for duration in durations]
        return {"duration": seconds, "loop": decoded.plays, "disposal": 0, "blend": 0}
    if format.name == "webp":
        return {"duration": durations, "loop": min(decoded.plays, 65535)}
    return {"duration": durations} if format.name == "avif" else {}


def encode_npy(decoded: DecodedImage) -> bytes:
    """An array (height, width, channels), with a leading axis for several frames and no channel axis for grey."""
    pixels = np.stack([frame.pixels for frame in decoded.frames])
    pixels = pixels[0] if len(decoded.frames) == 1 else pixels
    buffer = io.BytesIO()
    np.save(buffer, pixels[..., 0] if pixels.shape[-1] == 1 else pixels, allow_pickle=False)
    return buffer.getvalue()


def reduce_to_8_bit(pixels: Pixels) -> Pixels:
    """Round uint16 to uint8. Returns uint8 pixels unchanged."""
    return np.rint(pixels / 257).astype(np.uint8) if pixels.dtype == np.uint16 else pixels


def convert_to_image(pixels: Pixels, format: Format) -> Image.Image:
    """Convert (height, width, 1..4) uint8 to the nearest Pillow mode that the format can hold."""
    channels = pixels.shape[2]
    image = Image.fromarray(pixels[:, :, 0] if channels == 1 else pixels)
    if channels % 2 == 0 and not format.holds_alpha:
        opaque = Image.new("RGBA", image.size, "white")
        opaque.alpha_composite(image.convert("RGBA"))
        return opaque.convert("L" if channels == 2 else "RGB")
    if channels < 3 and (not format.holds_grey or (channels == 2 and format.name == "gif")):
        return image.convert("RGBA" if channels == 2 else "RGB")
    return image


def apply_profile(image: Image.Image, profile: bytes) -> Image.Image:
    """Convert to sRGB and keep alpha, for formats that cannot hold the profile. Ignores an unusable profile."""
    colours = image.convert("L" if profile[16:20] == b"GRAY" else "RGB")
    converted = convert_to_srgb(colours, profile)
    if converted is None:
        return image
    if image.mode.endswith("A"):
        converted.putalpha(image.getchannel("A"))
    return converted
