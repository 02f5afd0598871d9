"""Images that are dear to open are refused before they are opened; ordinary ones of the same kinds are not."""

import time
from collections.abc import Callable

import pytest

from app.images.bombs import refuse_bombs
from app.images.decode import decode_image
from app.images.errors import ImageError, ImageTooComplexError
from app.images.limits import ImageLimits
from tests.support import bombs, mutants

LIMITS = ImageLimits()


@pytest.mark.parametrize(
    ("write", "says"),
    [
        pytest.param(lambda: bombs.write_scan_bomb(1005), "CONVSERVE_MAX_JPEG_SCANS", id="JPEG scans"),
        pytest.param(lambda: bombs.write_segment_bomb(200_000), "blocks", id="JPEG segments"),
        pytest.param(lambda: bombs.write_chunk_bomb(200_000), "blocks", id="PNG texts"),
        pytest.param(lambda: bombs.write_chunk_bomb(200_000, b"IDAT", b""), "blocks", id="PNG pixels in crumbs"),
        pytest.param(lambda: bombs.write_inflating_png(40_000_000, b"zTXt"), "CONVSERVE_MAX_METADATA_BYTES", id="zTXt"),
        pytest.param(lambda: bombs.write_inflating_png(40_000_000, b"iTXt"), "CONVSERVE_MAX_METADATA_BYTES", id="iTXt"),
        pytest.param(lambda: bombs.write_inflating_png(40_000_000, b"iCCP"), "CONVSERVE_MAX_METADATA_BYTES", id="iCCP"),
        pytest.param(lambda: bombs.write_frame_bomb(2001, "GIF"), "CONVSERVE_MAX_FRAMES", id="GIF frames"),
        pytest.param(lambda: bombs.write_frame_bomb(2001, "PNG"), "CONVSERVE_MAX_FRAMES", id="PNG frames"),
        pytest.param(lambda: bombs.write_frame_bomb(2001, "WEBP"), "CONVSERVE_MAX_FRAMES", id="WebP frames"),
        pytest.param(lambda: bombs.write_gif_of_crumbs(500_000), "blocks", id="GIF in crumbs"),
        pytest.param(lambda: bombs.write_tiff_of_pages(100_000), "CONVSERVE_MAX_FRAMES", id="TIFF pages"),
        pytest.param(lambda: bombs.write_tiff_of_values(2_000_000), "values", id="TIFF tag values"),
    ],
)
def test_a_bomb_is_refused_before_it_is_opened(write: Callable[[], bytes], says: str) -> None:
    data = write()
    started = time.process_time()
    with pytest.raises(ImageTooComplexError, match=says):
        refuse_bombs(data, LIMITS)
    assert time.process_time() - started < 2  # the dearest takes 0.1 s; opened, each takes as long as it likes
    with pytest.raises(ImageTooComplexError, match=says):
        decode_image(data, LIMITS)


@pytest.mark.parametrize("data", mutants.make_seeds())
def test_ordinary_images_are_decoded(data: bytes) -> None:
    refuse_bombs(data, LIMITS)
    assert decode_image(data, LIMITS).frames


def test_as_much_as_the_limit_is_accepted() -> None:
    image = bombs.write_scan_bomb(3)
    scans = image.count(b"\xff\xda")
    refuse_bombs(image, ImageLimits(max_jpeg_scans=scans))
    with pytest.raises(ImageTooComplexError):
        refuse_bombs(image, ImageLimits(max_jpeg_scans=scans - 1))
    frames = bombs.write_frame_bomb(5, "GIF")
    refuse_bombs(frames, ImageLimits(max_frames=5))
    with pytest.raises(ImageTooComplexError):
        refuse_bombs(frames, ImageLimits(max_frames=4))


def test_what_looks_like_a_scan_within_metadata_is_none() -> None:
    image = bombs.write_scan_bomb(3)
    comment = b"\xff\xda" * 500
    segment = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
    behind_first_scan = image.index(b"\xff\xda", image.index(b"\xff\xda") + 2)
    refuse_bombs(image[:2] + segment + image[2:], LIMITS)
    refuse_bombs(image[:behind_first_scan] + segment + image[behind_first_scan:], LIMITS)


def test_a_tiff_that_runs_in_circles_ends() -> None:
    refuse_bombs(bombs.write_looping_tiff(), LIMITS)
    assert len(decode_image(bombs.write_looping_tiff(), LIMITS).frames) == 1


def test_mutants_are_decoded_or_refused() -> None:
    """The short form of benchmarks/fuzz.py. Stock `except OSError` would let some of these through as a 500."""
    decoded, refused = 0, 0
    for mutant in mutants.make_mutants(mutants.make_seeds(), 400, seed=20):
        try:
            decode_image(mutant, ImageLimits(max_pixels=1_000_000))
            decoded += 1
        except ImageError:
            refused += 1
    assert decoded > 20
    assert refused > 200
