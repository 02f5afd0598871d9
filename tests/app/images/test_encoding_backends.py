"""The fast encoders: JPEGs are byte-identical to Pillow's, GIF colours are as close, PNGs are reproducible."""

import io
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.images.encode import encode_image
from app.images.errors import UnwritableFormatError
from app.images.formats import FORMATS
from app.images.image import DecodedImage, Frame, JpegSampling, Pixels
from tests.support.photograph import draw_photograph


def draw(width: int, height: int, channels: int) -> Pixels:
    pixels = np.random.default_rng(3).integers(0, 256, (9, 9, 3), np.uint8)
    image = Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image.convert("L"))[:, :, None] if channels == 1 else np.asarray(image)


def encode(pixels: Pixels, quality: int, sampling: JpegSampling | None, profile: bytes | None = None) -> bytes:
    return encode_image(
        DecodedImage((Frame(pixels),), FORMATS["jpeg"], profile, sampling), FORMATS["jpeg"], quality
    ).data


def save_with_pillow(pixels: Pixels, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(buffer, "JPEG", **options)
    return buffer.getvalue()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("sampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("quality", [1, 50, 90, 100])
@pytest.mark.parametrize("size", [(1, 1), (17, 3), (61, 45), (64, 48)])
def test_a_jpeg_is_byte_identical_to_pillows(
    channels: int, sampling: JpegSampling, quality: int, size: tuple[int, int]
) -> None:
    pixels = draw(*size, channels)
    same = "4:4:4" if channels == 1 else sampling  # grey has no chroma to subsample
    assert encode(pixels, quality, sampling) == save_with_pillow(pixels, quality=quality, subsampling=same)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [128, 65_519, 65_520, 200_000])
def test_a_jpeg_with_a_profile_is_byte_identical_to_pillows(channels: int, size: int) -> None:
    profile = np.random.default_rng(4).integers(0, 256, size, np.uint8).tobytes()
    profile = profile[:16] + (b"GRAY" if channels == 1 else b"RGB ") + profile[20:]
    pixels = draw(20, 10, channels)
    written = encode(pixels, 90, "4:2:0", profile)
    same = "4:4:4" if channels == 1 else "4:2:0"
    assert written == save_with_pillow(pixels, quality=90, subsampling=same, icc_profile=profile)
    assert Image.open(io.BytesIO(written)).info["icc_profile"] == profile


def test_colours_without_a_sampling_are_not_subsampled() -> None:
    pixels = draw(30, 20, 3)
    assert encode(pixels, 90, None) == save_with_pillow(pixels, quality=90, subsampling=0)


def test_a_side_too_long_for_jpeg_is_rejected() -> None:
    with pytest.raises(UnwritableFormatError, match="65500 pixels a side"):
        encode(np.zeros((1, 65_501, 3), np.uint8), 90, None)


def draw_ramps(height: int, width: int) -> Pixels:
    y, x = np.mgrid[:height, :width]
    return np.stack([255 * x // (width - 1), 255 * y // (height - 1), 255 - 255 * x // (width - 1)], axis=2).astype(
        np.uint8
    )


@pytest.mark.parametrize("pixels", [draw_photograph(200, 300, 50), draw(300, 200, 3), draw_ramps(120, 160)])
def test_gif_colours_are_as_close_as_pillows_median_cut(pixels: Pixels) -> None:
    def measure_error(image: Image.Image) -> float:
        return float(np.mean((np.asarray(image.convert("RGB"), np.float64) - pixels) ** 2))

    written = encode_image(DecodedImage((Frame(pixels),), FORMATS["gif"]), FORMATS["gif"]).data
    pillows = Image.fromarray(pixels).quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    assert measure_error(Image.open(io.BytesIO(written))) <= measure_error(pillows)


@pytest.mark.parametrize("transparent", [False, True])
def test_few_colours_of_a_gif_are_exact(transparent: bool) -> None:
    generator = np.random.default_rng(6)
    colours = generator.integers(0, 256, (255, 3), np.uint8)
    pixels = colours[generator.integers(0, 255, (60, 80))]
    if transparent:
        pixels = np.dstack([pixels, 255 * generator.integers(0, 2, pixels.shape[:2], np.uint8)])
    written = encode_image(DecodedImage((Frame(pixels),), FORMATS["gif"]), FORMATS["gif"]).data
    read = np.asarray(Image.open(io.BytesIO(written)).convert("RGBA" if transparent else "RGB"))
    seen = pixels[..., -1] > 0 if transparent else np.ones(pixels.shape[:2], bool)
    np.testing.assert_array_equal(read[seen], pixels[seen])
    if transparent:
        assert not read[~seen][:, 3].any()


def test_all_threads_write_the_same_png() -> None:
    """ISA-L alone writes different files for several of these images, depending on an uninitialized register."""
    threads = 128
    rng = np.random.default_rng(1)
    images = [(20 * (rng.random((30, 40, 1)) < 0.2)).astype(np.uint8) for _ in range(100)]
    for grey, image in enumerate(images):
        image[:5] = grey
    start = Barrier(threads)

    def encode_all(_: int) -> list[bytes]:
        start.wait()
        return [encode_image(DecodedImage((Frame(one),), FORMATS["png"]), FORMATS["png"], 90).data for one in images]

    with ThreadPoolExecutor(threads) as pool:
        files = list(pool.map(encode_all, range(threads)))
    assert [len(set(same)) for same in zip(*files, strict=True)] == [1] * len(images)
