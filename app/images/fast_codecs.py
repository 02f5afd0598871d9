"""The commonest images by faster codecs than Pillow's: plain JPEG, PNG and WebP in 8 bits, opaque JPEG out.

They have the same libraries inside as Pillow and are asked for the same transforms: pixels and bytes are the same.
What they refuse is left to Pillow, whose word decides whether an image is damaged.
"""

import numpy as np
from PIL import Image

from app.images.bombs import read_png_chunks
from app.images.damage import check_png_sums
from app.images.image import JpegSampling, Pixels

CHANNELS = {"L": 1, "RGB": 3, "RGBA": 4}
PNG_BIT_DEPTH_OFFSET = 24
PNG_FEWEST_PIXELS = 128 * 128
"""For fewer, calling TensorFlow takes longer than Pillow takes for all."""
PNG_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
PNG_ORIENTATION_TEXTS = (b"Raw profile type exif\0", b"XML:com.adobe.xmp\0")
WEBP_FRAME = b"ANMF"
JPEG_SAMPLINGS: dict[JpegSampling, int] = {"4:4:4": 0x111111, "4:2:2": 0x211111, "4:2:0": 0x221111}
"""OpenCV's numbers: two digits, across and down, for each of Y, Cb and Cr."""
JPEG_LONGEST_SIDE_PX = 65_500
"""Of libjpeg, JPEG_MAX_DIMENSION in jmorecfg.h."""
ICC_NAME = b"ICC_PROFILE\0"
ICC_SEGMENT_BYTES = 65_519
"""What fits into a segment of a JPEG beside its length and the name and number of the piece."""


def decode_plain(image: Image.Image, data: bytes) -> tuple[Pixels, str] | None:
    """Pixels (height, width, 1, 3 or 4) uint8 of an undamaged image, not turned, and the library that decoded them.

    None leaves the image to Pillow.
    """
    channels = CHANNELS.get(image.mode)
    pixels = None
    backend = ""
    if channels and image.format == "JPEG":
        backend, pixels = "libjpeg-turbo", decode_jpeg(data, channels)
    elif channels and image.format == "PNG" and is_plain_png(image, data):
        backend, pixels = "tensorflow", decode_png(data, channels)
    elif image.mode == "RGB" and image.format == "WEBP" and WEBP_FRAME not in data:
        backend, pixels = "opencv", decode_webp(data)
    if pixels is None or pixels.shape[:2] != (image.height, image.width):
        return None
    return pixels, backend


def is_plain_png(image: Image.Image, data: bytes) -> bool:
    return (
        image.width * image.height >= PNG_FEWEST_PIXELS
        and data[PNG_BIT_DEPTH_OFFSET] == 8
        and "transparency" not in image.info
        and not may_be_turned(data)
    )


def may_be_turned(data: bytes) -> bool:
    """Whether a PNG says, perhaps behind its pixels, how it is to be turned, which only Pillow looks at."""
    return any(
        kind == b"eXIf" or (kind in PNG_TEXTS and data.startswith(PNG_ORIENTATION_TEXTS, start))
        for kind, start, _ in read_png_chunks(data)
    )


def decode_jpeg(data: bytes, channels: int) -> Pixels | None:
    """None where the decoder has anything to complain about."""
    import simplejpeg

    try:
        return simplejpeg.decode_jpeg(data, "GRAY" if channels == 1 else "RGB", strict=True)
    except ValueError:
        return None


def decode_png(data: bytes, channels: int) -> Pixels | None:
    """Raises CorruptImageError for a wrong checksum of the pixels."""
    import tensorflow as tf

    check_png_sums(data)
    try:
        decoded = tf.io.decode_png(data, channels=channels)
    except tf.errors.InvalidArgumentError:
        return None
    return np.asarray(memoryview(decoded))  # .numpy() would copy


def decode_webp(data: bytes) -> Pixels | None:
    """A still without alpha. Pillow decodes to RGBA, as frames of animations need it, and copies that twice."""
    import cv2

    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        return None


def encode_jpeg(pixels: Pixels, quality: int, sampling: JpegSampling, profile: bytes | None) -> bytes:
    """A JPEG of (height, width, 1 or 3) uint8, byte for byte Pillow's. Raises ValueError where it does not fit."""
    import cv2

    if max(pixels.shape[:2]) > JPEG_LONGEST_SIDE_PX:
        raise ValueError(f"a JPEG has at most {JPEG_LONGEST_SIDE_PX} pixels a side")
    grey = pixels.shape[2] == 1
    factors = JPEG_SAMPLINGS["4:4:4" if grey else sampling]
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factors]
    ordered = pixels if grey else cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    encoded, data = cv2.imencode(".jpg", ordered, options)
    if not encoded:
        raise ValueError("the JPEG encoder failed")
    return insert_profile(data.tobytes(), profile) if profile else data.tobytes()


def insert_profile(data: bytes, profile: bytes) -> bytes:
    """In numbered pieces behind the JFIF header. Source: ICC.1:2022, annex B.4."""
    pieces = [profile[start : start + ICC_SEGMENT_BYTES] for start in range(0, len(profile), ICC_SEGMENT_BYTES)]
    segments = [
        b"\xff\xe2" + (2 + len(ICC_NAME) + 2 + len(piece)).to_bytes(2) + ICC_NAME + bytes([number, len(pieces)]) + piece
        for number, piece in enumerate(pieces, 1)
    ]
    end = 4 + int.from_bytes(data[4:6])
    return b"".join([data[:end], *segments, data[end:]])
