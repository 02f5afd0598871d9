"""Decoding of image files to upright true-colour pixels.

| file                                | pixels                                                         |
|-------------------------------------|----------------------------------------------------------------|
| grey, 1-bit                         | grey                                                           |
| grey + alpha                        | grey + alpha                                                   |
| RGB, palette, YCbCr, LAB            | RGB                                                            |
| RGBA, palette with transparency     | RGBA                                                           |
| CMYK                                | RGB in sRGB, through the file's profile if it has one          |
| 16-bit PNG and TIFF                 | the same in uint16                                             |
| animated GIF, WebP, PNG, AVIF; TIFF | every frame or page as displayed (composed over the previous)  |
| multi-picture JPEG (MPO)            | the first image, which is the one that viewers show            |
| HEIC                                | the primary image; 10 and 12 bits in uint16                    |
"""

import io
import re
from typing import cast

from PIL import Image, UnidentifiedImageError

from app.images import avif
from app.images.apng import read_apng
from app.images.bmp.decode import decode_bmp
from app.images.bmp_profile import read_bmp_profile
from app.images.complexity import check_frame_count
from app.images.decode_apng import decode_animated_png
from app.images.decode_gif import decode_gif, read_gif
from app.images.decode_heic import decode_heic
from app.images.decode_pillow import count_frames, decode_with_pillow, read_jpeg_sampling, read_plays, reduce_jpeg
from app.images.errors import (
    CorruptImageError,
    EmptyImageError,
    ImageError,
    ImageTooLargeError,
    UnreadableFormatError,
)
from app.images.fast_codecs import decode_fast
from app.images.file_facts import FileFacts
from app.images.formats import FORMATS, FORMATS_BY_PILLOW_NAME, HEIC, READABLE, Frames, recognize_format
from app.images.image import DecodedImage, Frame
from app.images.inspect import inspect
from app.images.limits import ImageLimits, describe_limit
from app.images.orientation import parse_orientation, turn_upright
from app.images.plain_jpeg import decode_plain_jpeg
from app.images.tiff.decode import decode_tiff
from app.images.true_colour import CONVERTED_TO_SRGB, choose_common_channels, expand_channels

PILLOW_FORMATS = [format.pillow for format in READABLE if format.name in ("jpeg", "png", "webp", "avif")]


def decode_image(
    data: bytes, limits: ImageLimits, frames: Frames = "all", *, enough_px: int | None = None
) -> DecodedImage:
    """Decode an image. Raises ImageError, whatever the decoder raised.

    A JPEG whose longer side is at least twice `enough_px` is decoded at a half, a quarter or an eighth of its size.
    """
    if not data:
        raise EmptyImageError("The image is empty: 0 bytes arrived.")
    try:
        facts = inspect(data, limits)
        if facts.format is FORMATS["gif"]:
            return decode_animated_gif(data, facts, limits, frames)
        if facts.format is FORMATS["tiff"]:
            pages, profile = decode_tiff(data, limits, frames)
            return DecodedImage(unite_frames(pages), FORMATS["tiff"], profile, backend="libtiff")
        if facts.format is FORMATS["bmp"]:
            frame, profile = Frame(decode_bmp(data, limits)), read_bmp_profile(data, limits)
            return DecodedImage((frame,), FORMATS["bmp"], profile, backend="numpy")
        if facts.format is HEIC:
            return decode_heic(data, facts)
        if facts.format is FORMATS["avif"]:
            data = avif.prepare(data, facts.metadata_positions)
        data = facts.repaired or data
        plain = None if facts.damage else decode_plain_jpeg(data, limits.max_pixels, enough_px)
        if plain is not None:
            return plain
        with Image.open(io.BytesIO(data), formats=PILLOW_FORMATS) as image:
            return decode_opened(image, data, facts, limits, frames, enough_px)
    except (ImageError, ImportError):
        raise
    except MemoryError:
        raise ImageTooLargeError(
            "The image needs more memory to be decoded than there is. Send a smaller one, or try again later."
        ) from None
    except UnidentifiedImageError:
        claimed = recognize_format(data)
        if claimed:
            raise CorruptImageError(
                f"The image begins like a {claimed.name.upper()} but is not one that can be read: damaged, cut "
                "short, or of a rare kind."
            ) from None
        raise UnreadableFormatError(
            f"These {len(data)} bytes are not an image of an accepted format. Accepted: "
            f"{', '.join(format.name.upper() for format in READABLE)}."
        ) from None
    except Image.DecompressionBombError as error:  # "Image size (4225000000 pixels) exceeds limit of ..."
        counted = re.search(r"\d+", str(error))
        size = f"{counted.group()} pixels" if counted else "more pixels than are counted"
        raise ImageTooLargeError(describe_limit(size, limits)) from None
    except Exception as error:  # decoders raise OSError, ValueError, SyntaxError, struct.error, IndexError, ...
        raise CorruptImageError(f"The image is damaged or cut short: {error}.") from error


def decode_animated_gif(data: bytes, facts: FileFacts, limits: ImageLimits, frames: Frames) -> DecodedImage:
    """Decode a GIF with its own reader; a still one is an animation of one frame."""
    file = read_gif(data)
    if frames == "first":
        del file.frames[1:]
    check_frame_count(len(file.frames), limits)
    check_pixels(file.width, file.height, len(file.frames), limits)
    if file.pixel_count > limits.max_pixels:
        raise ImageTooLargeError(describe_limit(f"{file.pixel_count} pixels in its frames", limits))
    facts.reject_damage()
    return DecodedImage(tuple(decode_gif(file)), FORMATS["gif"], plays=file.plays)


def decode_opened(
    image: Image.Image, data: bytes, facts: FileFacts, limits: ImageLimits, frames: Frames, enough_px: int | None
) -> DecodedImage:
    check_pixels(*image.size, 1, limits)
    reduced = reduce_jpeg(image, enough_px) if enough_px else 1
    format = FORMATS_BY_PILLOW_NAME[image.format or ""]
    animation = read_apng(data) if image.format == "PNG" and facts.may_be_animated else None
    end = 1 if frames == "first" else animation.frame_count if animation else count_frames(image)
    check_frame_count(end, limits)
    check_pixels(*image.size, end, limits)
    facts.reject_damage()

    profile = cast("bytes | None", image.info.get("icc_profile"))
    fast = decode_fast(image, data, facts) if end == 1 and reduced == 1 and animation is None else None
    if animation is not None:
        backend = "pillow"
        decoded = decode_animated_png(image, animation, end, facts)
    elif fast is not None:
        pixels, backend = fast
        orientation = 1 if image.format == "PNG" else parse_orientation(image.info.get("exif", b""))
        decoded = [Frame(turn_upright(pixels, orientation))]
    else:
        backend = "pillow"
        decoded = decode_with_pillow(image, data, facts, end)
        if image.mode in CONVERTED_TO_SRGB:
            profile = None
    return DecodedImage(
        unite_frames(decoded),
        format,
        profile,
        read_jpeg_sampling(image),
        animation.plays if animation else read_plays(image, data),
        facts.is_lossless or (image.format == "AVIF" and avif.is_lossless(data)),
        reduced,
        backend,
        facts.colour,
    )


def unite_frames(frames: list[Frame]) -> tuple[Frame, ...]:
    """Give all frames the same number of channels. Raises UnreadableFormatError for different sizes."""
    if len({frame.pixels.shape[:2] for frame in frames}) > 1:
        raise UnreadableFormatError(
            "The pages of this file have different sizes. Send them one by one, or only the first with frames=first."
        )
    channels = choose_common_channels([frame.pixels.shape[2] for frame in frames])
    return tuple(Frame(expand_channels(frame.pixels, channels), frame.duration_ms) for frame in frames)


def check_pixels(width: int, height: int, frames: int, limits: ImageLimits) -> None:
    if width * height * frames > limits.max_pixels:
        size = f"{width}×{height}" + (f" pixels in {frames} frames" if frames > 1 else " pixels")
        raise ImageTooLargeError(describe_limit(size, limits))
