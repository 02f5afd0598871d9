"""Images are written as Chromium displays the input. COLOUR_CASES raises the number of random ones."""

import os
import struct
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from app.images.colour_tags import CHROMATICITIES, TRANSFERS
from tests.support.chromium import draw_in_chromium
from tests.support.heif import write_avif, write_nclx
from tests.support.images import (
    SWAPPED_PROFILE,
    Pixels,
    decode,
    draw_blobs,
    draw_noise,
    encode,
    write_exif,
    write_png,
)

pytestmark = pytest.mark.slow
CASES = int(os.environ.get("COLOUR_CASES", "25"))
MAX_DIFFERENCE = 16
"""Chromium computes with half precision, which shows near black in colours beyond sRGB."""
MAX_MEAN_DIFFERENCE = 0.5


@pytest.fixture(scope="module")
def blank(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    yield page
    page.close()


def convert(api: httpx.Client, data: bytes) -> Pixels:
    reply = api.post("/filter/identity?format=bmp", content=data, headers={"Content-Type": "application/octet-stream"})
    assert reply.status_code == 200, reply.text
    return decode(reply.content)[..., :3].astype(int)


def compare(api: httpx.Client, page: Page, data: bytes, media_type: str, case: Any) -> None:
    shown = draw_in_chromium(page, data, media_type)
    assert shown is not None, case
    differences = np.abs(convert(api, data) - shown[..., :3])
    assert differences.max() <= MAX_DIFFERENCE, case
    assert np.percentile(differences, 98) <= 2, case
    assert differences.mean() <= MAX_MEAN_DIFFERENCE, case


def draw_chunks(generator: np.random.Generator) -> list[tuple[bytes, bytes]]:
    """Code points, or gamma with or without chromaticities near those of a real display."""
    if generator.random() < 0.6:
        primaries = int(generator.choice(list(CHROMATICITIES)))
        return [(b"cICP", bytes([primaries, int(generator.choice(list(TRANSFERS))), 0, 1]))]
    chunks = [(b"gAMA", struct.pack(">I", int(generator.integers(30_000, 120_000))))]
    if generator.random() < 0.6:
        usual = np.array([31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000])
        chunks.append((b"cHRM", struct.pack(">8I", *(usual + generator.integers(-3000, 3000, 8)))))
    return chunks


def test_random_png_colours_are_those_of_chromium(api: httpx.Client, blank: Page) -> None:
    generator = np.random.default_rng(21)
    for number in range(CASES):
        chunks = draw_chunks(generator)
        pixels = draw_noise(16, 24, seed=number)
        if generator.random() < 0.5:
            pixels = pixels.astype(np.uint16) * 257
        if (chunks[0][0], chunks[0][1][1]) == (b"cICP", 18) and chunks[0][1][0] == 10:
            continue  # HLG in XYZ: no such image exists, and Chromium's half precision overflows
        compare(api, blank, write_png(pixels, before=chunks), "image/png", chunks)


@pytest.mark.parametrize("transfer", [1, 2, 4, 6, 8, 13, 14, 16, 18])
@pytest.mark.parametrize("primaries", [1, 2, 9, 12])
def test_avif_colours_are_those_of_chromium(api: httpx.Client, blank: Page, primaries: int, transfer: int) -> None:
    whole = encode(draw_blobs(16, 16), "AVIF", quality=100, subsampling="4:4:4")
    data = write_avif(whole, (16, 16), [write_nclx(primaries, transfer, 6)])
    compare(api, blank, data, "image/avif", (primaries, transfer))


@pytest.mark.parametrize("format", ["PNG", "AVIF", "JPEG", "WEBP"])
def test_profiles_are_applied_as_in_chromium(api: httpx.Client, blank: Page, format: str) -> None:
    options = {"lossless": True} if format == "WEBP" else {}
    data = encode(draw_blobs(16, 16), format, icc_profile=SWAPPED_PROFILE, **options)
    shown = draw_in_chromium(blank, data, f"image/{format.lower()}")
    assert shown is not None
    assert np.abs(convert(api, data) - shown[..., :3]).max() <= 3


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["PNG", "JPEG", "AVIF"])
def test_orientations_are_those_of_chromium(api: httpx.Client, blank: Page, format: str, orientation: int) -> None:
    """Chromium ignores the EXIF of a WebP, other browsers do not."""
    data = encode(draw_blobs(16, 24), format, exif=write_exif(orientation))
    compare(api, blank, data, f"image/{format.lower()}", orientation)
