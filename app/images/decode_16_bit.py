"""Decoding of 16-bit PNG and TIFF, which Pillow reduces to 8 bits.

| file            | decoder    |
|-----------------|------------|
| PNG             | TensorFlow |
| TIFF, grey      | Pillow     |
| TIFF, in colour | OpenCV     |

Pillow loads every file first, because it detects damage that the other decoders ignore.
"""

import numpy as np
from PIL import Image

from app.images.errors import CorruptImageError, UnreadableFormatError
from app.images.file_facts import FileFacts
from app.images.image import Pixels
from app.images.orientation import ignore_xmp, read_orientation, turn_upright

BITS_PER_SAMPLE_TAG = 258
PHOTOMETRIC_TAG, WHITE_IS_ZERO = 262, 0
PLANAR_CONFIGURATION_TAG, SEPARATE_PLANES = 284, 2
EXTRA_SAMPLES_TAG, PREMULTIPLIED = 338, 1


def is_16_bit(image: Image.Image, facts: FileFacts) -> bool:
    if image.format == "PNG":
        return facts.png_bit_depth == 16
    if image.format == "TIFF":
        bits = image.tag_v2.get(BITS_PER_SAMPLE_TAG, (1,))  # type: ignore[attr-defined]
        return bool(max(bits) == 16 and image.mode in ("I;16", "I;16B", "I;16L", "RGB", "RGBA"))
    return False


def decode_16_bit(image: Image.Image, data: bytes, facts: FileFacts, pages: int) -> list[Pixels]:
    """Decode the first `pages` pages to upright (height, width, 1..4) uint16.

    Raises CorruptImageError, UnreadableFormatError for unsupported kinds of TIFF, or what Pillow raises.
    """
    image.load()
    if image.format == "PNG":
        return [decode_png(image, data, facts)]
    if image.mode.startswith("I"):
        return [decode_grey_tiff(image, facts, page) for page in range(pages)]
    return decode_colour_tiff(image, data, pages)


def decode_png(image: Image.Image, data: bytes, facts: FileFacts) -> Pixels:
    import tensorflow as tf

    has_transparent_colour = "transparency" in image.info
    channels = 4 if has_transparent_colour else 0
    pixels = tf.io.decode_png(data, channels=channels, dtype=tf.uint16).numpy()
    if has_transparent_colour and image.mode.startswith("I"):
        pixels = pixels[:, :, [0, 3]]
    return turn_upright(pixels, read_orientation(image, facts))


def decode_grey_tiff(image: Image.Image, facts: FileFacts, page: int) -> Pixels:
    image.seek(page)
    ignore_xmp(image)
    pixels = np.asarray(image)
    if not image.mode.startswith("I;16"):
        raise UnreadableFormatError("The pages of this file have different depths. Send them one by one.")
    if image.tag_v2.get(PHOTOMETRIC_TAG) == WHITE_IS_ZERO:  # type: ignore[attr-defined]
        pixels = 65535 - pixels
    return turn_upright(pixels.astype(np.uint16)[:, :, None], read_orientation(image, facts))


def decode_colour_tiff(image: Image.Image, data: bytes, pages: int) -> list[Pixels]:
    import cv2

    if image.tag_v2.get(PLANAR_CONFIGURATION_TAG) == SEPARATE_PLANES:  # type: ignore[attr-defined]
        raise UnreadableFormatError("This 16-bit TIFF keeps its colours in separate planes; send it interleaved.")
    is_premultiplied = image.tag_v2.get(EXTRA_SAMPLES_TAG) == (PREMULTIPLIED,)  # type: ignore[attr-defined]
    is_readable, decoded = cv2.imdecodemulti(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED, range=(0, pages))
    if not is_readable or any(page.dtype != np.uint16 or page.ndim != 3 for page in decoded):
        raise CorruptImageError("The 16-bit TIFF is damaged or of a rare kind.")
    # OpenCV's channel order is BGR, and it has already applied the orientation.
    ordered = [page[:, :, [2, 1, 0, 3][: page.shape[2]]] for page in decoded]
    return [divide_by_alpha(page) for page in ordered] if is_premultiplied else ordered


def divide_by_alpha(pixels: Pixels) -> Pixels:
    """Convert (height, width, 4) uint8 or uint16 from premultiplied to straight alpha."""
    levels = np.iinfo(pixels.dtype).max
    alpha = pixels[:, :, 3:].astype(np.float64)
    colours = np.divide(
        levels * pixels[:, :, :3].astype(np.float64), alpha, out=np.zeros(pixels[:, :, :3].shape), where=alpha > 0
    )
    return np.concatenate([np.rint(np.minimum(colours, levels)), alpha], axis=2).astype(pixels.dtype)
