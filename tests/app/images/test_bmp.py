"""Bit fields, palettes, run lengths and headers of BMP files. tests/system/browser compares them with Chromium."""

import os
import struct
from random import Random

import numpy as np
import pytest
from fastapi.testclient import TestClient

from app.images.decode import decode_image
from app.images.errors import CorruptImageError, ImageTooLargeError, UnreadableFormatError
from app.images.limits import ImageLimits
from app.images.true_colour import expand_channels
from tests.support.bmp_files import draw_bmp, write_bmp
from tests.support.filtering import filter_bytes
from tests.support.images import decode
from tests.support.paths import DATA

LIMITS = ImageLimits()
PALETTE = bytes((30, 20, 10, 0, 0, 0, 255, 0))
"""10, 20, 30 and red."""
COUNT = int(os.environ.get("CONVSERVE_BMP_SAMPLES", "1000"))


def test_random_bmps_are_decoded_exactly() -> None:
    random = Random(1)
    for index in range(COUNT):
        data, expected = draw_bmp(random)
        decoded = decode_image(data, LIMITS).frames[0].pixels
        assert np.array_equal(expand_channels(decoded, 4), expected), (index, data.hex())


@pytest.mark.parametrize(
    ("name", "colour"),
    [
        ("bmp16_444.bmp", [255, 255, 255]),
        ("bmp32_bitfields_odd.bmp", [0x44, 0x22, 0x11]),
        ("bmp32_bitfields_rgbx.bmp", [0x11, 0x22, 0x33]),
    ],
)
def test_unusual_bit_fields_are_read(client: TestClient, name: str, colour: list[int]) -> None:
    result = decode(filter_bytes(client, (DATA / "cases" / name).read_bytes(), format="png"))
    assert result.reshape(-1, result.shape[-1])[:, :3].tolist() == [colour] * 4


def test_skipped_pixels_are_black_and_rows_start_at_the_bottom() -> None:
    """Two red pixels, then a step of one to the right and one up, then one pixel of the first colour."""
    data = write_bmp(4, 2, 8, 1, bytes((2, 1, 0, 2, 1, 1, 1, 0, 0, 1)), palette=PALETTE)
    black, red, first = [0, 0, 0], [255, 0, 0], [10, 20, 30]
    assert decode_image(data, LIMITS).frames[0].pixels.tolist() == [
        [black, black, black, first],
        [red, red, black, black],
    ]


def test_a_grey_palette_stays_grey() -> None:
    data = write_bmp(2, 1, 8, 0, bytes((1, 0, 0, 0)), palette=bytes((7, 7, 7, 0, 200, 200, 200, 0)))
    assert decode_image(data, LIMITS).frames[0].pixels.tolist() == [[[200], [7]]]


@pytest.mark.parametrize("missing", [1, 2, 5, 30])
def test_missing_pixels_are_damage(missing: int) -> None:
    data = write_bmp(4, 8, 8, 0, bytes(32), palette=PALETTE)
    with pytest.raises(CorruptImageError, match="cut short"):
        decode_image(data[:-missing], LIMITS)


def test_missing_runs_are_damage() -> None:
    whole = write_bmp(4, 2, 8, 1, bytes((4, 1, 0, 0, 4, 1, 0, 1)), palette=PALETTE)
    assert decode_image(whole, LIMITS).frames[0].pixels.shape == (2, 4, 3)
    for missing in (1, 2, 3, 4):
        with pytest.raises(CorruptImageError, match="cut short"):
            decode_image(whole[:-missing], LIMITS)


def test_what_lies_beyond_the_image_is_not_drawn() -> None:
    """A run of 9 in a row of 4 and a third row of 2, as Chromium reads them."""
    runs = bytes((9, 1, 0, 0, 4, 1, 0, 0, 4, 1, 0, 1))
    assert (
        decode_image(write_bmp(4, 2, 8, 1, runs, palette=PALETTE), LIMITS).frames[0].pixels.tolist()
        == [[[255, 0, 0]] * 4] * 2
    )


def test_bit_fields_with_gaps_are_damage() -> None:
    data = write_bmp(1, 1, 32, 3, bytes(4), masks=(0xF00F00, 0xFF, 0xF0000))
    with pytest.raises(CorruptImageError, match="F00F00"):
        decode_image(data, LIMITS)


def test_other_compressions_are_named() -> None:
    data = write_bmp(1, 1, 24, 4, bytes(4))
    with pytest.raises(UnreadableFormatError, match="embedded JPEG"):
        decode_image(data, LIMITS)


def test_the_pixel_limit_holds_before_decoding() -> None:
    data = write_bmp(60_000, 60_000, 8, 1, bytes((0, 1)), palette=PALETTE)
    with pytest.raises(ImageTooLargeError, match="60000×60000"):
        decode_image(data, LIMITS)


@pytest.mark.parametrize("length", range(2, 56, 3))
def test_the_beginning_of_a_bmp_is_damage(length: int) -> None:
    data = write_bmp(1, 1, 24, 0, struct.pack("<I", 5))[:length]
    with pytest.raises(CorruptImageError):
        decode_image(data, LIMITS)
