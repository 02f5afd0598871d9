"""Decoding and encoding as timed stages of a task."""

from app.images.decode import decode_image
from app.images.encode import encode_image
from app.images.formats import Format, Frames
from app.images.image import DecodedImage
from app.images.limits import ImageLimits
from app.pool.ipc import Report


def decode(
    data: bytes, limits: ImageLimits, report: Report, frames: Frames = "all", *, enough_px: int | None = None
) -> DecodedImage:
    """`decode_image`, with its time, pixels and backend added to the report. Raises ImageError."""
    with report.time("decode"):
        image = decode_image(data, limits, frames, enough_px=enough_px)
    report.pixels += image.pixel_count
    report.backends["decode"] = image.backend
    return image


def encode(image: DecodedImage, format: Format, quality: int | None, report: Report) -> bytes:
    """`encode_image`, with its time and backend added to the report. Raises UnwritableFormatError."""
    with report.time("encode"):
        encoded = encode_image(image, format, quality)
    report.backends["encode"] = encoded.backend
    return encoded.data
