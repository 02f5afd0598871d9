"""Limits on the cost of an image, checked before it is decoded."""

from dataclasses import dataclass

from app.settings import Settings


@dataclass(frozen=True)
class ImageLimits:
    """`max_pixels` limits width × height × frames; `max_metadata_bytes` limits the metadata after inflating."""

    max_pixels: int = 50_000_000
    max_frames: int = 2000
    max_jpeg_scans: int = 100
    max_metadata_bytes: int = 16_000_000

    @classmethod
    def from_settings(cls, settings: Settings) -> "ImageLimits":
        return cls(settings.max_pixels, settings.max_frames, settings.max_jpeg_scans, settings.max_metadata_bytes)


def describe_limit(size: str, limits: ImageLimits) -> str:
    return (
        f"The image has {size}; the limit is {limits.max_pixels} in all (CONVSERVE_MAX_PIXELS). Send a smaller "
        "image, or only the first frame with frames=first."
    )
