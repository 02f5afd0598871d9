"""Faster codecs than Pillow's for the most common images: 8-bit JPEG and PNG in, opaque JPEG out.

They use the same libraries as Pillow with the same transforms, so pixels and bytes are identical. Pillow decodes every
file that they reject, and decides whether it is damaged. WebP is not among them: the decoders of OpenCV and TensorFlow
accept files whose data end too early.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from app.images.file_facts import FileFacts
from app.images.image import JpegSampling, Pixels
from kernels.quiet_tensorflow import import_tensorflow

CHANNELS = {"L": 1, "RGB": 3, "RGBA": 4}
MIN_PNG_PIXELS = 128 * 128
"""Below this, calling TensorFlow takes longer than decoding with Pillow."""
JPEG_SAMPLINGS: dict[JpegSampling, int] = {"4:4:4": 0x111111, "4:2:2": 0x211111, "4:2:0": 0x221111}
"""OpenCV's numbers: two digits, horizontal and vertical, for each of Y, Cb and Cr."""
MAX_JPEG_SIDE_PX = 65_500
"""libjpeg's JPEG_MAX_DIMENSION in jmorecfg.h."""
ICC_NAME = b"ICC_PROFILE\0"
ICC_SEGMENT_BYTES = 65_519
"""Room in a JPEG segment after its length, the name, and the number and count of the pieces."""


def decode_fast(image: Image.Image, data: bytes, facts: FileFacts) -> tuple[Pixels, str] | None:
    """Decode an undamaged still image to (height, width, 1, 3 or 4) uint8, not yet upright.

    Returns the pixels and the name of the library, or None if Pillow has to decode the image.
    """
    channels = CHANNELS.get(image.mode)
    pixels = None
    backend = ""
    if channels and image.format == "JPEG":
        backend, pixels = "libjpeg-turbo", decode_jpeg(data, channels)
    elif channels and image.format == "PNG" and is_common_png(image, facts):
        backend, pixels = "tensorflow", decode_png(data, channels)
    if pixels is None or pixels.shape[:2] != (image.height, image.width):
        return None
    return pixels, backend


def is_common_png(image: Image.Image, facts: FileFacts) -> bool:
    return (
        image.width * image.height >= MIN_PNG_PIXELS
        and facts.png_bit_depth == 8
        and "transparency" not in image.info
        and not facts.png_exif
    )


def decode_jpeg(data: bytes, channels: int) -> Pixels | None:
    """Returns None if the decoder reports an error or a warning."""
    import simplejpeg

    try:
        return simplejpeg.decode_jpeg(data, "GRAY" if channels == 1 else "RGB", strict=True)
    except ValueError:
        return None


def decode_png(data: bytes, channels: int) -> Pixels | None:
    tf = import_tensorflow()

    try:
        decoded = tf.io.decode_png(data, channels=channels)
    except tf.errors.InvalidArgumentError:
        return None
    return np.asarray(memoryview(decoded))  # .numpy() would copy


def encode_jpeg(pixels: Pixels, quality: int, sampling: JpegSampling, profile: bytes | None) -> bytes:
    """Encode (height, width, 1 or 3) uint8 to the same bytes as Pillow. Raises ValueError for a side too long."""
    import cv2

    if max(pixels.shape[:2]) > MAX_JPEG_SIDE_PX:
        raise ValueError(f"a JPEG has at most {MAX_JPEG_SIDE_PX} pixels a side")
    is_grey = pixels.shape[2] == 1
    factors = JPEG_SAMPLINGS["4:4:4" if is_grey else sampling]
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factors]
    ordered = pixels if is_grey else cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    is_encoded, data = cv2.imencode(".jpg", ordered, options)
    if not is_encoded:
        raise ValueError("the JPEG encoder failed")
    return insert_profile(data.tobytes(), profile) if profile else data.tobytes()


def insert_profile(data: bytes, profile: bytes) -> bytes:
    """Insert the profile in numbered pieces after the JFIF header. Source: ICC.1:2022, annex B.4."""
    pieces = [profile[start : start + ICC_SEGMENT_BYTES] for start in range(0, len(profile), ICC_SEGMENT_BYTES)]
    segments = [
        b"\xff\xe2" + (2 + len(ICC_NAME) + 2 + len(piece)).to_bytes(2) + ICC_NAME + bytes([number, len(pieces)]) + piece
        for number, piece in enumerate(pieces, 1)
    ]
    end = 4 + int.from_bytes(data[4:6])
    return b"".join([data[:end], *segments, data[end:]])


def encode_lossless_avif(
    frames: Sequence[Pixels], durations_ms: Sequence[int], profile: bytes | None, speed: int
) -> bytes:
    """Encode one frame of (height, width, 3 or 4) uint8 with a profile, or several without.

    Pillow cannot write lossless AVIF: it has no option for the matrix of RGB. Raises ValueError if the encoder fails.
    """
    import cv2

    order = cv2.COLOR_RGB2BGR if frames[0].shape[2] == 3 else cv2.COLOR_RGBA2BGRA
    ordered = [cv2.cvtColor(pixels, order) for pixels in frames]
    options = [cv2.IMWRITE_AVIF_QUALITY, 100, cv2.IMWRITE_AVIF_SPEED, speed]
    if len(frames) > 1:
        animation = cv2.Animation()
        animation.frames = ordered
        animation.durations = np.array(durations_ms, np.int32)  # type: ignore[assignment]  # the stub is wrong
        is_encoded, data = cv2.imencodeanimation(".avif", animation, options)
    elif profile:
        kinds, metadata = [cv2.IMAGE_METADATA_ICCP], [np.frombuffer(profile, np.uint8)]
        is_encoded, data = cv2.imencodeWithMetadata(".avif", ordered[0], kinds, metadata, options)
    else:
        is_encoded, data = cv2.imencode(".avif", ordered[0], options)
    if not is_encoded:
        raise ValueError("the AVIF encoder failed")
    return bytes(data.tobytes())
