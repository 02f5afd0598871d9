"""Damage to the pixels of a JPEG.

libjpeg fills missing pixels with grey and reports that only in a warning, which Pillow ignores.
"""

import re

from app.images.errors import CorruptImageError

DIVISOR = 8
"""The decoder reads every bit nevertheless, but computes only an eighth of the rows and columns."""
DAMAGE = re.compile("premature end|bad huffman code|extraneous bytes before marker 0xd[0-7]", re.IGNORECASE)
"""Other warnings, such as surplus bytes between scans, leave the pixels intact."""
CHECKED_AS = {"CMYK": "CMYK", "YCCK": "CMYK", "RGB": "RGB"}
"""The colours to decode to, by the colours of the file; grey is fastest, but not possible for these."""
END_OF_IMAGE = b"\xff\xd9"


def reject_damaged_jpeg(data: bytes, *, any_warning: bool = False) -> None:
    """Raise CorruptImageError if pixels are missing or changed; with `any_warning`, for any warning of libjpeg.

    All other damage, and kinds of JPEG that simplejpeg does not read, are left to Pillow.
    """
    import simplejpeg

    try:
        _, _, colours, _ = simplejpeg.decode_jpeg_header(data)
        colours = CHECKED_AS.get(colours, "GRAY")
        simplejpeg.decode_jpeg(data, colours, min_height=1, min_width=1, min_factor=DIVISOR, strict=True)
    except ValueError as error:
        # One warning is reported, so a harmless one can hide that the end is missing.
        if any_warning or DAMAGE.search(str(error)) or END_OF_IMAGE not in data[data.rfind(b"\xff\xda") :]:
            raise CorruptImageError(f"The image is damaged or cut short: {error}.") from None
