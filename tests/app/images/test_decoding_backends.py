"""The fast way to decode gives the pixels and the verdicts of the strict one, on good files and on damaged ones."""

import io
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.images import decode as decoding
from app.images import fast_codecs as plain
from app.images.decode import decode_image
from app.images.errors import ImageError
from app.images.limits import ImageLimits
from tests.support.images import write_chunk, write_exif, write_png

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
    "webp": ("RGB", "WEBP", {}),
    "webp lossless": ("RGB", "WEBP", {"lossless": True}),
    "webp alpha": ("RGBA", "WEBP", {}),
}


@pytest.fixture(autouse=True)
def small_images_are_no_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "PNG_FEWEST_PIXELS", 0)


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
    """Cut at fifty places; up to three bytes changed in a hundred and fifty ways."""
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
def test_both_ways_agree(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    files = [make_file(kind), *damage(make_file(kind))]
    fast = [decode(file) for file in files]
    monkeypatch.setattr(decoding, "decode_plain", lambda *arguments: None)
    strict = [decode(file) for file in files]
    assert [verdict for verdict, _ in fast] == [verdict for verdict, _ in strict]
    for (_, one), (_, other) in zip(fast, strict, strict=True):
        np.testing.assert_array_equal(one, other)
    assert len({verdict for verdict, _ in strict}) > 1


@pytest.mark.parametrize("kind", ["jpeg 4:2:0", "png rgb", "webp"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_both_ways_turn_alike(monkeypatch: pytest.MonkeyPatch, kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = make_file(kind, exif=exif)
    _, fast = decode(file)
    monkeypatch.setattr(decoding, "decode_plain", lambda *arguments: None)
    _, strict = decode(file)
    np.testing.assert_array_equal(fast, strict)
    assert (fast.shape[:2] == (61, 45)) == (orientation in (6, 8))


PROFILE = b"\nexif\n      32\n" + write_exif(6).hex().encode()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
ORIENTATIONS = {
    "exif": (b"eXIf", write_exif(6).removeprefix(b"Exif\0\0")),
    "profile": (b"tEXt", b"Raw profile type exif\0" + PROFILE),
    "deflated profile": (b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(PROFILE)),
    "xmp": (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP),
    "deflated xmp": (b"iTXt", b"XML:com.adobe.xmp\0\x01\0\0\0" + zlib.compress(XMP)),
}


@pytest.mark.parametrize("behind", [False, True])
@pytest.mark.parametrize("place", ORIENTATIONS)
def test_wherever_a_png_says_its_orientation_it_is_heard(place: str, behind: bool) -> None:
    pixels = np.random.default_rng(5).integers(0, 256, (45, 61, 3), np.uint8)
    chunk = ORIENTATIONS[place]
    if behind:
        file = write_png(pixels, end=False) + write_chunk(*chunk) + write_chunk(b"IEND", b"")
    else:
        file = write_png(pixels, before=[chunk])
    _, turned = decode(file)
    np.testing.assert_array_equal(turned, np.rot90(pixels, -1))


def test_a_png_that_only_speaks_of_orientation_takes_the_fast_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "decode_frame", None)
    pixels = np.zeros((45, 61, 3), np.uint8)
    file = write_png(pixels, before=[(b"tEXt", b"Comment\0eXIf, Raw profile type exif\0, XML:com.adobe.xmp\0")])
    np.testing.assert_array_equal(decode(file)[1], pixels)


def test_the_common_kinds_do_take_the_fast_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or the comparison above compares the strict way with itself."""
    monkeypatch.setattr(decoding, "decode_frame", None)
    for kind in ("jpeg 4:2:0", "jpeg progressive", "jpeg grey", "png grey", "png rgb", "png rgba", "webp"):
        assert decode(make_file(kind))[0] == "decoded", kind
