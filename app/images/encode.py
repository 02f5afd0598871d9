"""Encoding of pixels to image files, which hold pixels, timing and the colour space: no EXIF, comments or text."""

import io
import json
import struct
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from app.images.avif import set_plays
from app.images.colour_embedding import embed_colour
from app.images.colour_plan import fit_colour, holds_profile_of, pick_profile
from app.images.colour_profiles import convert_to_srgb
from app.images.effort import choose_avif_speed, choose_webp_effort
from app.images.encode_apng import encode_apng
from app.images.encode_gif import encode_gif
from app.images.encode_webp import encode_animated_webp
from app.images.errors import UnwritableFormatError
from app.images.fast_codecs import encode_jpeg, encode_lossless_avif
from app.images.formats import DEFAULT_QUALITY, Format
from app.images.image import DecodedImage, Pixels
from app.images.png import encode_png
from app.images.tiff.write import encode_16_bit_tiff

MAX_JSON_VALUES = 1_000_000
"""About 20 MB of float32 numbers as text."""
LOSSLESS_QUALITY = 100
"""Of webp and avif."""


class EncodedImage(NamedTuple):
    """A file, and the library that encoded it: `isa-l`, `numpy`, `opencv`, `pillow` or `tifffile`."""

    data: bytes
    backend: str


def encode_image(decoded: DecodedImage, format: Format, quality: int | None = None) -> EncodedImage:
    """`encode_pixels`, after and before what the colour tags of the image need."""
    fitted = fit_colour(decoded, format)
    encoded = encode_pixels(fitted, format, quality)
    return encoded._replace(data=embed_colour(encoded.data, format, fitted.colour))


def encode_pixels(decoded: DecodedImage, format: Format, quality: int | None) -> EncodedImage:
    """Encode an image; `quality` 1..100 applies to jpeg, webp and avif; 100 is lossless in webp and avif.

    Without it, an image from a lossless file is lossless in webp and avif, and others have the quality 90.

    The image is converted to the nearest that the format can hold: alpha is composed over white for jpeg and bmp,
    16 bits become 8, pixels with a profile become sRGB. Raises UnwritableFormatError if frames or a side do not fit.
    """
    check_encodable(decoded, format, quality)
    if format.holds_numbers:
        return EncodedImage(encode_npy(decoded) if format.name == "npy" else encode_json(decoded), "numpy")
    if format.name == "png":
        profile = pick_profile(decoded)
        if len(decoded.frames) == 1:
            return EncodedImage(encode_png(decoded.frames[0].pixels, profile), "isa-l")
        return EncodedImage(encode_apng(decoded.frames, decoded.plays, profile), "isa-l")
    if decoded.is_16_bit and format.name == "tiff":
        pages = [frame.pixels for frame in decoded.frames]
        return EncodedImage(encode_16_bit_tiff(pages, pick_profile(decoded)), "tifffile")
    try:
        if format.name == "jpeg" and decoded.channels in (1, 3):
            pixels = reduce_to_8_bit(decoded.frames[0].pixels)
            jpeg = encode_jpeg(
                pixels, quality or DEFAULT_QUALITY, decoded.jpeg_sampling or "4:4:4", pick_profile(decoded)
            )
            return EncodedImage(jpeg, "opencv")
        return encode_8_bit(decoded, format, quality)
    except (OSError, ValueError, OverflowError, RuntimeError, struct.error) as error:
        raise UnwritableFormatError(
            f"An image of {decoded.width}×{decoded.height} pixels cannot be written as {format.name}: {error}."
        ) from error


def check_encodable(decoded: DecodedImage, format: Format, quality: int | None) -> None:
    """Raise UnwritableFormatError if the frames or the number of values exceed what the format is written with.

    The values themselves do not matter, so results can be checked before they are computed.
    """
    values = decoded.pixel_count * decoded.channels
    if format.name == "json" and values > MAX_JSON_VALUES:
        raise UnwritableFormatError(
            f"The result has {values} values; the limit of json is {MAX_JSON_VALUES}. Use format=npy, or reduce "
            "the image."
        )
    if len(decoded.frames) > 1 and not (format.holds_numbers or format.holds_frames):
        raise UnwritableFormatError(
            f"The image has {len(decoded.frames)} frames and {format.name} holds one. Ask for frames=first, or for "
            "format=gif, webp, png or avif."
        )
    if format.name == "avif":
        choose_avif_speed(decoded, quality or DEFAULT_QUALITY, is_lossless=choose_lossless(decoded, quality))


def choose_lossless(decoded: DecodedImage, quality: int | None) -> bool:
    """Whether webp and avif are written without loss."""
    return decoded.is_lossless if quality is None else quality == LOSSLESS_QUALITY


def encode_8_bit(decoded: DecodedImage, format: Format, quality: int | None) -> EncodedImage:
    images = [convert_to_image(reduce_to_8_bit(frame.pixels), format) for frame in decoded.frames]
    durations_ms = [frame.duration_ms for frame in decoded.frames]
    profile = pick_profile(decoded)
    if profile and not holds_profile_of(format, decoded.channels):
        images = [apply_profile(image, profile) for image in images]
        profile = None
    is_lossless = choose_lossless(decoded, quality)
    if format.name == "gif":
        frames = [replace(frame, pixels=to_pixels(image)) for frame, image in zip(decoded.frames, images, strict=True)]
        return EncodedImage(encode_gif(frames, decoded.plays), "pillow")
    options = choose_options(decoded, format, DEFAULT_QUALITY if quality is None else quality, is_lossless)
    if format.name == "webp" and len(images) > 1:
        data = encode_animated_webp(images, durations_ms, decoded.plays, profile, **options)
        return EncodedImage(data, "pillow")
    whole_ms = [round(duration_ms) for duration_ms in durations_ms]
    if format.name == "avif" and is_lossless and not (profile and len(images) > 1):  # OpenCV takes either
        pixels = [to_pixels(image) for image in images]
        data, backend = encode_lossless_avif(pixels, whole_ms, profile, options["speed"]), "opencv"
    else:
        data, backend = encode_with_pillow(images, format, profile, whole_ms, options), "pillow"
    return EncodedImage(set_plays(data, decoded.plays) if format.name == "avif" else data, backend)


def encode_with_pillow(
    images: list[Image.Image], format: Format, profile: bytes | None, durations_ms: list[int], options: dict[str, Any]
) -> bytes:
    if profile:
        options = options | {"icc_profile": profile}
    if len(images) > 1:
        options = options | {"save_all": True, "append_images": images[1:]}
        if format.name == "avif":
            options["duration"] = durations_ms
    buffer = io.BytesIO()
    images[0].save(buffer, format.pillow, **options)
    return buffer.getvalue()


def choose_options(decoded: DecodedImage, format: Format, quality: int, is_lossless: bool) -> dict[str, Any]:
    """Pillow's options for the quality of lossy formats and the compression of others."""
    if format.name == "jpeg":
        return {"quality": quality, "subsampling": decoded.jpeg_sampling or "4:4:4"}
    if format.name == "webp":
        effort = choose_webp_effort(decoded, is_lossless=is_lossless)
        return ({"lossless": True, "exact": True} if is_lossless else {"quality": quality}) | effort
    if format.name == "avif":
        speed = choose_avif_speed(decoded, quality, is_lossless=is_lossless)
        return ({"quality": 100, "subsampling": "4:4:4"} if is_lossless else {"quality": quality}) | {"speed": speed}
    if format.name == "tiff":
        return {"compression": "tiff_adobe_deflate"}
    return {}


def encode_npy(decoded: DecodedImage) -> bytes:
    """The array of `stack_frames`."""
    buffer = io.BytesIO()
    np.save(buffer, stack_frames(decoded), allow_pickle=False)
    return buffer.getvalue()


def encode_json(decoded: DecodedImage) -> bytes:
    """The array of `stack_frames` as nested lists, with its shape and dtype."""
    pixels = stack_frames(decoded)
    document = {"shape": pixels.shape, "dtype": str(pixels.dtype), "values": pixels.tolist()}
    return json.dumps(document, separators=(",", ":")).encode()


def stack_frames(decoded: DecodedImage) -> Pixels:
    """An array (height, width, channels), with a leading axis for several frames and no channel axis for grey."""
    frames = [frame.pixels for frame in decoded.frames]
    pixels = frames[0] if len(frames) == 1 else np.stack(frames)
    return pixels[..., 0] if pixels.shape[-1] == 1 else pixels


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


def to_pixels(image: Image.Image) -> Pixels:
    """Convert an L, RGB or RGBA image to (height, width, channels)."""
    pixels = np.asarray(image)
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def apply_profile(image: Image.Image, profile: bytes) -> Image.Image:
    """Convert to sRGB and keep alpha, for formats that cannot hold the profile. Ignores an unusable profile."""
    colours = image.convert("L" if profile[16:20] == b"GRAY" else "RGB")
    converted = convert_to_srgb(colours, profile)
    if converted is None:
        return image
    if image.mode.endswith("A"):
        converted.putalpha(image.getchannel("A"))
    return converted
