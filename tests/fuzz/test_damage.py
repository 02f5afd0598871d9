"""A picture of which pixels are missing is refused, never answered half-grey."""

import io

import numpy as np
import pytest
from PIL import Image

from app.pictures.decoding import decode_picture
from app.pictures.errors import CorruptPictureError
from app.pictures.limits import PictureLimits
from tests.app.pictures import draw_noise, encode

NOISE = draw_noise(64, 64)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("percent", [30, 45, 90])
def test_a_jpeg_with_its_middle_missing_is_refused(mode: str, progressive: bool, percent: int) -> None:
    """Pillow alone decodes these to a picture with a grey rest. (Cut between two scans, a progressive one is whole.)"""
    picture = encode(Image.fromarray(NOISE).convert(mode), "JPEG", progressive=progressive)
    cut = picture[: len(picture) * percent // 100] + b"\xff\xd9"
    with Image.open(io.BytesIO(cut)) as image:
        image.load()  # the stock decoder sees nothing wrong
    with pytest.raises(CorruptPictureError, match="damaged"):
        decode_picture(cut, PictureLimits())


def test_a_png_with_a_wrong_checksum_is_refused() -> None:
    picture = bytearray(encode(NOISE, "PNG"))
    body = picture.index(b"IDAT") + 4
    length = int.from_bytes(picture[body - 8 : body - 4], "big")
    picture[body + length] ^= 1
    with Image.open(io.BytesIO(picture)) as image:
        image.load()
    with pytest.raises(CorruptPictureError, match="checksum"):
        decode_picture(bytes(picture), PictureLimits())


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_a_picture_cut_anywhere_is_refused(format: str) -> None:
    """But for what is cut behind the last pixel."""
    picture = encode(NOISE, format)
    whole = decode_picture(picture, PictureLimits()).frames[0].pixels
    for percent in range(3, 100, 7):
        try:
            cut = decode_picture(picture[: len(picture) * percent // 100], PictureLimits()).frames[0].pixels
        except CorruptPictureError:
            continue
        assert np.array_equal(cut, whole), percent


def test_surplus_bytes_between_scans_do_no_harm() -> None:
    """Some cameras write them."""
    picture = encode(NOISE, "JPEG")
    decode_picture(picture[:-2] + bytes(20) + picture[-2:], PictureLimits())
