"""PNG files for HTML pages and replies that are written from Pillow images."""

import base64

import numpy as np
import pytest
from PIL import Image

from app.images.png import encode_data_uri, save_png
from tests.support.images import draw_noise, read_png


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_saved_png_keeps_every_pixel(channels: int) -> None:
    pixels = draw_noise(5, 7, channels)
    assert np.array_equal(read_png(save_png(Image.fromarray(pixels))), pixels)


def test_a_data_uri_contains_the_file() -> None:
    png = save_png(Image.fromarray(draw_noise(5, 7)))
    media_type, _, content = encode_data_uri(png).partition(",")
    assert media_type == "data:image/png;base64"
    assert base64.b64decode(content) == png
