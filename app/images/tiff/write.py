"""Writer for 16-bit TIFF: Pillow writes no 16-bit colour."""

import io
from collections.abc import Sequence

from app.images.image import Pixels


def encode_16_bit_tiff(pages: Sequence[Pixels], profile: bytes | None) -> bytes:
    """Encode pages of (height, width, 1..4) uint16, deflated, without any metadata but the ICC profile."""
    import tifffile

    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        for page in pages:
            channels = page.shape[2]
            writer.write(
                page if channels > 1 else page[:, :, 0],
                photometric="rgb" if channels >= 3 else "minisblack",
                extrasamples=["unassalpha"] if channels % 2 == 0 else None,
                planarconfig="contig" if channels > 1 else None,
                compression="zlib",
                iccprofile=profile,
                metadata=None,
                software=False,
            )
    return buffer.getvalue()
