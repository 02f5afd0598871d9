"""How hard the slow encoders try, so that the largest images finish before the deadline on one core.

The measurements are in docs/engineering/performance-trials.md.
"""

from app.images.errors import UnwritableFormatError
from app.images.image import DecodedImage

MAX_AVIF_COST = 24_000_000
AVIF_SPEEDS = ((1_500_000, 6), (6_000_000, 8), (MAX_AVIF_COST, 10))
"""Up to this cost, this speed of libavif: 0 is the slowest."""
WEBP_METHODS = ((8_000_000, 4), (24_000_000, 2))
"""Up to this cost, this method of libwebp: 6 is the slowest. Beyond, it is 0."""
HIGH_QUALITY = 95


def count_cost(decoded: DecodedImage) -> int:
    """The pixels of all frames, twice with alpha."""
    return decoded.pixel_count * (2 if decoded.channels % 2 == 0 else 1)


def choose_avif_speed(decoded: DecodedImage, quality: int, *, is_lossless: bool) -> int:
    """The speed for an image. High quality costs twice as much. Raises UnwritableFormatError if it takes too long."""
    is_costly = is_lossless or quality > HIGH_QUALITY
    cost = count_cost(decoded) * (2 if is_costly else 1)
    for limit, speed in AVIF_SPEEDS:
        if cost <= limit:
            return speed
    reasons = [name for name, holds in (("alpha", decoded.channels % 2 == 0), ("this quality", is_costly)) if holds]
    raise UnwritableFormatError(
        f"The image has {decoded.pixel_count} pixels in all frames. An AVIF"
        + (f" with {' and '.join(reasons)}" if reasons else "")
        + f" may have {MAX_AVIF_COST * decoded.pixel_count // cost}, as more take too long to encode. "
        "Send a smaller image, or ask for format=webp or png."
    )


def choose_webp_effort(decoded: DecodedImage, *, is_lossless: bool) -> dict[str, int]:
    """Pillow's options for the effort."""
    cost = count_cost(decoded)
    method = next((method for limit, method in WEBP_METHODS if cost <= limit), 0)
    if not is_lossless:
        return {"method": method}
    if method == 4:
        return {"method": 4}
    return {"method": 0} if method else {"method": 0, "quality": 0}
