"""Bytes to pixels: any format that is read, turned upright, in the nearest true-colour mode.

| file                                | pixels                                                         |
|-------------------------------------|----------------------------------------------------------------|
| grey, 1-bit                         | grey                                                           |
| grey + alpha                        | grey + alpha                                                   |
| RGB, palette, YCbCr, LAB            | RGB                                                            |
| RGBA, palette with transparency     | RGBA                                                           |
| CMYK                                | RGB in sRGB, through the file's profile where there is one     |
| 16-bit PNG and TIFF                 | the same in uint16                                             |
| animated GIF, WebP, PNG, AVIF; TIFF | every frame or page, as it is seen (composed over the last)    |
| multi-picture JPEG (MPO)            | the first image, which is the one that viewers show          |
"""

import io
import re
from typing import Any, cast

import numpy as np
from PIL import Image, ImageCms, JpegImagePlugin, UnidentifiedImageError

from app.images.bombs import check_frames, refuse_bombs
from app.images.damage import refuse_damage
from app.images.errors import (
    CorruptImageError,
    EmptyImageError,
    ImageError,
    ImageTooLargeError,
    UnreadableFormatError,
)
from app.images.fast_codecs import PNG_BIT_DEPTH_OFFSET, decode_plain
from app.images.formats import FORMATS_BY_PILLOW_NAME, READABLE, Frames, recognize_format
from app.images.image import DecodedImage, Frame, JpegSampling, Pixels
from app.images.limits import ImageLimits

ORIENTATION_TAG = 0x0112
TIFF_BITS_PER_SAMPLE_TAG = 258
TIFF_PHOTOMETRIC_TAG, TIFF_WHITE_IS_ZERO = 262, 0
TIFF_PLANAR_CONFIGURATION_TAG, TIFF_SEPARATE_PLANES = 284, 2
TIFF_EXTRA_SAMPLES_TAG, TIFF_PREMULTIPLIED = 338, 1

TRUE_COLOUR = {
    "1": "L", "L": "L", "LA": "LA", "La": "LA", "P": "RGB", "PA": "RGBA", "RGB": "RGB", "RGBX": "RGB",
    "RGBA": "RGBA", "RGBa": "RGBA", "YCbCr": "RGB", "HSV": "RGB",
}  # fmt: skip


def decode_image(
    data: bytes, limits: ImageLimits, frames: Frames = "all", *, enough_px: int | None = None
) -> DecodedImage:
    """Decode an image. Whatever a decoder raises becomes an ImageError.

    A JPEG whose longer side is at least twice `enough_px` is decoded at a half, a quarter or an eighth.
    """
    if not data:
        raise EmptyImageError("The image is empty: 0 bytes arrived.")
    try:
        refuse_bombs(data, limits)
        with Image.open(io.BytesIO(data), formats=[format.pillow for format in READABLE]) as image:
            return decode_frames(image, data, limits, frames, enough_px)
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


def decode_frames(
    image: Image.Image, data: bytes, limits: ImageLimits, frames: Frames, enough_px: int | None
) -> DecodedImage:
    check_pixels(image, 1, limits)
    reduced = reduce_jpeg(image, enough_px) if enough_px else 1
    format = FORMATS_BY_PILLOW_NAME[image.format or ""]
    first, end = choose_frames(image, frames)
    check_frames(end, limits)
    check_pixels(image, end - first, limits)
    if image.format == "TIFF" and end > 1:
        check_pages(image, end, limits)

    profile = cast("bytes | None", image.info.get("icc_profile"))
    plain = decode_plain(image, data) if end == 1 and reduced == 1 else None
    if plain is not None:
        orientation = 1 if image.format == "PNG" else read_exif_orientation(image)
        pixels, backend = plain
        decoded = [Frame(turn_upright(pixels, orientation))]
    else:
        refuse_damage(data)
        decoded = decode_strictly(image, data, first, end)
        backend = "pillow"
        if image.mode in ("CMYK", "LAB"):
            profile = None  # the pixels are sRGB now
    if len({frame.pixels.shape[:2] for frame in decoded}) > 1:
        raise UnreadableFormatError(
            "The pages of this file have different sizes. Send them one by one, or only the first with frames=first."
        )
    channels = unify_channels([frame.pixels.shape[2] for frame in decoded])
    return DecodedImage(
        tuple(Frame(spread_channels(frame.pixels, channels), frame.duration_ms) for frame in decoded),
        format,
        profile,
        read_jpeg_sampling(image),
        read_plays(image),
        reduced,
        backend,
    )


def decode_strictly(image: Image.Image, data: bytes, first: int, end: int) -> list[Frame]:
    """By Pillow or, where Pillow would lose bits, by others once Pillow has found no damage."""
    scale_transparent_grey(image, data)
    if is_16_bit(image, data) and not (image.format == "PNG" and end > 1):
        return [Frame(pixels) for pixels in decode_16_bit(image, data, end)]
    return [decode_frame(image, index) for index in range(first, end)]


def reduce_jpeg(image: Image.Image, enough_px: int) -> int:
    """Let the decoder divide the sides by 2, 4 or 8 while they stay long enough; returns the divisor."""
    longer = max(image.size)
    reduced = next((divisor for divisor in (8, 4, 2) if longer >= divisor * enough_px), 1)
    if reduced == 1 or image.format not in ("JPEG", "MPO"):
        return 1
    image.draft(None, (image.width // reduced, image.height // reduced))
    return reduced


def choose_frames(image: Image.Image, frames: Frames) -> tuple[int, int]:
    """Index of the first frame that is wanted, and of the one behind the last."""
    count = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
    # An APNG may begin with a still image for viewers that know no APNG.
    first = 1 if count > 1 and image.info.get("default_image") else 0
    return first, first + 1 if frames == "first" else count


def decode_frame(image: Image.Image, index: int) -> Frame:
    if index != image.tell():
        image.seek(index)
    image.load()
    orientation = read_orientation(image)
    pixels = np.asarray(convert_to_true_colour(image))
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    return Frame(turn_upright(pixels, orientation), float(image.info.get("duration", 0) or 0))


def check_pixels(image: Image.Image, frames: int, limits: ImageLimits) -> None:
    width, height = image.size
    if width * height * frames > limits.max_pixels:
        size = f"{width}×{height}" + (f" pixels in {frames} frames" if frames > 1 else " pixels")
        raise ImageTooLargeError(describe_limit(size, limits))


def check_pages(image: Image.Image, pages: int, limits: ImageLimits) -> None:
    """Pages may differ in size: the sum counts."""
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


def read_orientation(image: Image.Image) -> int:
    """The EXIF orientation 1..8; 1 where there is none or none that makes sense."""
    try:
        image.load()  # a PNG may have its EXIF behind the pixels, and Pillow turns some TIFFs while loading
    except Exception:  # broken pixels fail again below
        return 1
    return read_exif_orientation(image)


def read_exif_orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(ORIENTATION_TAG, 1)
    except Exception:  # broken metadata is no reason to refuse the pixels
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def turn_upright(pixels: Pixels, orientation: int) -> Pixels:
    """Undo an EXIF orientation. Source: EXIF 2.32, tag 274."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def read_jpeg_sampling(image: Image.Image) -> JpegSampling | None:
    if not isinstance(image, JpegImagePlugin.JpegImageFile):
        return None
    samplings: dict[int, JpegSampling] = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}
    return samplings.get(JpegImagePlugin.get_sampling(image))


def read_plays(image: Image.Image) -> int:
    """How often an animation is shown; 0 is for ever."""
    loop = image.info.get("loop")
    if image.format == "GIF":  # a GIF counts the repetitions after the first showing
        return 1 if loop is None else (loop + 1 if loop else 0)
    return int(loop or 0)


def scale_transparent_grey(image: Image.Image, data: bytes) -> None:
    """Pillow brings greys of 2 and 4 bits to 0..255, but leaves the transparent one as it is written."""
    transparent = image.info.get("transparency")
    if image.format == "PNG" and image.mode == "L" and isinstance(transparent, int):
        image.info["transparency"] = transparent * 255 // (2 ** data[PNG_BIT_DEPTH_OFFSET] - 1)


def convert_to_true_colour(image: Image.Image) -> Image.Image:
    """To L, LA, RGB or RGBA; CMYK and LAB end in sRGB. Raises UnreadableFormatError for float and 32-bit pixels."""
    if image.mode in ("CMYK", "LAB"):
        return convert_to_srgb(image)
    mode = TRUE_COLOUR.get(image.mode)
    if mode is None:
        raise UnreadableFormatError(
            f"The image has pixels of the kind '{image.mode}', which is not read. Send 8 or 16 bits a channel."
        )
    if "transparency" in image.info:  # a transparent palette entry or colour
        mode = {"L": "LA", "RGB": "RGBA"}.get(mode, mode)
    elif image.mode == "P" and image.palette and image.palette.mode == "RGBA":
        mode = "RGBA"
    return image if image.mode == mode else image.convert(mode)


def convert_to_srgb(image: Image.Image) -> Image.Image:
    """Through the profile of the image where it has a usable one. Returns RGB."""
    srgb = ImageCms.createProfile("sRGB")
    profile = image.info.get("icc_profile")
    if image.mode == "LAB":
        source: Any = ImageCms.createProfile("LAB")
    elif profile:
        source = io.BytesIO(profile)
    else:
        return image.convert("RGB")
    try:
        return cast(Image.Image, ImageCms.profileToProfile(image, source, srgb, outputMode="RGB"))
    except ImageCms.PyCMSError:
        return image.convert("RGB")


def is_16_bit(image: Image.Image, data: bytes) -> bool:
    if image.format == "PNG":
        return data[PNG_BIT_DEPTH_OFFSET] == 16
    if image.format == "TIFF":
        bits = image.tag_v2.get(TIFF_BITS_PER_SAMPLE_TAG, (1,))  # type: ignore[attr-defined]
        return bool(max(bits) == 16 and image.mode in ("I;16", "I;16B", "I;16L", "RGB", "RGBA"))
    return False


def decode_16_bit(image: Image.Image, data: bytes, count: int) -> list[Pixels]:
    """Decode what Pillow would cut to 8 bits; Pillow has its say first, as it is strict about damage."""
    image.load()
    orientation = read_orientation(image)
    if image.format == "PNG":
        import tensorflow as tf

        transparent = "transparency" in image.info
        pixels = tf.io.decode_png(data, channels=4 if transparent else 0, dtype=tf.uint16).numpy()
        if transparent and image.mode.startswith("I"):
            pixels = pixels[:, :, [0, 3]]
        return [turn_upright(pixels, orientation)]
    if image.mode.startswith("I"):
        return [decode_16_bit_grey(image, index) for index in range(count)]

    import cv2

    if image.tag_v2.get(TIFF_PLANAR_CONFIGURATION_TAG) == TIFF_SEPARATE_PLANES:  # type: ignore[attr-defined]
        raise UnreadableFormatError("This 16-bit TIFF keeps its colours in separate planes; send it interleaved.")
    premultiplied = image.tag_v2.get(TIFF_EXTRA_SAMPLES_TAG) == (TIFF_PREMULTIPLIED,)  # type: ignore[attr-defined]
    readable, decoded = cv2.imdecodemulti(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED, range=(0, count))
    if not readable or any(page.dtype != np.uint16 or page.ndim != 3 for page in decoded):
        raise CorruptImageError("The 16-bit TIFF is damaged or of a rare kind.")
    # OpenCV keeps blue first, and has already turned the image upright.
    pages = [page[:, :, [2, 1, 0, 3][: page.shape[2]]] for page in decoded]
    return [divide_by_alpha(page) for page in pages] if premultiplied else pages


def decode_16_bit_grey(image: Image.Image, index: int) -> Pixels:
    image.seek(index)
    pixels = np.asarray(image)
    if not image.mode.startswith("I;16"):
        raise UnreadableFormatError("The pages of this file have different depths. Send them one by one.")
    if image.tag_v2.get(TIFF_PHOTOMETRIC_TAG) == TIFF_WHITE_IS_ZERO:  # type: ignore[attr-defined]
        pixels = 65535 - pixels
    return turn_upright(pixels.astype(np.uint16)[:, :, None], read_orientation(image))


def divide_by_alpha(pixels: Pixels) -> Pixels:
    """From premultiplied to straight alpha, uint16."""
    alpha = pixels[:, :, 3:].astype(np.float64)
    colours = np.divide(65535.0 * pixels[:, :, :3], alpha, out=np.zeros(pixels[:, :, :3].shape), where=alpha > 0)
    return np.concatenate([np.rint(np.minimum(colours, 65535)), alpha], axis=2).astype(np.uint16)


def unify_channels(channels: list[int]) -> int:
    """The fewest channels that hold all frames."""
    colour = 3 if any(count >= 3 for count in channels) else 1
    return colour + any(count % 2 == 0 for count in channels)


def spread_channels(pixels: Pixels, channels: int) -> Pixels:
    """Grey to RGB, and opaque alpha added, as `channels` asks."""
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
