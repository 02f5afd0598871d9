"""Output formats: exact and lossy pixels, quality, chroma subsampling."""

import io

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image, JpegImagePlugin

from tests.support.filtering import filter_bytes
from tests.support.images import decode, draw_blobs, draw_noise, encode, open_image


@pytest.mark.parametrize(("format", "tolerance"), [("png", 0), ("tiff", 0), ("bmp", 0), ("webp", 0), ("avif", 3)])
def test_lossless_formats_keep_every_pixel(client: TestClient, format: str, tolerance: int) -> None:
    pixels = draw_noise(16, 16)
    result = decode(filter_bytes(client, encode(pixels), format=format, quality="100"))
    assert np.abs(result.astype(int) - pixels).max() <= tolerance


@pytest.mark.parametrize("colours", [2, 17, 200, 255, 256])
def test_a_gif_of_few_colours_is_exact(client: TestClient, colours: int) -> None:
    palette = draw_noise(1, colours, 3, seed=5)[0]
    pixels = palette[np.arange(32 * 32).reshape(32, 32) % colours]
    assert np.array_equal(decode(filter_bytes(client, encode(pixels), format="gif"))[..., :3], pixels)


def test_a_gif_of_few_colours_and_transparency_is_exact(client: TestClient) -> None:
    palette = draw_noise(1, 200, 3, seed=6)[0]
    pixels = np.dstack([palette[np.arange(1024).reshape(32, 32) % 200], np.full((32, 32), 255, np.uint8)])
    pixels[:5, :7, 3] = 0
    result = decode(filter_bytes(client, encode(pixels), format="gif"))
    assert np.array_equal(result[..., 3], pixels[..., 3])
    seen = pixels[..., 3] == 255
    assert np.array_equal(result[seen], pixels[seen])


def test_a_gif_of_many_colours_is_close(client: TestClient) -> None:
    result = decode(filter_bytes(client, encode(draw_blobs(64, 64)), format="gif"))[..., :3]
    assert np.abs(result.astype(int) - draw_blobs(64, 64)).mean() < 6


def test_lossy_formats_use_the_quality(client: TestClient) -> None:
    sent = encode(draw_noise(64, 64))
    for format in ("jpeg", "webp", "avif"):
        sizes = [len(filter_bytes(client, sent, format=format, quality=quality)) for quality in ("10", "90")]
        assert sizes[0] * 2 < sizes[1]


def test_the_default_quality_is_90(client: TestClient) -> None:
    sent = encode(draw_noise(64, 64))
    for format in ("jpeg", "webp", "avif"):
        default = filter_bytes(client, sent, format=format)
        assert default == filter_bytes(client, sent, format=format, quality="90")
        assert default != filter_bytes(client, sent, format=format, quality="89")


@pytest.mark.parametrize(("subsampling", "expected"), [("4:4:4", 0), ("4:2:2", 1), ("4:2:0", 2)])
def test_a_jpeg_keeps_its_chroma_subsampling(client: TestClient, subsampling: str, expected: int) -> None:
    buffer = io.BytesIO()
    Image.fromarray(draw_noise(32, 32)).save(buffer, "JPEG", subsampling=subsampling)
    with open_image(filter_bytes(client, buffer.getvalue())) as result:
        assert JpegImagePlugin.get_sampling(result) == expected


def test_another_format_becomes_a_jpeg_without_chroma_subsampling(client: TestClient) -> None:
    with open_image(filter_bytes(client, encode(draw_noise(32, 32)), format="jpeg")) as result:
        assert JpegImagePlugin.get_sampling(result) == 0
