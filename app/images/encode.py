"""Pixels to bytes. Nothing is written but pixels, timing and the ICC profile: no EXIF, comments or text."""

import io
import math
import struct
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageCms

from app.images.errors import UnwritableFormatError
from app.images.fast_codecs import encode_jpeg
from app.images.formats import DEFAULT_QUALITY, Format
from app.images.image import DecodedImage, Pixels
from app.images.png import encode_png

LONGEST_FRAME_MS = {"gif": 655_350, "png": 65_535_000, "webp": 2**24 - 1}
"""GIF counts 1/100 s in 16 bits, PNG fractions of a second in 16 bits, WebP milliseconds in 24 bits."""
MANY_COLOURS = 10_000
"""Beyond them, those of a GIF are chosen by six bits a channel (docs/performance.md)."""
SIX_BITS = [value & 0b11111100 | 0b10 for value in range(256)] * 3
"""Pillow's table for red, green and blue: each value becomes the middle of its four neighbours."""


class EncodedImage(NamedTuple):
    """A file, and the library that wrote it: `isa-l`, `numpy`, `opencv`, `pillow` or `tifffile`."""

    data: bytes
    backend: str


def encode_image(decoded: DecodedImage, format: Format, quality: int = DEFAULT_QUALITY) -> EncodedImage:
    """Encode an image; `quality` 1..100 counts for jpeg, webp (100 is lossless) and avif (100 is within 3 of 255).

    What a format cannot hold is brought to the nearest that it can: alpha is laid over white for jpeg and bmp, 16 bits
    become 8, pixels with a profile become sRGB. Raises UnwritableFormatError for what would be lost unseen.
    """
    if format.name == "npy":
        return EncodedImage(encode_npy(decoded), "numpy")
    if len(decoded.frames) > 1 and not format.holds_frames:
        raise UnwritableFormatError(
            f"The image has {len(decoded.frames)} frames and {format.name} holds one. Ask for frames=first, or for "
            "format=gif, webp, png or avif."
        )
    if decoded.is_16_bit and format.holds_16_bit:
        if len(decoded.frames) > 1 and format.name == "png":
            raise UnwritableFormatError(
                f"The image has {len(decoded.frames)} pages of 16 bits, and no animated PNG of 16 bits is written. "
                "Ask for frames=first, or for format=tiff."
            )
        return encode_16_bit(decoded, format)
    if format.name == "png" and len(decoded.frames) == 1:
        return EncodedImage(encode_png(decoded.frames[0].pixels, pick_profile(decoded)), "isa-l")
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
    if profile and not (format.holds_profile and (format.holds_grey or decoded.channels >= 3)):
        images = [convert_to_srgb(image, profile) for image in images]
        profile = None
    buffer = io.BytesIO()
    save(images, decoded, format, quality, profile, buffer)
    return buffer.getvalue()


def save(
    images: list[Image.Image],
    decoded: DecodedImage,
    format: Format,
    quality: int,
    profile: bytes | None,
    buffer: io.BytesIO,
) -> None:
    options: dict[str, Any] = {"icc_profile": profile} if profile else {}
    if format.name == "jpeg":
        options |= {"quality": quality, "subsampling": decoded.jpeg_sampling or "4:4:4"}
    elif format.name == "webp":
        options |= {"lossless": True} if quality == 100 else {"quality": quality}
    elif format.name == "avif":
        options |= {"quality": quality} | ({"subsampling": "4:4:4"} if quality == 100 else {})
    elif format.name == "tiff":
        options["compression"] = "tiff_adobe_deflate"
    elif format.name == "gif":
        images = [quantize(image) for image in images]
    if len(images) > 1:
        options |= {"save_all": True, "append_images": images[1:]} | time_frames(decoded, format)
    images[0].save(buffer, format.pillow, **options)


def time_frames(decoded: DecodedImage, format: Format) -> dict[str, Any]:
    """Duration and repetition, and a disposal that lets each full frame replace the one before it.

    What is longer or more often than the format can count becomes the most that it can.
    """
    longest = LONGEST_FRAME_MS.get(format.name, math.inf)
    durations = [round(min(frame.duration_ms, longest)) for frame in decoded.frames]
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
    """(height, width, channels), with frames in front where there are several; grey has no channel axis."""
    pixels = np.stack([frame.pixels for frame in decoded.frames])
    pixels = pixels[0] if len(decoded.frames) == 1 else pixels
    buffer = io.BytesIO()
    np.save(buffer, pixels[..., 0] if pixels.shape[-1] == 1 else pixels, allow_pickle=False)
    return buffer.getvalue()


def reduce_to_8_bit(pixels: Pixels) -> Pixels:
    return np.rint(pixels / 257).astype(np.uint8) if pixels.dtype == np.uint16 else pixels


def convert_to_image(pixels: Pixels, format: Format) -> Image.Image:
    """To the Pillow mode nearest to the pixels that the format can hold."""
    channels = pixels.shape[2]
    image = Image.fromarray(pixels[:, :, 0] if channels == 1 else pixels)
    if channels % 2 == 0 and not format.holds_alpha:
        opaque = Image.new("RGBA", image.size, "white")
        opaque.alpha_composite(image.convert("RGBA"))
        return opaque.convert("L" if channels == 2 else "RGB")
    if channels < 3 and (not format.holds_grey or (channels == 2 and format.name == "gif")):
        return image.convert("RGBA" if channels == 2 else "RGB")
    return image


def quantize(image: Image.Image) -> Image.Image:
    """To at most 256 colours, without dithering; exact where there are no more. Half-transparent is rounded."""
    if image.mode == "L":
        return image
    if image.mode == "RGB":
        return reduce_colours(image, 256)
    transparent = image.getchannel("A").point(lambda value: 255 if value < 128 else 0)
    result = reduce_colours(image.convert("RGB"), 255)
    result.paste(255, mask=transparent)
    result.info["transparency"] = 255
    return result


def reduce_colours(image: Image.Image, count: int) -> Image.Image:
    """By median cut, and each colour the mean of the pixels that have become it.

    The time goes by the number of different colours, so very many are first counted as fewer.
    """
    many = image.getcolors(MANY_COLOURS) is None
    counted = image.point(SIX_BITS) if many else image
    result = counted.quantize(count, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    indices, planes = np.asarray(result).ravel(), np.asarray(image).reshape(-1, 3).T
    sums = [np.bincount(indices, plane, minlength=count) for plane in planes]
    means = np.rint(np.transpose(sums) / np.maximum(np.bincount(indices, minlength=count), 1)[:, None])
    result.putpalette(means.astype(np.uint8).tobytes())
    return result


def pick_profile(decoded: DecodedImage) -> bytes | None:
    """The profile, where it still is one for the pixels: a filter may have made colour grey or grey colour."""
    if decoded.profile is None:
        return None
    space = decoded.profile[16:20]
    return decoded.profile if space == (b"RGB " if decoded.channels >= 3 else b"GRAY") else None


def convert_to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """For formats that hold no such profile. A profile that cannot be used leaves the pixels as they are."""
    colours = image.convert("L" if profile[16:20] == b"GRAY" else "RGB")
    try:
        converted = ImageCms.profileToProfile(
            colours, io.BytesIO(profile), ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except ImageCms.PyCMSError:
        return image
    assert converted is not None
    if image.mode.endswith("A"):
        converted.putalpha(image.getchannel("A"))
    return converted


def encode_16_bit(decoded: DecodedImage, format: Format) -> EncodedImage:
    """Pillow writes no 16-bit colour: PNG is written by `png.py`, TIFF by tifffile."""
    profile = pick_profile(decoded)
    if format.name == "png":
        return EncodedImage(encode_png(decoded.frames[0].pixels, profile), "isa-l")

    import tifffile

    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        for frame in decoded.frames:
            channels = frame.pixels.shape[2]
            writer.write(
                frame.pixels if channels > 1 else frame.pixels[:, :, 0],
                photometric="rgb" if channels >= 3 else "minisblack",
                extrasamples=["unassalpha"] if channels % 2 == 0 else None,
                planarconfig="contig" if channels > 1 else None,
                compression="zlib",
                iccprofile=profile,
                metadata=None,
                software=False,
            )
    return EncodedImage(buffer.getvalue(), "tifffile")
