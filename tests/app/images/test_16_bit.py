"""16-bit PNG and TIFF are decoded, filtered and encoded in 16 bits."""

import io

import cv2
import numpy as np
import pytest
import tifffile
from fastapi.testclient import TestClient
from scipy import ndimage

from tests.support.filtering import filter_bytes
from tests.support.images import decode, draw_noise, read_png, write_png


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bit_pngs_stay_exact(client: TestClient, channels: int) -> None:
    sent = draw_noise(5, 7, channels, dtype="uint16")
    if channels in (2, 4):
        sent[..., -1] |= 1  # no alpha of 0, which would allow other colours
    result = read_png(filter_bytes(client, write_png(sent)))
    assert result.dtype == np.uint16
    assert np.array_equal(result, sent)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_transparent_colour_of_a_16_bit_png_has_16_bits(client: TestClient, channels: int) -> None:
    sent = np.full((1, 3, channels), 0x1234, np.uint16)
    sent[0, 1] += 1  # equal in 8 bits
    sent[0, 2] = 7
    result = read_png(filter_bytes(client, write_png(sent, before=[(b"tRNS", b"\x12\x34" * channels)])))
    assert result.shape == (1, 3, channels + 1)
    assert result[0, :, -1].tolist() == [0, 65535, 65535]
    assert result[0, 1:, 0].tolist() == [0x1235, 7]


def test_16_bits_are_filtered_in_16_bits(client: TestClient) -> None:
    sent = draw_noise(9, 11, 3, dtype="uint16")
    result = read_png(filter_bytes(client, write_png(sent), "blur"))
    weights = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
    for channel in range(3):
        expected = ndimage.correlate(sent[..., channel].astype(float), weights, mode="nearest")
        assert np.abs(result[..., channel] - expected).max() <= 0.51


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("compression", [1, 5, 8], ids=["none", "lzw", "deflate"])
def test_16_bit_tiffs_stay_exact(client: TestClient, channels: int, compression: int) -> None:
    sent = draw_noise(5, 7, channels, dtype="uint16")
    if channels == 4:
        sent[..., 3] |= 1
    blue_first = sent if channels == 1 else sent[..., [2, 1, 0, 3][:channels]]
    _, data = cv2.imencode(".tiff", blue_first, [cv2.IMWRITE_TIFF_COMPRESSION, compression])

    result = tifffile.imread(io.BytesIO(filter_bytes(client, data.tobytes())))

    assert result.dtype == np.uint16
    assert np.array_equal(result, sent)


@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_16_bit_grey_tiffs_of_both_byte_orders_stay_exact(client: TestClient, byteorder: str) -> None:
    sent, buffer = draw_noise(5, 7, 1, dtype="uint16"), io.BytesIO()
    tifffile.imwrite(buffer, sent, byteorder=byteorder, photometric="minisblack")
    assert np.array_equal(read_png(filter_bytes(client, buffer.getvalue(), format="png")), sent)


def test_a_16_bit_tiff_with_white_as_zero_is_inverted(client: TestClient) -> None:
    sent, buffer = draw_noise(5, 7, 1, dtype="uint16"), io.BytesIO()
    tifffile.imwrite(buffer, sent, photometric="miniswhite")
    assert np.array_equal(read_png(filter_bytes(client, buffer.getvalue(), format="png")), 65535 - sent)


def test_premultiplied_alpha_of_a_16_bit_tiff_becomes_straight(client: TestClient) -> None:
    straight = np.array([[[65535, 32768, 0, 32768]]], np.uint16)
    premultiplied, buffer = np.array([[[32768, 16384, 0, 32768]]], np.uint16), io.BytesIO()
    tifffile.imwrite(buffer, premultiplied, photometric="rgb", extrasamples=["assocalpha"])
    result = read_png(filter_bytes(client, buffer.getvalue(), format="png"))
    assert np.abs(result.astype(int) - straight).max() <= 2


def test_every_page_of_a_16_bit_tiff_is_filtered(client: TestClient) -> None:
    pages, buffer = draw_noise(5, 7, 3, dtype="uint16")[None].repeat(2, axis=0), io.BytesIO()
    pages[1] = 65535 - pages[0]
    tifffile.imwrite(buffer, pages, photometric="rgb")
    assert np.array_equal(tifffile.imread(io.BytesIO(filter_bytes(client, buffer.getvalue()))), pages)
    first = tifffile.imread(io.BytesIO(filter_bytes(client, buffer.getvalue(), frames="first")))
    assert np.array_equal(first, pages[0])


@pytest.mark.parametrize("format", ["jpeg", "webp", "gif", "bmp"])
def test_16_bits_are_rounded_for_8_bit_formats(client: TestClient, format: str) -> None:
    """The high bytes of green and blue are 100 and 200, which truncation would return."""
    sent = np.full((8, 8, 3), [65535, 257 * 100 + 130, 257 * 200 - 129], np.uint16)
    result = decode(filter_bytes(client, write_png(sent), format=format, quality="100"))
    assert np.abs(result[4, 4, :3].astype(int) - [255, 101, 199]).max() <= (3 if format == "jpeg" else 0)
