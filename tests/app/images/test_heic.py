"""HEIC is read. The files of tests/data/heic were encoded without loss from the pixels that the tests draw again."""

from dataclasses import replace

import numpy as np
import pytest
from fastapi.testclient import TestClient

from app.images.decode import decode_image
from app.images.errors import (
    CorruptImageError,
    ImageTooComplexError,
    ImageTooLargeError,
    UnreadableFormatError,
)
from app.images.hevc import is_parameter_set, read_picture_size, split_configuration
from app.images.limits import ImageLimits
from tests.support.filtering import filter_bytes
from tests.support.heif import (
    HeifItem,
    make_item,
    read_heic,
    take_stream,
    write_box,
    write_full_box,
    write_grid,
    write_heif,
    write_nclx,
    write_size,
)
from tests.support.images import (
    SRGB_PROFILE,
    SWAPPED_PROFILE,
    Pixels,
    decode,
    draw_noise,
    open_image,
    read_png,
    write_exif,
)

LIMITS = ImageLimits()
NOISE = draw_noise(64, 64)
"""The pixels of rgb8.heic."""


def read_pixels(data: bytes, limits: ImageLimits = LIMITS) -> Pixels:
    return decode_image(data, limits).frames[0].pixels


@pytest.mark.parametrize(
    ("name", "pixels"), [("rgb8", NOISE), ("rgba8", draw_noise(24, 32, 4)), ("grey8", draw_noise(24, 32, 1))]
)
def test_8_bits_are_read_exactly(name: str, pixels: Pixels) -> None:
    assert np.array_equal(read_pixels(read_heic(name)).squeeze(), pixels)


def test_heic_is_filtered_over_http(client: TestClient) -> None:
    assert np.array_equal(decode(filter_bytes(client, read_heic("rgb8"), format="png")), NOISE)


@pytest.mark.parametrize("bits", [10, 12])
def test_10_and_12_bits_become_16(client: TestClient, bits: int) -> None:
    coded = draw_noise(24, 32, dtype="uint16") >> (16 - bits)
    result = read_png(filter_bytes(client, read_heic(f"rgb{bits}"), format="png"))
    assert np.array_equal(result, np.rint(coded * (65535 / (2**bits - 1))))


@pytest.mark.parametrize("accept", [None, "image/*", "*/*"])
def test_the_result_is_jpeg_unless_another_format_is_requested(client: TestClient, accept: str | None) -> None:
    headers = {"Content-Type": "image/heic"} | ({"Accept": accept} if accept else {})
    reply = client.post("/filter/identity", content=read_heic("rgb8"), headers=headers)
    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == "image/jpeg"
    assert open_image(reply.content).format == "JPEG"
    assert "decode=libheif" in reply.headers["X-Convserve-Path"]
    png = client.post("/filter/identity", content=read_heic("rgb8"), headers=headers | {"Accept": "image/png"})
    assert png.headers["Content-Type"] == "image/png"


def test_heic_cannot_be_requested(client: TestClient) -> None:
    reply = client.post(
        "/filter/identity?format=heic", content=read_heic("rgb8"), headers={"Content-Type": "image/heic"}
    )
    assert reply.status_code == 422


@pytest.mark.parametrize("route", ["/classify", "/read", "/gallery"])
def test_other_routes_read_heic(client: TestClient, route: str) -> None:
    reply = client.post(route, content=read_heic("grey8"), headers={"Content-Type": "image/heic"})
    assert reply.status_code == 200, reply.text


@pytest.mark.parametrize("brands", [[b"heic"], [b"mif1", b"heic"], [b"mif1"], [b"heix", b"mif1"], [b"zzzz", b"heic"]])
def test_heic_is_recognised_by_any_of_its_brands(brands: list[bytes]) -> None:
    assert np.array_equal(read_pixels(write_heif([make_item()], brands=brands)), NOISE)


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_rotation_and_mirroring_are_applied(turns: int, axis: int | None) -> None:
    """ISO/IEC 23008-12: irot counts quarter turns anticlockwise; imir 0 exchanges top and bottom, 1 left and right."""
    boxes = [write_box(b"irot", bytes([turns]))] + ([write_box(b"imir", bytes([axis]))] if axis is not None else [])
    upright = np.rot90(NOISE, turns)
    expected = upright if axis is None else np.flip(upright, axis)
    assert np.array_equal(read_pixels(write_heif([make_item(more=boxes)])), expected)


def test_the_orientation_in_exif_has_no_effect() -> None:
    """The standard leaves it to irot and imir; cameras write both."""
    exif = HeifItem(b"Exif", bytes(4) + write_exif(6), references=[(b"cdsc", [1])])
    assert np.array_equal(read_pixels(write_heif([make_item(), exif])), NOISE)


def test_a_grid_of_tiles_is_joined_and_cropped() -> None:
    tile = make_item()
    grid = HeifItem(b"grid", write_grid(2, 2, 120, 100), [write_size(120, 100)], [(b"dimg", [2, 3, 4, 5])])
    expected = np.tile(NOISE, (2, 2, 1))[:100, :120]
    assert np.array_equal(read_pixels(write_heif([grid, tile, tile, tile, tile])), expected)


@pytest.mark.parametrize("format", ["jpeg", "png", "webp", "tiff"])
def test_the_profile_is_kept(client: TestClient, format: str) -> None:
    sent = write_heif([make_item(more=[write_box(b"colr", b"prof" + SWAPPED_PROFILE), write_nclx(1, 13)])])
    assert open_image(filter_bytes(client, sent, format=format)).info["icc_profile"] == SWAPPED_PROFILE


def test_code_points_are_converted_to_srgb() -> None:
    """Red of Display P3 is outside of sRGB; half of its green is 0.2 of the light."""
    assert decode_image(write_heif([make_item(more=[write_nclx(12, 13)])]), LIMITS).colour.cicp == (12, 13)
    assert decode_image(write_heif([make_item(more=[write_nclx(9, 16)])]), LIMITS).colour.cicp == (9, 16)
    assert decode_image(write_heif([make_item(more=[write_nclx(2, 2)])]), LIMITS).colour.cicp is None


def test_the_size_in_the_stream_is_found() -> None:
    """x265 codes at least 64×64 pixels."""
    for name in ("rgb8", "rgba8", "grey8", "rgb10", "rgb12"):
        _, units = split_configuration(take_stream(name)[0][8:])
        assert [read_picture_size(unit) for unit in units if is_parameter_set(unit)] == [(64, 64)], name


SMALL = replace(LIMITS, max_pixels=64 * 64)


def grid_of(count: int, width: int, height: int, stated: tuple[int, int] | None = None) -> bytes:
    """Refers `count` times to one tile."""
    content = write_grid(count, 1, width, height)
    grid = HeifItem(b"grid", content, [write_size(*(stated or (width, height)))], [(b"dimg", [2] * count)])
    return write_heif([grid, make_item()])


def nest(levels: int) -> bytes:
    """Each level refers twice to the next: 2**levels images."""
    items = [
        HeifItem(b"grid", write_grid(2, 1, 64, 32), [write_size(64, 32)], [(b"dimg", [level + 2] * 2)])
        for level in range(levels)
    ]
    return write_heif([*items, make_item()])


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (write_heif([make_item(size=(65, 64))]), ImageTooLargeError),
        (grid_of(1, 65, 64), ImageTooLargeError),
        (grid_of(1, 65, 64, stated=(8, 8)), ImageTooLargeError),
        (grid_of(4, 16, 16), ImageTooLargeError),
        (nest(3), ImageTooLargeError),
        (write_heif([make_item(size=(8, 8)), make_item()]), None),
    ],
    ids=["stated", "grid", "grid whose property lies", "tiles", "nested", "within"],
)
def test_pixels_are_limited_before_decoding(
    data: bytes, error: type[Exception] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.images.decode.decode_heic", lambda data, facts: None)
    if error is None:
        decode_image(data, SMALL)
    else:
        with pytest.raises(error, match="CONVSERVE_MAX_PIXELS"):
            decode_image(data, SMALL)


def test_a_stream_larger_than_its_stated_size_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.images.decode.decode_heic", lambda data, facts: None)
    with pytest.raises(ImageTooLargeError, match="4096 pixels"):
        decode_image(write_heif([make_item(size=(8, 8))]), replace(LIMITS, max_pixels=1365))


@pytest.mark.parametrize("kind", [b"Exif", b"mime"])
def test_metadata_is_limited_before_decoding(kind: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.images.decode.decode_heic", lambda data, facts: None)
    data = write_heif([make_item(), HeifItem(kind, bytes(2000), references=[(b"cdsc", [1])])])
    with pytest.raises(ImageTooComplexError, match="CONVSERVE_MAX_METADATA_BYTES"):
        decode_image(data, replace(LIMITS, max_metadata_bytes=1000))


def test_a_profile_counts_as_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.images.decode.decode_heic", lambda data, facts: None)
    data = write_heif([make_item(more=[write_box(b"colr", b"prof" + SRGB_PROFILE)])])
    with pytest.raises(ImageTooComplexError):
        decode_image(data, replace(LIMITS, max_metadata_bytes=300))


def test_millions_of_references_are_rejected() -> None:
    item = HeifItem(b"grid", write_grid(255, 255, 64, 24), [write_size(64, 24)], [(b"dimg", [1] * 60_000)])
    with pytest.raises((ImageTooComplexError, CorruptImageError)):
        decode_image(write_heif([item]), LIMITS)


def test_images_derived_from_each_other_are_rejected() -> None:
    items = [
        HeifItem(b"iden", b"", [write_size(8, 8)], [(b"dimg", [2])]),
        HeifItem(b"iden", b"", [write_size(8, 8)], [(b"dimg", [1])]),
    ]
    with pytest.raises(CorruptImageError):
        decode_image(write_heif(items), LIMITS)


def test_another_codec_is_named() -> None:
    with pytest.raises(UnreadableFormatError, match="'av01'"):
        decode_image(write_heif([replace(make_item(), kind=b"av01")]), LIMITS)


def test_two_boxes_where_one_is_allowed_are_rejected() -> None:
    data = write_heif([make_item()])
    start = data.index(b"meta") - 4
    meta = data[start : start + int.from_bytes(data[start : start + 4], "big")]
    with pytest.raises(CorruptImageError, match="twice"):
        decode_image(data[:start] + write_full_box(b"free", b"") + meta + data[start:], LIMITS)


def test_a_file_cut_short_is_rejected() -> None:
    data = read_heic("grey8")
    for length in range(40, len(data), 61):
        with pytest.raises((CorruptImageError, UnreadableFormatError)):
            decode_image(data[:length], LIMITS)


def test_no_mutant_ends_in_another_error() -> None:
    """Each has one byte of its boxes changed."""
    generator = np.random.default_rng(8)
    data = read_heic("rgba8")
    boxes = data.index(b"mdat")
    rejected = 0
    for _ in range(400):
        mutant = bytearray(data)
        mutant[generator.integers(4, boxes)] = generator.integers(256)
        try:
            decode_image(bytes(mutant), replace(LIMITS, max_pixels=100_000))
        except (CorruptImageError, UnreadableFormatError, ImageTooLargeError, ImageTooComplexError):
            rejected += 1
    assert 20 < rejected < 400
