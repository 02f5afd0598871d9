"""Chromium and the service show the same pixels of BMP files and of WebP files with odd alpha flags."""

import base64
from random import Random

import numpy as np
import pytest
from playwright.sync_api import Page

from app.images.decode import decode_image
from app.images.limits import ImageLimits
from app.images.true_colour import expand_channels
from tests.app.images.test_damage import ALPHA_FLAG, write_webp
from tests.support.bmp_files import draw_bmp
from tests.support.images import Pixels

SAMPLE = 150
DRAW = """async ([data, type]) => {
    const bytes = Uint8Array.from(atob(data), character => character.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], {type}), {premultiplyAlpha: "none"});
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d", {willReadFrequently: true});
    context.drawImage(bitmap, 0, 0);
    return [bitmap.height, bitmap.width, Array.from(context.getImageData(0, 0, bitmap.width, bitmap.height).data)];
}"""


def check_equal(plain_page: Page, data: bytes, media_type: str, case: object) -> None:
    """A canvas keeps colours multiplied by alpha, so these are compared."""
    height, width, values = plain_page.evaluate(DRAW, [base64.b64encode(data).decode(), media_type])
    shown = np.array(values, np.uint8).reshape(height, width, 4)
    decoded = expand_channels(decode_image(data, ImageLimits()).frames[0].pixels, 4)
    assert np.array_equal(decoded[:, :, 3], shown[:, :, 3]), case
    assert np.abs(premultiply(decoded) - premultiply(shown)).max() <= 1, case


def premultiply(pixels: Pixels) -> Pixels:
    return np.rint(pixels[:, :, :3] * (pixels[:, :, 3:] / 255))


@pytest.mark.slow
def test_random_bmps_look_as_in_chromium(plain_page: Page) -> None:
    random = Random(2)
    for index in range(SAMPLE):
        check_equal(plain_page, draw_bmp(random)[0], "image/bmp", index)


@pytest.mark.parametrize("flags", [None, 0, ALPHA_FLAG])
@pytest.mark.parametrize("hint", [False, True])
def test_alpha_of_lossless_webp_looks_as_in_chromium(plain_page: Page, flags: int | None, hint: bool) -> None:
    generator = np.random.default_rng(1)
    for alpha in (generator.integers(0, 256, (9, 12)), 255 * generator.integers(0, 2, (9, 12)), np.full((9, 12), 255)):
        pixels = np.dstack([generator.integers(0, 256, (9, 12, 3)), alpha]).astype(np.uint8)
        check_equal(plain_page, write_webp(pixels, flags, hint), "image/webp", (flags, hint))
