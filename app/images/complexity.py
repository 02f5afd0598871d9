"""Limits on the structure of a file, enforced while the file is read.

Decoding takes time for each block, frame and scan, and memory for the inflated metadata, however small the file is.
"""

from app.images.errors import ImageTooComplexError
from app.images.limits import ImageLimits

FREE_BLOCKS = 10_000
MIN_MEAN_BLOCK_BYTES = 128
"""Required on average of the blocks beyond the free ones. Encoders write 255 (GIF) to 65,536 bytes a block."""


class ComplexityCounter:
    """Counts the parts of one file. Every method raises ImageTooComplexError beyond its limit.

    Counting stops at the first limit exceeded, so a decompression bomb does not take long to inspect either.
    """

    def __init__(self, file_bytes: int, limits: ImageLimits) -> None:
        self.limits = limits
        self.max_blocks = FREE_BLOCKS + file_bytes // MIN_MEAN_BLOCK_BYTES
        self.blocks = 0
        self.frames = 0
        self.scans = 0
        self.metadata_bytes = 0

    def add_blocks(self, count: int = 1) -> None:
        self.blocks += count
        if self.blocks > self.max_blocks:
            raise ImageTooComplexError(
                f"The image's file is cut into more than {self.max_blocks} blocks, which is far too many for its size. "
                "Save it again with another program."
            )

    def add_frame(self) -> None:
        self.frames += 1
        check_frame_count(self.frames, self.limits)

    def add_scan(self) -> None:
        self.scans += 1
        if self.scans > self.limits.max_jpeg_scans:
            raise ImageTooComplexError(
                f"The JPEG has {self.scans} scans or more; the limit is {self.limits.max_jpeg_scans} "
                "(CONVSERVE_MAX_JPEG_SCANS; a usual progressive JPEG has about ten). Save it again with another "
                "program."
            )

    def add_metadata(self, size_bytes: int) -> None:
        self.metadata_bytes += size_bytes
        if self.metadata_bytes > self.limits.max_metadata_bytes:
            raise ImageTooComplexError(
                f"The image carries {self.metadata_bytes} bytes of metadata or more (texts, colour profile); the limit "
                f"is {self.limits.max_metadata_bytes} (CONVSERVE_MAX_METADATA_BYTES). Send it without them."
            )


def check_frame_count(frames: int, limits: ImageLimits) -> None:
    """Raise ImageTooComplexError for more frames than the limit."""
    if frames > limits.max_frames:
        raise ImageTooComplexError(
            f"The image has {frames} frames or more; the limit is {limits.max_frames} (CONVSERVE_MAX_FRAMES). Send "
            "a shorter animation."
        )
