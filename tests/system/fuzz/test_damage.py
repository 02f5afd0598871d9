"""An image with missing pixels is rejected, never decoded to a half-grey image."""

import contextlib
import io

import numpy as np
import pytest
from PIL import Image

from app.images.decode import decode_image
from app.images.errors import CorruptImageError, ImageError
from app.images.limits import ImageLimits
from tests.support.images import draw_noise, encode, encode_frames
from tests.support.mutants import make_seeds

NOISE = draw_noise(64, 64)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("percent", [30, 45, 90])
def test_a_jpeg_cut_short_is_rejected(mode: str, progressive: bool, percent: int) -> None:
    """Pillow alone fills the missing part with grey. A progressive JPEG that is cut between two scans is complete."""
    file = encode(Image.fromarray(NOISE).convert(mode), "JPEG", progressive=progressive)
    cut = file[: len(file) * percent // 100] + b"\xff\xd9"
    with Image.open(io.BytesIO(cut)) as image:
        image.load()  # Pillow alone reports no damage
    with pytest.raises(CorruptImageError, match="damaged"):
        decode_image(cut, ImageLimits())


def test_a_png_with_a_wrong_checksum_is_rejected() -> None:
    file = bytearray(encode(NOISE, "PNG"))
    body = file.index(b"IDAT") + 4
    length = int.from_bytes(file[body - 8 : body - 4], "big")
    file[body + length] ^= 1
    with Image.open(io.BytesIO(file)) as image:
        image.load()
    with pytest.raises(CorruptImageError, match="checksum"):
        decode_image(bytes(file), ImageLimits())


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_an_image_cut_anywhere_is_rejected(format: str) -> None:
    """Unless the cut is after the last pixel."""
    file = encode(NOISE, format)
    whole = decode_image(file, ImageLimits()).frames[0].pixels
    for percent in range(3, 100, 7):
        try:
            cut = decode_image(file[: len(file) * percent // 100], ImageLimits()).frames[0].pixels
        except CorruptImageError:
            continue
        assert np.array_equal(cut, whole), percent


EVERY_KIND = make_seeds()


@pytest.mark.parametrize("number", range(len(EVERY_KIND)))
def test_every_kind_of_image_cut_anywhere_is_rejected(number: int) -> None:
    """A decoded image has every pixel of every frame, also if it is progressive, 16-bit, compressed or animated."""
    file = EVERY_KIND[number]
    whole = decode_image(file, ImageLimits())
    for length in range(1, len(file), 5):
        try:
            cut = decode_image(file[:length], ImageLimits())
        except ImageError:
            continue
        assert len(cut.frames) == len(whole.frames), length
        assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(cut.frames, whole.frames, strict=True)), length


def test_an_animated_gif_is_shorter_only_when_cut_exactly_between_two_frames() -> None:
    """A GIF does not declare its number of frames, and some programs omit the trailer."""
    file = encode_frames([draw_noise(12, 12, seed=seed) for seed in (1, 2, 3)], "GIF")
    accepted = []
    for length in range(1, len(file)):
        with contextlib.suppress(ImageError):
            accepted.append(len(decode_image(file[:length], ImageLimits()).frames))
    assert accepted == [1, 2, 3]


def test_surplus_bytes_between_scans_are_ignored() -> None:
    """Some cameras write such bytes."""
    file = encode(NOISE, "JPEG")
    decode_image(file[:-2] + bytes(20) + file[-2:], ImageLimits())
