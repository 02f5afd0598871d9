"""Kinds of TIFF: read exactly, or rejected with the name of the kind. test_tiff_matrix.py draws random layouts."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import tifffile
from fastapi.testclient import TestClient
from numpy.typing import NDArray

from app.images.decode import decode_image
from app.images.errors import CorruptImageError, ImageError, ImageTooLargeError, UnreadableFormatError
from app.images.limits import ImageLimits
from tests.support.filtering import filter_bytes
from tests.support.images import draw_noise, encode
from tests.support.paths import DATA
from tests.support.tiff_files import ENCODERS, ByteOrder, TiffPage, encode_facsimile, write_tiff

LIMITS = ImageLimits()


def decode(data: bytes) -> NDArray[Any]:
    return decode_image(data, LIMITS).frames[0].pixels


def read_case(name: str) -> bytes:
    return (DATA / "cases" / name).read_bytes()


@pytest.mark.parametrize(
    "name",
    [
        "la16_written_by_service.tif",
        "tiff_bigtiff_bigendian.tif",
        "tiff_la8_planar_lzw.tif",
        "tiff_rgb16_planar.tif",
        "tiff_rgb16_zstd.tif",
    ],
)
def test_kinds_that_were_misread_have_the_pixels_that_tifffile_reads(client: TestClient, name: str) -> None:
    data = read_case(name)
    expected = tifffile.imread(io.BytesIO(data))
    if "planar" in name:
        expected = np.moveaxis(expected, 0, 2)
    assert np.array_equal(decode(data), expected)
    assert filter_bytes(client, data, format="npy") != b""


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bit_results_can_be_sent_again(client: TestClient, channels: int) -> None:
    pages = TiffPage(
        draw_noise(9, 11, channels, dtype="uint16").reshape(9, 11, channels) | 1, 1 if channels < 3 else 2, 16
    )
    once = filter_bytes(client, write_tiff([pages]))
    assert np.array_equal(decode(filter_bytes(client, once)), pages.samples)


REJECTED: dict[str, tuple[dict[int, tuple[str, Sequence[Any]]], dict[str, Any]]] = {
    "32-bit float RGB is not supported; 8 and 16 bits are": ({258: ("H", [32] * 3), 339: ("H", [3] * 3)}, {}),
    "16-bit signed RGB is not supported; 8 and 16 bits are": ({339: ("H", [2] * 3)}, {"bits": 16}),
    "8-bit signed RGB is not supported; 8 and 16 bits are": ({339: ("H", [2] * 3)}, {}),
    "12-bit RGB is not supported; 8 and 16 bits are": ({258: ("H", [12] * 3)}, {}),
    "5-bit and 6-bit RGB is not supported; 8 and 16 bits are": ({258: ("H", [5, 6, 5])}, {}),
    "16-bit YCbCr is not supported; 8 bits are": ({}, {"bits": 16, "photometric": 6}),
    "A TIFF of LogLuv is not supported": ({}, {"photometric": 32845}),
    "A TIFF of a transparency mask is not supported": ({}, {"photometric": 4}),
    "RGB with 2 samples per pixel is not supported; 3 or more are": ({277: ("H", [2])}, {}),
    "A TIFF with 100 samples per pixel is not supported; up to 8 are": ({277: ("H", [100])}, {}),
    "compression JPEG 2000 is not supported; none, CCITT": ({259: ("H", [34712])}, {}),
    "compression old-style JPEG is not supported": ({259: ("H", [6])}, {}),
    "compression number 12345 is not supported": ({259: ("H", [12345])}, {}),
    "A TIFF with the predictor 3 is not supported; 1 and 2 are": ({317: ("H", [3])}, {"compression": 5}),
    "8-bit RGB with CCITT compression is not supported; 1-bit grey is": ({259: ("H", [4])}, {}),
}


@pytest.mark.parametrize("message", REJECTED)
def test_other_kinds_are_rejected_by_name(message: str) -> None:
    tags, options = REJECTED[message]
    bits = options.pop("bits", 8)
    page = TiffPage(np.zeros((2, 2, 3), np.uint16), options.pop("photometric", 2), bits, tags=tags, **options)
    with pytest.raises(UnreadableFormatError) as caught:
        decode(write_tiff([page]))
    assert message in str(caught.value)


def test_float_is_status_415(client: TestClient) -> None:
    reply = client.post(
        "/filter/identity", content=read_case("tiff_rgb_float32.tif"), headers={"Content-Type": "image/tiff"}
    )
    assert reply.status_code == 415
    assert "32-bit float RGB is not supported; 8 and 16 bits are" in reply.json()["detail"]


@pytest.mark.parametrize("tags", [{254: ("I", [1])}, {254: ("I", [4])}, {255: ("H", [2])}])
def test_smaller_copies_and_masks_are_not_pages(tags: dict[int, tuple[str, list[int]]]) -> None:
    whole, copy = (TiffPage(draw_noise(size, size, seed=size), 2) for size in (12, 6))
    copy.tags = tags  # type: ignore[assignment]
    decoded = decode_image(write_tiff([copy, whole, copy, whole]), LIMITS)
    assert [frame.pixels.shape for frame in decoded.frames] == [(12, 12, 3)] * 2
    assert np.array_equal(decoded.frames[0].pixels, whole.samples)


@pytest.mark.parametrize("subsampling", [(2, 1), (1, 2), (2, 2), (4, 1), (4, 2), (4, 4)])
@pytest.mark.parametrize("tile", [None, (16, 16)])
@pytest.mark.parametrize("compression", [1, 5])
def test_subsampled_ycbcr_repeats_its_colours(
    subsampling: tuple[int, int], tile: tuple[int, int] | None, compression: int
) -> None:
    """TIFF 6.0, section 21: the Ys of a block, row by row, then its Cb and its Cr."""
    wide, high = subsampling
    height, width = 19, 21
    random = np.random.default_rng(1)
    rows, columns = (-(-height // high) * high, -(-width // wide) * wide) if tile is None else (32, 32)
    y = random.integers(0, 256, (rows, columns))
    cb, cr = random.integers(100, 156, (2, rows // high, columns // wide))
    step_y, step_x = tile or (rows, columns)
    segments = []
    for top in range(0, rows, step_y):
        for left in range(0, columns, step_x):
            body = []
            for row in range(top, top + step_y, high):
                for column in range(left, left + step_x, wide):
                    body += y[row : row + high, column : column + wide].ravel().tolist()
                    body += [cb[row // high, column // wide], cr[row // high, column // wide]]
            segments.append(bytes(ENCODERS[compression](bytes(body))))
    full = [np.repeat(np.repeat(plane, high, 0), wide, 1)[:height, :width] - 128.0 for plane in (cb, cr)]
    bright = y[:height, :width]
    expected = np.stack(
        [bright + 1.402 * full[1], bright - 0.344136 * full[0] - 0.714136 * full[1], bright + 1.772 * full[0]], axis=2
    )
    page = TiffPage(np.zeros((height, width, 3), np.uint8), 6, compression=compression, tile=tile)
    page.tags = {530: ("H", subsampling)}
    page.segments = segments
    assert np.abs(decode(write_tiff([page])) - np.clip(expected, 0, 255)).max() <= 0.51


@pytest.mark.parametrize("photometric", [8, 9])
def test_lab_is_converted_to_srgb(photometric: int) -> None:
    """For D50, 54.29, 80.81, 69.89 is sRGB red and 100, 0, 0 white. ICCLAB stores a and b with an offset of 128."""
    offset = 0 if photometric == 8 else 128
    colours = np.array([[[138, 81 + offset, 70 + offset], [255, offset, offset]]], np.uint8)
    result = decode(write_tiff([TiffPage(colours, photometric)]))
    assert np.abs(result.astype(int) - [[[255, 0, 0], [255, 255, 255]]]).max() <= 6


def test_a_swapped_version_is_no_tiff() -> None:
    """Pillow opens such a file, which then escapes the checks on its structure."""
    data = encode(draw_noise(4, 4), "TIFF")
    with pytest.raises(ImageError):
        decode(b"II\0*" + data[4:])


def draw_scan(width: int, height: int) -> NDArray[np.uint8]:
    y, x = np.mgrid[:height, :width]
    return (((x // 7 + y // 5) % 3 == 0) ^ (x * y % 11 == 0)).astype(np.uint8)


@pytest.mark.parametrize(("compression", "options"), [(2, 0), (3, 0), (3, 1), (3, 5), (4, 0)])
def test_facsimiles_cut_short_or_with_zeroed_bytes_are_damage(compression: int, options: int) -> None:
    scan = draw_scan(200, 100)
    page = TiffPage(scan[:, :, None], 0, 1, compression, tags={292: ("I", [options])})
    whole = encode_facsimile(scan, compression, options)
    page.segments = [whole]
    assert np.array_equal(decode(write_tiff([page]))[:, :, 0], 255 - 255 * scan)
    for place in range(0, len(whole) - 60, max(1, len(whole) // 25)):
        page.segments = [whole[:place] or b"\0"]
        with pytest.raises(CorruptImageError):
            decode(write_tiff([page]))
        page.segments = [whole[:place] + bytes(40) + whole[place + 40 :]]
        with pytest.raises(CorruptImageError):
            decode(write_tiff([page]))


def test_damaged_facsimile_is_status_422(client: TestClient) -> None:
    headers = {"Content-Type": "image/tiff"}
    whole = client.post("/filter/identity", content=read_case("tiff_g4_whole.tif"), headers=headers)
    damaged = client.post("/filter/identity", content=read_case("tiff_g4_damaged.tif"), headers=headers)
    assert (whole.status_code, damaged.status_code) == (200, 422)
    assert "row 70" in damaged.json()["detail"]


def test_group_4_by_another_encoder_is_read() -> None:
    """The first row as runs (001, white 3: 1000, black 2: 11), which libtiff writes as vertical codes if it can."""
    bits = "001" + "1000" + "11" + "1" + "1" * 2 + "1"  # 3 white, 2 black, end; then the same row again
    data = int(bits.ljust(16, "0"), 2).to_bytes(2)
    page = TiffPage(np.zeros((2, 8, 1), np.uint8), 0, 1, 4)
    page.segments = [data]
    assert decode(write_tiff([page]))[:, :, 0].tolist() == [[255] * 3 + [0] * 2 + [255] * 3] * 2


@pytest.mark.parametrize("byte_order", ["<", ">"])
@pytest.mark.parametrize("is_big", [False, True])
def test_every_beginning_of_a_tiff_is_damage(byte_order: ByteOrder, is_big: bool) -> None:
    page = TiffPage(draw_noise(6, 6), 2, rows_per_strip=2)
    data = write_tiff([page, page], byte_order=byte_order, is_big=is_big)
    assert len(decode_image(data, LIMITS).frames) == 2
    for length in range(8, len(data) - 1, 7):
        with pytest.raises(ImageError):
            decode_image(data[:length], LIMITS)


def test_tiles_count_with_what_lies_beyond_the_edges() -> None:
    page = TiffPage(np.zeros((1, 1, 4), np.uint8), 2, tile=(16, 16))
    page.tags = {322: ("I", [60_000]), 323: ("I", [60_000]), 338: ("H", [2])}
    with pytest.raises(ImageTooLargeError, match="3600000000 pixels of 4 samples"):
        decode(write_tiff([page]))
