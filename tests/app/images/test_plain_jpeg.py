"""Plain JPEGs are decoded without Pillow, with its pixels; all others are left to Pillow."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, JpegImagePlugin

from app.images.decode import decode_image
from app.images.errors import ImageTooLargeError
from app.images.limits import ImageLimits
from app.images.plain_jpeg import decode_plain_jpeg, read_plain_header
from tests.support.images import write_exif

SAMPLINGS = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0", -1: None}
PLAIN: dict[str, tuple[str, dict[str, Any]]] = {
    "4:4:4": ("RGB", {"subsampling": 0}),
    "4:2:2": ("RGB", {"subsampling": 1}),
    "4:2:0": ("RGB", {"subsampling": 2}),
    "progressive": ("RGB", {"progressive": True, "quality": 30}),
    "restarts": ("RGB", {"restart_marker_blocks": 3}),
    "comment": ("RGB", {"comment": b"\xff\xc0 looks like a frame header"}),
    "grey": ("L", {}),
}
OTHERS: dict[str, tuple[str, dict[str, Any]]] = {
    "exif": ("RGB", {"exif": write_exif(6)}),
    "profile": ("RGB", {"icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()}),
    "rgb": ("RGB", {"keep_rgb": True}),
    "cmyk": ("CMYK", {}),
}


def make_jpeg(mode: str, options: dict[str, Any], width: int = 37, height: int = 21) -> bytes:
    pixels = np.random.default_rng(3).integers(0, 256, (height, width, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, "JPEG", **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", PLAIN)
def test_plain_jpegs_have_the_pixels_that_pillow_decodes(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = make_jpeg(*PLAIN[kind])
    with Image.open(io.BytesIO(data)) as image:
        assert isinstance(image, JpegImagePlugin.JpegImageFile)
        expected, sampling = np.asarray(image), SAMPLINGS[JpegImagePlugin.get_sampling(image)]
    monkeypatch.setattr(Image, "open", None)
    decoded = decode_image(data, ImageLimits())
    np.testing.assert_array_equal(decoded.frames[0].pixels, expected.reshape(21, 37, -1))
    assert (decoded.format.name, decoded.jpeg_sampling, decoded.profile) == ("jpeg", sampling, None)


@pytest.mark.parametrize("kind", OTHERS)
def test_metadata_and_rare_colours_are_left_to_pillow(kind: str) -> None:
    data = make_jpeg(*OTHERS[kind])
    assert decode_plain_jpeg(data, 10**9, None) is None
    decoded = decode_image(data, ImageLimits())
    assert (decoded.width, decoded.height) == ((21, 37) if kind == "exif" else (37, 21))
    assert (decoded.profile is not None) == (kind == "profile")


def test_files_that_end_or_change_in_the_header_are_left_to_pillow() -> None:
    data = make_jpeg("RGB", {})
    end = data.index(b"\xff\xda")
    assert read_plain_header(data) == (21, 37, 3, "4:2:0")
    assert all(read_plain_header(data[:cut]) is None for cut in range(end))
    frame = data.index(b"\xff\xc0")
    for offset, value in ((4, 12), (9, 4), (1, 0xC3), (3, 16)):  # precision, components, lossless, length
        changed = bytearray(data)
        changed[frame + offset] = value
        assert read_plain_header(bytes(changed)) is None, offset
    for side in (5, 7):  # height and width 0
        changed = bytearray(data)
        changed[frame + side : frame + side + 2] = b"\0\0"
        assert read_plain_header(bytes(changed)) is None


def test_the_limit_of_pixels_applies() -> None:
    data = make_jpeg("RGB", {})
    assert decode_plain_jpeg(data, 21 * 37, None) is not None
    with pytest.raises(ImageTooLargeError, match="37×21 pixels"):
        decode_image(data, ImageLimits(max_pixels=21 * 37 - 1))


def test_large_jpegs_are_still_decoded_at_a_reduced_size() -> None:
    data = make_jpeg("L", {}, 400, 300)
    assert decode_image(data, ImageLimits(), enough_px=100).reduced == 4
    assert decode_image(data, ImageLimits(), enough_px=201).reduced == 1
