"""What an image may cost; checked before anything is decoded."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ImageLimits:
    """`max_pixels` counts width × height × frames; metadata counts as it is after inflating."""

    max_pixels: int = 50_000_000
    max_frames: int = 2000
    max_jpeg_scans: int = 100
    max_metadata_bytes: int = 16_000_000
