"""Alpha channels: hidden colours, keeping or filtering alpha, and formats without alpha."""

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from scipy import ndimage

from tests.support.filtering import filter_bytes
from tests.support.images import decode, draw_noise, encode, open_image


def test_hidden_colours_do_not_leak_into_visible_pixels(client: TestClient) -> None:
    pixels = np.zeros((9, 9, 4), np.uint8)
    pixels[...] = [255, 0, 0, 0]  # invisible red
    pixels[3:6, 3:6] = [0, 0, 255, 255]

    result = decode(filter_bytes(client, encode(pixels), "box", size="3"))

    assert result.shape == (9, 9, 4)
    expected_alpha = ndimage.correlate(pixels[..., 3].astype(float), np.full((3, 3), 1 / 9), mode="nearest")
    assert np.abs(result[..., 3] - expected_alpha).max() <= 0.51
    assert result[result[..., 3] > 0][:, :3].tolist() == [[0, 0, 255]] * np.count_nonzero(result[..., 3])


def test_kernels_of_sum_0_keep_alpha(client: TestClient) -> None:
    pixels = draw_noise(9, 9, 4)
    result = decode(filter_bytes(client, encode(pixels), "edge"))
    assert np.array_equal(result[..., 3], pixels[..., 3])
    assert not np.array_equal(result[..., :3], pixels[..., :3])


@pytest.mark.parametrize(("alpha", "expected"), [("keep", [0, 255, 0]), ("filter", [85, 85, 85])])
def test_alpha_is_kept_or_filtered_on_request(client: TestClient, alpha: str, expected: list[int]) -> None:
    pixels = np.array([[[9, 9, 9, 0], [9, 9, 9, 255], [9, 9, 9, 0]]], np.uint8)
    query = {"weights": "1,1,1", "columns": "3", "divisor": "3", "border": "wrap", "alpha": alpha}
    result = decode(filter_bytes(client, encode(pixels), "custom", **query))
    assert result[0, :, 3].tolist() == expected


def test_a_jpeg_is_composed_over_white(client: TestClient) -> None:
    pixels = np.zeros((16, 16, 4), np.uint8)
    pixels[..., 0], pixels[..., 3] = 200, np.linspace(0, 255, 16).astype(np.uint8)
    result = decode(filter_bytes(client, encode(pixels), format="jpeg", quality="100"))
    over_white = Image.alpha_composite(Image.new("RGBA", (16, 16), "white"), Image.fromarray(pixels)).convert("RGB")
    assert np.abs(result.astype(int) - np.asarray(over_white)).max() <= 6


def test_hidden_pixels_are_invisible_in_a_bmp(client: TestClient) -> None:
    """Most programs ignore the alpha of a BMP, so hidden pixels must be white or transparent."""
    pixels = np.zeros((4, 4, 4), np.uint8)
    with open_image(filter_bytes(client, encode(pixels), format="bmp")) as result:
        shown = np.asarray(result.convert("RGBA"))
    assert np.all((shown[..., 3] == 0) | (shown[..., :3] == 255).all(axis=2))


def test_grey_with_alpha_over_white_stays_grey(client: TestClient) -> None:
    with open_image(
        filter_bytes(client, encode(np.full((8, 8, 2), [0, 128], np.uint8)), format="jpeg", quality="100")
    ) as image:
        assert image.mode == "L"
        assert np.abs(np.asarray(image).astype(int) - 127).max() <= 1
