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

import numpy as np
from PIL import Image, JpegImagePlugin, UnidentifiedImageError

from app.images.bmp_profile import read_bmp_profile
from app.images.complexity import check_frame_count
from app.images.decode_16_bit import decode_16_bit, is_16_bit
from app.images.decode_heic import decode_heic
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
from app.images.image import DecodedImage, Frame, JpegSampling
from app.images.inspect import inspect
from app.images.jpeg_damage import reject_damaged_jpeg
from app.images.limits import ImageLimits
from app.images.orientation import ignore_xmp, parse_orientation, read_orientation, turn_upright
from app.images.true_colour import (
    CONVERTED_TO_SRGB,
    choose_common_channels,
    convert_to_true_colour,
    expand_channels,
    scale_transparent_grey,
)

PILLOW_FORMATS = tuple(format.pillow for format in READABLE if format.pillow)


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
        if facts.format is HEIC:
            return decode_heic(data, facts)
        if facts.format is FORMATS["avif"]:
            data = prepare_avif(data, facts)
        with Image.open(io.BytesIO(data), formats=list(PILLOW_FORMATS)) as image:
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


def decode_opened(
    image: Image.Image, data: bytes, facts: FileFacts, limits: ImageLimits, frames: Frames, enough_px: int | None
) -> DecodedImage:
    check_pixels(image, 1, limits)
    reduced = reduce_jpeg(image, enough_px) if enough_px else 1
    format = FORMATS_BY_PILLOW_NAME[image.format or ""]
    first, end = choose_frames(image, frames)
    check_frame_count(end, limits)
    check_pixels(image, end - first, limits)
    if image.format == "TIFF" and end > 1:
        check_pages(image, end, limits)
    facts.reject_damage()

    profile = cast("bytes | None", image.info.get("icc_profile"))
    if image.format == "BMP":
        profile = read_bmp_profile(data, limits)
    fast = decode_fast(image, data, facts) if end == 1 and reduced == 1 else None
    if fast is not None:
        pixels, backend = fast
        orientation = 1 if image.format == "PNG" else parse_orientation(image.info.get("exif", b""))
        decoded = [Frame(turn_upright(pixels, orientation))]
    else:
        backend = "pillow"
        decoded = decode_with_pillow(image, data, facts, first, end)
        if image.mode in CONVERTED_TO_SRGB:
            profile = None
    if len({frame.pixels.shape[:2] for frame in decoded}) > 1:
        raise UnreadableFormatError(
            "The pages of this file have different sizes. Send them one by one, or only the first with frames=first."
        )
    channels = choose_common_channels([frame.pixels.shape[2] for frame in decoded])
    return DecodedImage(
        tuple(Frame(expand_channels(frame.pixels, channels), frame.duration_ms) for frame in decoded),
        format,
        profile,
        read_jpeg_sampling(image),
        read_plays(image),
        reduced,
        backend,
        facts.colour,
    )


def decode_with_pillow(image: Image.Image, data: bytes, facts: FileFacts, first: int, end: int) -> list[Frame]:
    """Decode frames `first` to `end` - 1, or 16-bit images with another decoder after Pillow found no damage."""
    if facts.format and facts.format.name == "jpeg":
        reject_damaged_jpeg(data)
    ignore_xmp(image)
    scale_transparent_grey(image, facts.png_bit_depth)
    if is_16_bit(image, facts) and not (image.format == "PNG" and end > 1):
        return [Frame(pixels) for pixels in decode_16_bit(image, data, facts, end)]
    return [decode_frame(image, facts, index) for index in range(first, end)]


def prepare_avif(data: bytes, facts: FileFacts) -> bytes:
    """Make Pillow accept what browsers display: AVIF that is not the major brand of its file, and damaged metadata."""
    prepared = bytearray(data)
    if data[8:12] not in (b"avif", b"avis"):
        prepared[8:12] = b"avif"
    for position in facts.metadata_positions:
        prepared[position : position + 4] = b"skip"
    return bytes(prepared)


def decode_frame(image: Image.Image, facts: FileFacts, index: int) -> Frame:
    if index != image.tell():
        image.seek(index)
    ignore_xmp(image)
    image.load()
    orientation = read_orientation(image, facts)
    pixels = np.asarray(convert_to_true_colour(image))
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    if facts.visible_size:
        width, height = facts.visible_size
        pixels = pixels[:height, :width]
    return Frame(turn_upright(pixels, orientation), float(image.info.get("duration", 0) or 0))


def reduce_jpeg(image: Image.Image, enough_px: int) -> int:
    """Make the decoder divide both sides by 8, 4 or 2, if the longer one keeps `enough_px`. Returns the divisor."""
    longer = max(image.size)
    reduced = next((divisor for divisor in (8, 4, 2) if longer >= divisor * enough_px), 1)
    if reduced == 1 or image.format not in ("JPEG", "MPO"):
        return 1
    image.draft(None, (image.width // reduced, image.height // reduced))
    return reduced


def choose_frames(image: Image.Image, frames: Frames) -> tuple[int, int]:
    """Index of the first frame to decode, and of the frame after the last."""
    count = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
    # An APNG can begin with a still image for viewers without APNG support.
    first = 1 if count > 1 and image.info.get("default_image") else 0
    return first, first + 1 if frames == "first" else count


def check_pixels(image: Image.Image, frames: int, limits: ImageLimits) -> None:
    width, height = image.size
    if width * height * frames > limits.max_pixels:
        size = f"{width}×{height}" + (f" pixels in {frames} frames" if frames > 1 else " pixels")
        raise ImageTooLargeError(describe_limit(size, limits))


def check_pages(image: Image.Image, pages: int, limits: ImageLimits) -> None:
    """Limit the sum of the pages, which can differ in size."""
    pixels = 0
    for index in range(pages):
        image.seek(index)
        pixels += image.size[0] * image.size[1]
        if pixels > limits.max_pixels:
            raise ImageTooLargeError(describe_limit(f"{pixels} pixels in its first {index + 1} pages", limits))
    image.seek(0)


def describe_limit(size: str, limits: ImageLimits) -> str:
    return (
        f"The image has {size}; the limit is {limits.max_pixels} in all (CONVSERVE_MAX_PIXELS). Send a smaller "
        "image, or only the first frame with frames=first."
    )


def read_jpeg_sampling(image: Image.Image) -> JpegSampling | None:
    if not isinstance(image, JpegImagePlugin.JpegImageFile):
        return None
    samplings: dict[int, JpegSampling] = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}
    return samplings.get(JpegImagePlugin.get_sampling(image))


def read_plays(image: Image.Image) -> int:
    """Number of times an animation is shown; 0 is forever."""
    loop = image.info.get("loop")
    if image.format == "GIF":  # GIF counts the repetitions after the first time
        return 1 if loop is None else (loop + 1 if loop else 0)
    return int(loop or 0)
