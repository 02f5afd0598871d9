"""Decompression bombs are rejected before they are decoded; ordinary images of the same kinds are not."""

import time
from collections.abc import Callable

import pytest

from app.images.decode import decode_image
from app.images.errors import ImageError, ImageTooComplexError
from app.images.inspect import inspect
from app.images.limits import ImageLimits
from tests.support import decompression_bombs as bombs
from tests.support import mutants

LIMITS = ImageLimits()


@pytest.mark.parametrize(
    ("write", "message"),
    [
        pytest.param(lambda: bombs.write_scan_bomb(1005), "CONVSERVE_MAX_JPEG_SCANS", id="JPEG scans"),
        pytest.param(lambda: bombs.write_segment_bomb(200_000), "blocks", id="JPEG segments"),
        pytest.param(lambda: bombs.write_chunk_bomb(200_000), "blocks", id="PNG texts"),
        pytest.param(lambda: bombs.write_chunk_bomb(200_000, b"IDAT", b""), "blocks", id="PNG empty pixel chunks"),
        pytest.param(lambda: bombs.write_inflating_png(40_000_000, b"zTXt"), "CONVSERVE_MAX_METADATA_BYTES", id="zTXt"),
        pytest.param(lambda: bombs.write_inflating_png(40_000_000, b"iTXt"), "CONVSERVE_MAX_METADATA_BYTES", id="iTXt"),
        pytest.param(lambda: bombs.write_inflating_png(40_000_000, b"iCCP"), "CONVSERVE_MAX_METADATA_BYTES", id="iCCP"),
        pytest.param(lambda: bombs.write_frame_bomb(2001, "GIF"), "CONVSERVE_MAX_FRAMES", id="GIF frames"),
        pytest.param(lambda: bombs.write_frame_bomb(2001, "PNG"), "CONVSERVE_MAX_FRAMES", id="PNG frames"),
        pytest.param(lambda: bombs.write_frame_bomb(2001, "WEBP"), "CONVSERVE_MAX_FRAMES", id="WebP frames"),
        pytest.param(lambda: bombs.write_gif_of_tiny_blocks(500_000), "blocks", id="GIF tiny blocks"),
        pytest.param(lambda: bombs.write_tiff_of_pages(100_000), "CONVSERVE_MAX_FRAMES", id="TIFF pages"),
        pytest.param(lambda: bombs.write_tiff_of_values(2_000_000), "values", id="TIFF tag values"),
    ],
)
def test_a_bomb_is_rejected_before_it_is_decoded(write: Callable[[], bytes], message: str) -> None:
    data = write()
    started = time.process_time()
    with pytest.raises(ImageTooComplexError, match=message):
        inspect(data, LIMITS)
    assert time.process_time() - started < 2  # the slowest takes 0.1 s; decoding has no such bound
    with pytest.raises(ImageTooComplexError, match=message):
        decode_image(data, LIMITS)


@pytest.mark.parametrize("data", mutants.make_seeds())
def test_ordinary_images_are_decoded(data: bytes) -> None:
    inspect(data, LIMITS)
    assert decode_image(data, LIMITS).frames


def test_a_file_at_the_limit_is_accepted() -> None:
    image = bombs.write_scan_bomb(3)
    scans = image.count(b"\xff\xda")
    inspect(image, ImageLimits(max_jpeg_scans=scans))
    with pytest.raises(ImageTooComplexError):
        inspect(image, ImageLimits(max_jpeg_scans=scans - 1))
    frames = bombs.write_frame_bomb(5, "GIF")
    inspect(frames, ImageLimits(max_frames=5))
    with pytest.raises(ImageTooComplexError):
        inspect(frames, ImageLimits(max_frames=4))


def test_scan_markers_within_metadata_are_not_counted() -> None:
    image = bombs.write_scan_bomb(3)
    comment = b"\xff\xda" * 500
    segment = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
    after_first_scan = image.index(b"\xff\xda", image.index(b"\xff\xda") + 2)
    inspect(image[:2] + segment + image[2:], LIMITS)
    inspect(image[:after_first_scan] + segment + image[after_first_scan:], LIMITS)


def test_a_tiff_with_a_loop_of_directories_is_decoded() -> None:
    inspect(bombs.write_looping_tiff(), LIMITS)
    assert len(decode_image(bombs.write_looping_tiff(), LIMITS).frames) == 1


def test_mutants_are_decoded_or_rejected() -> None:
    """The short form of benchmarks/fuzz.py. With the usual `except OSError`, some of these would be a status 500."""
    decoded, rejected = 0, 0
    for mutant in mutants.make_mutants(mutants.make_seeds(), 400, seed=20):
        try:
            decode_image(mutant, ImageLimits(max_pixels=1_000_000))
            decoded += 1
        except ImageError:
            rejected += 1
    assert decoded > 20
    assert rejected > 200
