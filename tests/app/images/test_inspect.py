"""The structure of a file is read without decoding it."""

from dataclasses import replace

import pytest

from app.images.errors import CorruptImageError, ImageTooComplexError
from app.images.file_facts import FileFacts
from app.images.formats import FORMATS, READABLE_EXTENSIONS
from app.images.inspect import inspect
from app.images.limits import ImageLimits
from tests.support.images import draw_noise, encode, encode_frames, write_chunk, write_exif, write_png

NOISE = draw_noise(12, 16)
LIMITS = ImageLimits()


@pytest.mark.parametrize("name", ["avif", "bmp", "gif", "jpeg", "tiff", "webp"])
def test_a_plain_file_has_only_a_format(name: str) -> None:
    assert inspect(encode(NOISE, name.upper()), LIMITS) == FileFacts(FORMATS[name])


def test_an_unknown_format_is_no_error() -> None:
    assert inspect(b"hello", LIMITS) == FileFacts(None)


@pytest.mark.parametrize(("dtype", "bits"), [("uint8", 8), ("uint16", 16)])
def test_the_bit_depth_of_a_png_is_read(dtype: str, bits: int) -> None:
    assert inspect(write_png(draw_noise(12, 16, dtype=dtype)), LIMITS).png_bit_depth == bits


@pytest.mark.parametrize("length", range(0, 40, 3))
def test_the_beginning_of_a_png_is_no_error(length: int) -> None:
    assert inspect(write_png(NOISE)[:length], LIMITS).damage == ""


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        (b"eXIf", write_exif(6), True),
        (b"tEXt", b"Raw profile type exif\0", False),
        (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0", False),
        (b"gAMA", b"\0\0\xb1\x8f", False),
    ],
)
@pytest.mark.parametrize("after_pixels", [False, True])
def test_only_the_chunk_for_exif_before_the_pixels_can_hold_an_orientation(
    kind: bytes, body: bytes, expected: bool, after_pixels: bool
) -> None:
    if after_pixels:
        file = write_png(NOISE, end=False) + write_chunk(kind, body) + write_chunk(b"IEND", b"")
    else:
        file = write_png(NOISE, before=[(kind, body)])
    assert inspect(file, LIMITS).png_exif == (body if expected and not after_pixels else b"")


def test_a_wrong_checksum_of_png_pixels_is_damage() -> None:
    file = bytearray(write_png(NOISE))
    file[-13] ^= 1  # the last byte before IEND: the checksum of IDAT
    facts = inspect(bytes(file), LIMITS)
    with pytest.raises(CorruptImageError, match="checksum"):
        facts.reject_damage()


def test_a_wrong_checksum_of_png_metadata_is_left_to_the_decoder() -> None:
    text = write_chunk(b"tEXt", b"Comment\0hello")
    file = write_png(NOISE, end=False) + text[:-1] + bytes([text[-1] ^ 1]) + write_chunk(b"IEND", b"")
    assert inspect(file, LIMITS).damage == ""


def test_a_gif_without_its_last_byte_is_not_damaged_but_without_two_it_is() -> None:
    """The last byte is the trailer, which some programs omit; the byte before it ends the last block."""
    file = encode_frames([NOISE, 255 - NOISE], "GIF")
    assert inspect(file[:-1], LIMITS).damage == ""
    assert "cut short" in inspect(file[:-2], LIMITS).damage


def test_a_gif_with_an_unknown_block_is_left_to_the_decoder() -> None:
    file = encode(NOISE, "GIF")
    assert inspect(file[:-1] + b"?" + b"!\xfe\x05ab", LIMITS).damage == ""


def test_readable_extensions_have_no_dot() -> None:
    assert sorted(READABLE_EXTENSIONS) == [
        "avif", "bmp", "gif", "heic", "heif", "hif", "jpeg", "jpg", "png", "tif", "tiff", "webp"
    ]  # fmt: skip


def test_the_metadata_of_an_avif_is_limited() -> None:
    with pytest.raises(ImageTooComplexError, match="CONVSERVE_MAX_METADATA_BYTES"):
        inspect(encode(NOISE, "AVIF", xmp=bytes(2000)), replace(LIMITS, max_metadata_bytes=1000))
    assert len(inspect(encode(NOISE, "AVIF", xmp=bytes(2000)), LIMITS).metadata_positions) == 1


def test_the_colour_of_an_avif_sequence_is_found() -> None:
    """The boxes of its track state it, too."""
    file = encode_frames([NOISE, NOISE[::-1]], "AVIF").replace(b"colrnclx\0\1\0\x0d", b"colrnclx\0\x09\0\x10")
    assert inspect(file, LIMITS).colour.cicp == (9, 16)
    assert inspect(file.replace(b"meta", b"free", 1), LIMITS).colour.cicp == (9, 16)
