"""ICC profiles are kept if the format can hold them; otherwise the pixels are converted to sRGB."""

import io
import zlib

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import ImageCms

from tests.support.filtering import filter_bytes
from tests.support.images import (
    LINEAR_GREY_PROFILE,
    SRGB_PROFILE,
    SWAPPED_PROFILE,
    decode,
    draw_blobs,
    draw_noise,
    encode,
    open_image,
    write_png,
)


@pytest.mark.parametrize("format", ["png", "jpeg", "webp", "tiff", "avif"])
@pytest.mark.parametrize("sent_as", ["PNG", "JPEG", "TIFF", "WEBP", "AVIF"])
def test_the_profile_is_kept_byte_for_byte(client: TestClient, sent_as: str, format: str) -> None:
    sent = encode(draw_blobs(16, 16), sent_as, icc_profile=SWAPPED_PROFILE)
    with open_image(filter_bytes(client, sent, format=format)) as result:
        assert result.info["icc_profile"] == SWAPPED_PROFILE


def test_the_profile_of_a_16_bit_image_is_kept(client: TestClient) -> None:
    sent = write_png(
        draw_noise(4, 4, dtype="uint16"),
        before=[(b"iCCP", b"x\0\0" + zlib.compress(SWAPPED_PROFILE))],
    )
    for format in ("png", "tiff"):
        assert open_image(filter_bytes(client, sent, format=format)).info["icc_profile"] == SWAPPED_PROFILE


@pytest.mark.parametrize("format", ["gif", "bmp"])
def test_formats_without_profiles_get_srgb_pixels(client: TestClient, format: str) -> None:
    """The profile displays red pixels as blue."""
    sent = encode(np.full((4, 4, 3), [255, 0, 0], np.uint8), "PNG", icc_profile=SWAPPED_PROFILE)
    with open_image(filter_bytes(client, sent, format=format)) as result:
        assert "icc_profile" not in result.info
        red, green, blue = np.asarray(result.convert("RGB"))[2, 2]
        assert red <= 3
        assert green <= 3
        assert blue >= 252


def test_conversion_to_srgb_keeps_alpha(client: TestClient) -> None:
    sent = encode(np.array([[[255, 0, 0, 255], [255, 0, 0, 0]]], np.uint8), "PNG", icc_profile=SWAPPED_PROFILE)
    result = decode(filter_bytes(client, sent, format="gif"))
    assert result[..., 3].tolist() == [[255, 0]]
    assert result[0, 0, 2] >= 252


@pytest.mark.parametrize("format", ["png", "jpeg", "tiff"])
def test_the_profile_of_a_grey_image_is_kept(client: TestClient, format: str) -> None:
    sent = encode(np.full((8, 8), 128, np.uint8), "PNG", icc_profile=LINEAR_GREY_PROFILE)
    with open_image(filter_bytes(client, sent, format=format)) as result:
        assert result.mode == "L"
        assert result.info["icc_profile"] == LINEAR_GREY_PROFILE


@pytest.mark.parametrize("format", ["webp", "avif", "gif", "bmp"])
@pytest.mark.parametrize("alpha", [False, True])
def test_formats_without_grey_profiles_get_srgb_pixels(client: TestClient, format: str, alpha: bool) -> None:
    """128 of 255 in linear grey is 188 in sRGB (IEC 61966-2-1). A grey profile is invalid for RGB pixels."""
    grey = np.full((8, 8, 2), [128, 255], np.uint8)
    sent = encode(grey if alpha else grey[..., 0], "PNG", icc_profile=LINEAR_GREY_PROFILE)
    with open_image(filter_bytes(client, sent, format=format, quality="100")) as result:
        assert result.info.get("icc_profile", b"RGB ".rjust(20))[16:20] == b"RGB "
        assert np.abs(np.asarray(result.convert("RGB")).astype(int) - 188).max() <= 1


def test_the_profile_is_dropped_when_colour_becomes_grey(client: TestClient) -> None:
    sent = encode(draw_blobs(8, 8), "PNG", icc_profile=SRGB_PROFILE)
    with open_image(filter_bytes(client, sent, channels="gray")) as result:
        assert result.mode == "L"
        assert "icc_profile" not in result.info


def test_an_invalid_profile_is_ignored(client: TestClient) -> None:
    for format in ("png", "gif", "bmp"):
        sent = encode(draw_blobs(4, 4), "PNG", icc_profile=b"not a profile" * 20)
        assert np.array_equal(decode(filter_bytes(client, sent, format=format))[..., :3], draw_blobs(4, 4))


def test_pixels_with_an_unusual_profile_are_unchanged(client: TestClient) -> None:
    """The profile is kept, so converting the pixels would apply it twice."""
    pixels = draw_noise(6, 6)
    sent = encode(pixels, "PNG", icc_profile=SWAPPED_PROFILE)
    result = open_image(filter_bytes(client, sent))
    assert np.array_equal(np.asarray(result), pixels)
    assert ImageCms.ImageCmsProfile(io.BytesIO(result.info["icc_profile"])).tobytes() == SWAPPED_PROFILE
