"""Damage to the pixels of a JPEG.

libjpeg fills missing pixels with grey and reports that only in a warning, which Pillow ignores.
"""

from app.images.errors import CorruptImageError

DIVISOR = 8
"""The decoder reads every bit nevertheless, but computes only an eighth of the rows and columns."""
WARNINGS = ("premature end", "bad huffman code")
"""Other warnings, such as surplus bytes between scans, leave the pixels intact."""


def reject_damaged_jpeg(data: bytes) -> None:
    """Raise CorruptImageError if pixels are missing or changed.

    All other damage, and kinds of JPEG that simplejpeg does not read, are left to Pillow.
    """
    import simplejpeg

    try:
        _, _, colours, _ = simplejpeg.decode_jpeg_header(data)
        simplejpeg.decode_jpeg(
            data,
            "CMYK" if colours in ("CMYK", "YCCK") else "GRAY",
            min_height=1,
            min_width=1,
            min_factor=DIVISOR,
            strict=True,
        )
    except ValueError as error:
        if any(warning in str(error).lower() for warning in WARNINGS):
            raise CorruptImageError(f"The image is damaged or cut short: {error}.") from None
