"""Premultiplied alpha, which some files have. Everything else works with straight alpha."""

import numpy as np

from app.images.image import Pixels

ROWS_TOGETHER = 256
"""Converted at once in floating point, so that memory is not needed several times for the whole image."""


def divide_by_alpha(pixels: Pixels) -> Pixels:
    """Convert (height, width, 2 or 4) from premultiplied to straight alpha."""
    most = np.iinfo(pixels.dtype).max
    # Products of 8 bits are exact in float32, those of 16 bits are not.
    precise = np.float32 if pixels.dtype == np.uint8 else np.float64
    straight = pixels.copy()
    for start in range(0, len(pixels), ROWS_TOGETHER):
        rows = straight[start : start + ROWS_TOGETHER]
        colours, alpha = rows[:, :, :-1], rows[:, :, -1:]
        if alpha.min() == most:
            continue
        divided = np.minimum(colours * precise(most) / np.maximum(alpha, 1), most)
        colours[:] = np.where(alpha == 0, 0, np.rint(divided))
    return straight
