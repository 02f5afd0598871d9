"""Linear light, and the conversion between grey and colour."""

import numpy as np
from fastapi.testclient import TestClient
from PIL import Image, ImageOps

from tests.support.filtering import filter_bytes
from tests.support.images import decode, draw_noise, encode


def test_linear_light_mixes_black_and_white_to_188(client: TestClient) -> None:
    """Half of the light is 188 in sRGB (IEC 61966-2-1); half of the value is 127.5."""
    sent = encode(np.array([[0, 255]], np.uint8))
    query = {"weights": "1,1", "columns": "2", "divisor": "auto", "border": "wrap"}
    assert decode(filter_bytes(client, sent, "custom", **query)).tolist() == [[128, 128]]
    assert decode(filter_bytes(client, sent, "custom", linear="true", **query)).tolist() == [[188, 188]]


def test_the_identity_in_linear_light_keeps_all_values(client: TestClient) -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert np.array_equal(decode(filter_bytes(client, encode(pixels), linear="true")), pixels)


def test_grey_is_filtered_like_a_channel_of_a_colour_image(client: TestClient) -> None:
    grey = draw_noise(9, 9, 1)
    from_grey = decode(filter_bytes(client, encode(grey), "emboss"))
    from_colour = decode(filter_bytes(client, encode(np.dstack([grey] * 3)), "emboss"))
    assert np.array_equal(np.dstack([from_grey] * 3), from_colour)


def test_colour_becomes_grey_by_its_luma(client: TestClient) -> None:
    pixels = draw_noise(9, 9)
    result = decode(filter_bytes(client, encode(pixels), channels="gray"))
    assert np.abs(result.astype(int) - np.asarray(ImageOps.grayscale(Image.fromarray(pixels)))).max() <= 1
