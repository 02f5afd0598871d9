"""Every 8-bit mode is converted to grey or RGB, with or without alpha."""

import struct
import zlib

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from tests.support.filtering import filter_bytes
from tests.support.images import (
    SRGB_PROFILE,
    Pixels,
    decode,
    draw_blobs,
    draw_noise,
    encode,
    encode_frames,
    open_image,
    write_chunk,
    write_ink_profile,
    write_png,
)
from tests.support.paths import DATA


@pytest.mark.parametrize(
    ("mode", "mode_out"),
    [("1", "L"), ("L", "L"), ("LA", "LA"), ("P", "RGB"), ("RGB", "RGB"), ("RGBA", "RGBA")],
)
def test_every_mode_becomes_the_nearest_true_colour_mode(client: TestClient, mode: str, mode_out: str) -> None:
    image = Image.fromarray(draw_noise(6, 8, 4))
    image.putalpha(Image.fromarray(np.full((6, 8), 200, np.uint8)))
    sent = encode(image.convert(mode) if mode != "P" else image.convert("RGB").quantize(16), "PNG")

    with open_image(filter_bytes(client, sent)) as result:
        assert result.mode == mode_out
        assert np.array_equal(np.asarray(result), np.asarray(open_image(sent).convert(mode_out)))


@pytest.mark.parametrize("name", ["tp0n0g08", "tbrn2c08", "tbbn2c16", "basn3p02", "basi2c16", "basi4a16"])
def test_pngsuite_is_decoded_as_by_opencv(client: TestClient, name: str) -> None:
    data = (DATA / f"{name}.png").read_bytes()
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    result = cv2.imdecode(np.frombuffer(filter_bytes(client, data), np.uint8), cv2.IMREAD_UNCHANGED)
    assert expected is not None
    assert result is not None
    assert result.dtype == expected.dtype
    if expected.ndim == 3 and expected.shape[2] == 4:  # colours under alpha 0 are arbitrary
        expected[expected[..., 3] == 0] = 0
        assert result.ndim == 3
        assert result.shape[2] == 4
        result[result[..., 3] == 0] = 0
    if result.ndim == 2 and expected.ndim == 3:  # OpenCV 5 expands some greys to RGB
        expected = expected[..., 0]
    assert np.array_equal(result, expected)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_transparent_grey_of_few_bits_is_scaled_to_8_bits(client: TestClient, bits: int) -> None:
    """tRNS is stored in the bit depth of the image: 1 of 3 is 85 of 255."""
    levels = 2**bits
    values = (np.arange(8) % levels).astype(np.uint8)[None, :]
    transparent = 1
    sent = write_few_bits_png(values, bits, transparent)

    result = decode(filter_bytes(client, sent))

    assert result.shape == (1, 8, 2)
    assert result[0, :, 1].tolist() == [0 if value == transparent else 255 for value in values[0]]
    seen = values[0] != transparent
    assert result[0, seen, 0].tolist() == (values[0][seen] * (255 // (levels - 1))).tolist()


def write_few_bits_png(values: Pixels, bits: int, transparent: int) -> bytes:
    height, width = values.shape
    packed = np.packbits(np.unpackbits(values[..., None], axis=2)[:, :, -bits:].reshape(height, -1), axis=1)
    rows = b"".join(b"\0" + row.tobytes() for row in packed)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        write_chunk(kind, body)
        for kind, body in [
            (b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)),
            (b"tRNS", struct.pack(">H", transparent)),
            (b"IDAT", zlib.compress(rows)),
            (b"IEND", b""),
        ]
    )


def test_a_palette_entry_can_be_half_transparent(client: TestClient) -> None:
    image = Image.new("P", (3, 1))
    image.putdata([0, 1, 2])
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    sent = encode(image, "PNG", transparency=bytes([255, 128, 0]))
    result = decode(filter_bytes(client, sent))
    assert result[0, :2].tolist() == [[255, 0, 0, 255], [0, 255, 0, 128]]
    assert result[0, 2, 3] == 0


def test_a_transparent_colour_of_rgb_becomes_alpha(client: TestClient) -> None:
    pixels = np.array([[[10, 20, 30], [40, 50, 60]]], np.uint8)
    sent = write_png(pixels, before=[(b"tRNS", b"\0\x28\0\x32\0\x3c")])
    assert decode(filter_bytes(client, sent))[..., 3].tolist() == [[255, 0]]


def test_cmyk_without_a_profile_is_converted_by_the_simple_formula(client: TestClient) -> None:
    cmyk = Image.merge("CMYK", [Image.new("L", (8, 8), value) for value in (255, 0, 0, 0)])
    with open_image(filter_bytes(client, encode(cmyk, "TIFF"), format="png")) as result:
        assert result.mode == "RGB"
        assert result.getpixel((3, 3)) == (0, 255, 255)


def test_a_cmyk_jpeg_becomes_an_rgb_jpeg(client: TestClient) -> None:
    cmyk = Image.fromarray(draw_blobs(16, 16)).convert("CMYK")
    with open_image(filter_bytes(client, encode(cmyk, "JPEG", quality=100), quality="100")) as result:
        assert (result.format, result.mode) == ("JPEG", "RGB")
        assert np.abs(np.asarray(result).astype(int) - draw_blobs(16, 16)).max() <= 8


@pytest.mark.parametrize("format", ["TIFF", "JPEG"])
def test_cmyk_is_converted_through_its_profile(client: TestClient, format: str) -> None:
    """The profile makes cyan ink red; the simple formula would make it cyan."""
    cyan = Image.merge("CMYK", [Image.new("L", (8, 8), value) for value in (255, 0, 0, 0)])
    sent = encode(cyan, format, icc_profile=write_ink_profile())
    with open_image(filter_bytes(client, sent, format="png")) as result:
        assert result.mode == "RGB"
        assert "icc_profile" not in result.info
        red, green, blue = np.asarray(result)[4, 4].tolist()
        assert red >= 245
        assert green <= 20
        assert blue <= 20


def test_a_cmyk_image_with_an_rgb_profile_loses_the_profile(client: TestClient) -> None:
    """A profile of another colour space than that of the pixels is unusable, and is not kept."""
    cmyk = Image.fromarray(draw_blobs(8, 8)).convert("CMYK")
    result = open_image(filter_bytes(client, encode(cmyk, "TIFF", icc_profile=SRGB_PROFILE), format="png"))
    assert result.mode == "RGB"
    assert "icc_profile" not in result.info


def test_a_multi_picture_jpeg_becomes_its_first_image(client: TestClient) -> None:
    first, second = draw_blobs(16, 24), 255 - draw_blobs(16, 24)
    sent = encode_frames([first, second], "MPO")
    assert open_image(sent).format == "MPO"

    reply = client.post("/filter/identity?quality=100", content=sent, headers={"Content-Type": "image/jpeg"})

    assert reply.headers["Content-Type"] == "image/jpeg"
    with open_image(reply.content) as result:
        assert result.format == "JPEG"
        assert np.abs(np.asarray(result).astype(int) - np.asarray(open_image(sent)).astype(int)).max() <= 4


def test_float_pixels_are_rejected(client: TestClient) -> None:
    sent = encode(Image.fromarray(np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)), "TIFF")
    reply = client.post("/filter/identity", content=sent, headers={"Content-Type": "image/tiff"})
    assert reply.status_code == 415
