"""Files that lack pixels are rejected, and files that are only unusual are not."""

import re
import struct
import zipfile
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from app.images.decode import decode_image
from app.images.errors import CorruptImageError, ImageError
from app.images.limits import ImageLimits
from tests.support.images import Pixels, draw_blobs, draw_noise, encode, encode_frames, read_png, write_png
from tests.support.paths import DATA

LIMITS = ImageLimits()
PHOTO = Image.fromarray(draw_noise(6, 8)).resize((150, 113), Image.Resampling.BICUBIC)
RESTART = re.compile(rb"\xff[\xd0-\xd7]")


def decode(data: bytes) -> Pixels:
    return decode_image(data, LIMITS).frames[0].pixels


@pytest.mark.parametrize(
    "name", ["jpeg_lost_restart_interval.jpg", "progressive_no_dc.jpg", "webp_damaged_accepted.webp"]
)
def test_damaged_files_are_status_422(client: TestClient, name: str) -> None:
    data = (DATA / "cases" / name).read_bytes()
    reply = client.post("/filter/identity", content=data, headers={"Content-Type": "application/octet-stream"})
    assert reply.status_code == 422
    assert reply.json()["type"].endswith("corrupt-image"), reply.json()


RESTARTING: list[dict[str, Any]] = [
    {"subsampling": subsampling, "progressive": progressive}
    for subsampling in (0, 1, 2)
    for progressive in (False, True)
]


@pytest.mark.parametrize("options", RESTARTING)
@pytest.mark.parametrize("image", [PHOTO, PHOTO.convert("L")], ids=["colour", "grey"])
def test_lost_restart_intervals_are_damage(image: Image.Image, options: dict[str, Any]) -> None:
    """An interval is removed with the marker behind it, or everything from a marker on."""
    data = encode(image, "JPEG", restart_marker_blocks=3, **options)
    assert decode(data).shape[:2] == (113, 150)
    start = data.index(b"\xff\xda")
    places = [match.start() for match in RESTART.finditer(data, start)]
    for first in (0, 3, len(places) - 2):
        with pytest.raises(CorruptImageError, match="restart markers"):
            decode(data[: places[first]] + data[places[first + 1] :])
    for end in (places[3], places[3] + 2):
        for tail in (b"", b"\xff\xd9"):
            with pytest.raises(CorruptImageError):
                decode(data[:end] + tail)


@pytest.mark.parametrize("shift", [1, 2, 3, 7])
def test_restart_markers_with_other_numbers_are_read(shift: int) -> None:
    data = encode(PHOTO, "JPEG", restart_marker_blocks=3)
    renumbered = bytearray(data)
    for match in RESTART.finditer(data, data.index(b"\xff\xda")):
        renumbered[match.start() + 1] = 0xD0 + (data[match.start() + 1] - 0xD0 + shift) % 8
    assert renumbered != data
    assert np.array_equal(decode(bytes(renumbered)), decode(data))


def test_a_progressive_jpeg_without_the_first_scan_of_a_component_is_damage() -> None:
    """Scans are removed one by one. Only the first one has the mean colours; without others, details are missing."""
    data = encode(PHOTO, "JPEG", progressive=True)
    starts = [match.start() for match in re.finditer(rb"\xff\xda", data)]
    first_end = data.index(b"\xff\xc4", starts[0])
    with pytest.raises(CorruptImageError, match="mean colours of component 1, 2, 3"):
        decode(data[: starts[0]] + data[first_end:])


SHORT = {
    "empty": (0xE0, b""),
    "JFIF": (0xE0, b"JFIF"),
    "JFIF and zero": (0xE0, b"JFIF\0"),
    "JFIF with version": (0xE0, b"JFIF\0\1\1\0\0"),
    "Adobe": (0xEE, b"Adobe"),
    "Adobe with version": (0xEE, b"Adobe\0d\0\0"),
}


@pytest.mark.parametrize("kind", SHORT)
@pytest.mark.parametrize("replace", [False, True])
def test_short_headers_of_a_jpeg_are_ignored(kind: str, replace: bool) -> None:
    data = encode(PHOTO, "JPEG")
    marker, body = SHORT[kind]
    end = 4 + int.from_bytes(data[4:6])
    changed = data[:2] + bytes((0xFF, marker)) + (2 + len(body)).to_bytes(2) + body + data[end if replace else 2 :]
    assert np.array_equal(decode(changed), decode(data))


def test_a_harmless_warning_does_not_hide_a_missing_end() -> None:
    data = encode(PHOTO, "JPEG")
    table = data.index(b"\xff\xdb")
    surplus = data[:table] + b"\1" + data[table:]
    assert np.array_equal(decode(surplus), decode(data))
    with pytest.raises(CorruptImageError):
        decode(surplus[: len(surplus) * 2 // 3])


def test_a_jpeg_in_rgb_is_checked() -> None:
    data = encode(PHOTO, "JPEG", keep_rgb=True)
    assert decode(data).shape == (113, 150, 3)
    with pytest.raises(CorruptImageError):
        decode(data[: len(data) * 2 // 3])


@pytest.mark.parametrize("zeros", [1, 11, 12, 13, 300_000])
def test_zeros_after_the_end_of_a_png_are_ignored(zeros: int) -> None:
    sent = draw_noise(9, 7)
    data = write_png(sent) + bytes(zeros)
    assert np.array_equal(decode(data), read_png(write_png(sent)))


def test_a_png_cut_within_its_pixels_is_damage() -> None:
    whole = write_png(draw_noise(9, 7), end=False)
    for missing in (1, 4, 5, 20):
        with pytest.raises(CorruptImageError):
            decode(whole[:-missing])


@pytest.mark.parametrize("surplus", [1, 3, 64])
def test_surplus_bytes_before_the_first_frame_of_a_gif_are_damage(surplus: int) -> None:
    data = encode_frames([draw_blobs(9, 9), draw_blobs(9, 9)[::-1]], "GIF")
    with pytest.raises(CorruptImageError, match="unknown block"):
        decode(data[:40] + b"\x99" * surplus + data[40:])


def test_webp_without_its_last_bytes_is_damage() -> None:
    """The sizes in the headers match what is left, so only the decoder can tell."""
    for options in ({}, {"lossless": True}):
        data = encode(PHOTO, "WEBP", **options)
        for missing in (40, len(data) // 2):
            short = bytearray(data[: (len(data) - missing) // 2 * 2])
            short[4:8] = struct.pack("<I", len(short) - 8)
            short[16:20] = struct.pack("<I", len(short) - 20)
            with pytest.raises(CorruptImageError):
                decode(bytes(short))


ALPHA_FLAG, HINT_PLACE, HINT = 0x10, 24, 0x10


@pytest.mark.parametrize(("flags", "hint"), [(None, False), (0, False), (0, True)])
def test_alpha_that_a_lossless_webp_does_not_announce_is_used_as_in_chromium(flags: int | None, hint: bool) -> None:
    """Chromium 156 takes the colours for premultiplied: 10, 20, 30 under 64 is 40, 80, 120."""
    sent = np.array([[[255, 0, 0, 255], [0, 255, 0, 128], [0, 0, 255, 0], [10, 20, 30, 64]]], np.uint8)
    assert decode(write_webp(sent, flags, hint)).tolist() == [
        [[255, 0, 0, 255], [0, 255, 0, 128], [0, 0, 0, 0], [40, 80, 120, 64]]
    ]
    opaque = np.dstack([sent[:, :, :3], np.full((1, 4), 255, np.uint8)])
    assert decode(write_webp(opaque, flags, hint)).tolist() == sent[:, :, :3].tolist()


def test_alpha_that_only_the_file_header_announces_is_straight() -> None:
    sent = np.array([[[255, 0, 0, 255], [10, 20, 30, 64]]], np.uint8)
    assert decode(write_webp(sent, ALPHA_FLAG, False)).tolist() == sent.tolist()


def write_webp(pixels: Pixels, flags: int | None, hint: bool) -> bytes:
    """A lossless WebP with the given hint, and with a VP8X header if `flags` are given."""
    data = bytearray(encode(Image.fromarray(pixels), "WEBP", lossless=True, exact=True))
    data[HINT_PLACE] = data[HINT_PLACE] & ~HINT | (HINT if hint else 0)
    if flags is None:
        return bytes(data)
    height, width = pixels.shape[:2]
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    header = b"VP8X" + struct.pack("<I", 10) + bytes((flags, 0, 0, 0)) + sizes
    return b"RIFF" + struct.pack("<I", 4 + len(header) + len(data) - 12) + b"WEBP" + header + bytes(data[12:])


@pytest.mark.parametrize("format", ["bmp", "gif", "jpeg", "png", "tiff", "webp"])
def test_mutants_that_chromium_and_libvips_reject_are_rejected(format: str) -> None:
    """Chromium 156 (createImageBitmap) and libvips 8.18 (fail_on=warning) rejected them; see the README of the data."""
    with zipfile.ZipFile(DATA / "mutants.zip") as archive:
        names = [name for name in archive.namelist() if name.startswith(f"rejected/{format}/")]
        files = {name: archive.read(name) for name in names}
    assert len(files) >= 20
    accepted = []
    for name, data in files.items():
        try:
            decode_image(data, LIMITS)
            accepted.append(name)
        except ImageError:
            pass
    assert accepted == []


@pytest.mark.parametrize("format", ["bmp", "gif", "jpeg", "png", "tiff", "webp"])
def test_mutants_that_both_accept_are_accepted(format: str) -> None:
    with zipfile.ZipFile(DATA / "mutants.zip") as archive:
        names = [name for name in archive.namelist() if name.startswith(f"accepted/{format}/")]
        files = [archive.read(name) for name in names]
    assert len(files) >= 10
    for data in files:
        decode_image(data, LIMITS)
