"""Large images are encoded with less effort, and AVIF has a limit of its own."""

import os
import time

import numpy as np
import pytest

from app.images.decode import decode_image
from app.images.encode import encode_image
from app.images.errors import UnwritableFormatError
from app.images.formats import FORMATS, FormatName
from app.images.image import DecodedImage, Frame
from app.images.limits import ImageLimits
from tests.support.images import Pixels, draw_noise

SHARE = int(os.environ.get("LARGE_SHARE", "40"))
"""The timed images have one of so many parts of the pixels allowed; 1 tests the largest ones, in some minutes."""


def make_image(pixels: Pixels, count: int = 1) -> DecodedImage:
    return DecodedImage(tuple(Frame(pixels, 50) for _ in range(count)), FORMATS["png"])


@pytest.mark.parametrize(
    ("channels", "quality", "limit"),
    [(3, 90, 24_000_000), (4, 90, 12_000_000), (3, 100, 12_000_000), (4, 96, 6_000_000), (1, None, 24_000_000)],
)
def test_an_avif_that_takes_too_long_is_rejected(channels: int, quality: int | None, limit: int) -> None:
    pixels = np.broadcast_to(np.uint8(0), (1000, 1000, channels))
    with pytest.raises(UnwritableFormatError, match=f"may have {limit}, .* format=webp"):
        encode_image(make_image(pixels, limit // 1_000_000 + 1), FORMATS["avif"], quality)


@pytest.mark.slow
@pytest.mark.parametrize("count", [3, 10, 30])
def test_a_large_lossless_webp_is_exact(count: int) -> None:
    """The three kinds of effort."""
    pixels = draw_noise(1000, 1000, 4) // 64 | np.array([0, 0, 0, 1], np.uint8)
    written = encode_image(make_image(pixels, count), FORMATS["webp"], 100).data
    frames = decode_image(written, ImageLimits()).frames
    assert len(frames) == count
    assert np.array_equal(frames[0].pixels, pixels)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("format", "quality", "max_pixels"),
    [("webp", None, 50_000_000), ("webp", 100, 50_000_000), ("gif", None, 50_000_000), ("png", None, 50_000_000),
     ("avif", None, 12_000_000), ("avif", 100, 6_000_000)],
)  # fmt: skip
def test_encoding_leaves_time_for_the_rest(format: FormatName, quality: int | None, max_pixels: int) -> None:
    """Noise and alpha cost most: less than 7 of the 10 seconds of the deadline, in processor time."""
    side = int((max_pixels / SHARE) ** 0.5)
    image = make_image(draw_noise(side, side, 4))
    start = time.process_time()
    encode_image(image, FORMATS[format], quality)
    assert time.process_time() - start < (7 if SHARE == 1 else 3)
