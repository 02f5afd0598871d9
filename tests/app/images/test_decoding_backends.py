"""The fast decoders and Pillow give the same pixels and errors, for intact and for damaged files."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.images import decode as decoding
from app.images import decode_pillow, fast_codecs
from app.images.decode import decode_image
from app.images.errors import ImageError
from app.images.limits import ImageLimits
from tests.support.images import write_png

KINDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "jpeg 4:4:4": ("RGB", "JPEG", {"subsampling": 0}),
    "jpeg 4:2:2": ("RGB", "JPEG", {"subsampling": 1}),
    "jpeg 4:2:0": ("RGB", "JPEG", {"subsampling": 2}),
    "jpeg progressive": ("RGB", "JPEG", {"progressive": True}),
    "jpeg restarts": ("RGB", "JPEG", {"restart_marker_blocks": 3}),
    "jpeg rgb": ("RGB", "JPEG", {"keep_rgb": True}),
    "jpeg grey": ("L", "JPEG", {}),
    "jpeg cmyk": ("CMYK", "JPEG", {}),
    "png grey": ("L", "PNG", {}),
    "png grey alpha": ("LA", "PNG", {}),
    "png rgb": ("RGB", "PNG", {}),
    "png rgba": ("RGBA", "PNG", {}),
    "png palette": ("P", "PNG", {}),
    "png bilevel": ("1", "PNG", {}),
}


@pytest.fixture(autouse=True)
def decode_small_images_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_codecs, "MIN_PNG_PIXELS", 0)


def make_file(kind: str, **more: Any) -> bytes:
    mode, format, options = KINDS[kind]
    pixels = np.random.default_rng(1).integers(0, 256, (9, 12, 4), np.uint8)
    image = (
        Image.fromarray(pixels).resize((61, 45), Image.Resampling.BICUBIC).convert("RGB" if mode == "CMYK" else mode)
    )
    buffer = io.BytesIO()
    image.convert(mode).save(buffer, format, **options, **more)
    return buffer.getvalue()


def damage(data: bytes) -> Iterator[bytes]:
    """50 files cut short, and 150 files with up to three changed bytes."""
    yield from (data[:cut] for cut in range(1, len(data), max(1, len(data) // 50)))
    generator = np.random.default_rng(2)
    for _ in range(150):
        changed = bytearray(data)
        for place in generator.integers(2, len(data), generator.integers(1, 4)):
            changed[place] = generator.integers(256)
        yield bytes(changed)


def decode(data: bytes) -> tuple[str, Any]:
    try:
        return "decoded", decode_image(data, ImageLimits(100_000)).frames[0].pixels
    except ImageError as error:
        return type(error).__name__, None


@pytest.mark.parametrize("kind", KINDS)
def test_fast_decoders_and_pillow_agree(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    files = [make_file(kind), *damage(make_file(kind))]
    fast = [decode(file) for file in files]
    for name in ("decode_plain_jpeg", "decode_fast"):
        monkeypatch.setattr(decoding, name, lambda *arguments: None)
    slow = [decode(file) for file in files]
    assert [outcome for outcome, _ in fast] == [outcome for outcome, _ in slow]
    for (_, one), (_, other) in zip(fast, slow, strict=True):
        np.testing.assert_array_equal(one, other)
    assert len({outcome for outcome, _ in slow}) > 1


@pytest.mark.parametrize("kind", ["jpeg 4:2:0", "png rgb"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_fast_decoders_and_pillow_apply_the_same_orientation(
    monkeypatch: pytest.MonkeyPatch, kind: str, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = make_file(kind, exif=exif)
    _, fast = decode(file)
    monkeypatch.setattr(decoding, "decode_fast", lambda *arguments: None)
    _, slow = decode(file)
    np.testing.assert_array_equal(fast, slow)
    assert (fast.shape[:2] == (61, 45)) == (orientation in (6, 8))


def test_a_png_with_orientation_keywords_in_a_comment_is_decoded_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode_pillow, "decode_frame", None)
    pixels = np.zeros((45, 61, 3), np.uint8)
    file = write_png(pixels, before=[(b"tEXt", b"Comment\0eXIf, Raw profile type exif\0, XML:com.adobe.xmp\0")])
    np.testing.assert_array_equal(decode(file)[1], pixels)


def test_the_common_kinds_are_decoded_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the tests above compare Pillow with itself."""
    monkeypatch.setattr(decode_pillow, "decode_frame", None)
    for kind in ("jpeg 4:2:0", "jpeg progressive", "jpeg grey", "png grey", "png rgb", "png rgba"):
        assert decode(make_file(kind))[0] == "decoded", kind
