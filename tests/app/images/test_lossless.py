"""Lossless WebP and AVIF stay lossless, and sequences keep their frames, delays and number of plays."""

import io
from typing import Any

import cv2
import imagecodecs
import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from tests.support.animations import are_displayed_alike, read_webp_delays, read_webp_plays
from tests.support.filtering import filter_bytes
from tests.support.images import (
    SRGB_PROFILE,
    Pixels,
    decode,
    decode_frames,
    draw_blobs,
    draw_noise,
    encode,
    encode_frames,
)

NOISE = [draw_noise(21, 18, 4, seed=seed) | np.array([0, 0, 0, 1], np.uint8) for seed in range(4)]
"""Colours under alpha 0 are not kept."""


def read_webp_kinds(data: bytes) -> set[bytes]:
    """The codings of the pixels."""
    return {kind for kind in (b"VP8 ", b"VP8L") if kind in data}


def encode_lossless_avif(pixels: Pixels) -> bytes:
    return bytes(imagecodecs.avif_encode(pixels, 100))


@pytest.mark.parametrize("channels", [3, 4])
def test_a_lossless_webp_stays_lossless(client: TestClient, channels: int) -> None:
    pixels = NOISE[0][:, :, :channels]
    sent = encode(pixels, "WEBP", lossless=True)
    result = filter_bytes(client, sent)
    assert np.array_equal(decode(result), pixels)
    assert read_webp_kinds(result) == {b"VP8L"}
    assert read_webp_kinds(filter_bytes(client, sent, quality="90")) == {b"VP8 "}
    assert read_webp_kinds(filter_bytes(client, encode(pixels, "WEBP", quality=90))) == {b"VP8 "}
    assert read_webp_kinds(filter_bytes(client, encode(pixels, "PNG"), format="webp")) == {b"VP8 "}


def test_an_animated_lossless_webp_stays_lossless(client: TestClient) -> None:
    frames, delays = NOISE[:3], [40, 700, 120]
    frames[1] = frames[0].copy()
    frames[1][5:9, 3:6] = frames[2][5:9, 3:6]  # a small change at odd offsets
    sent = encode_frames(frames, "WEBP", lossless=True, exact=True, duration=delays, loop=3)
    result = filter_bytes(client, sent)
    assert read_webp_kinds(result) == {b"VP8L"}
    assert all(np.array_equal(shown, frame) for shown, frame in zip(decode_frames(result), frames, strict=True))
    assert (read_webp_delays(result), read_webp_plays(result)) == (delays, 3)
    assert read_webp_kinds(filter_bytes(client, sent, quality="80")) == {b"VP8 "}


def test_a_webp_with_one_lossy_frame_is_lossy(client: TestClient) -> None:
    sent = encode_frames([draw_blobs(64, 64), draw_noise(64, 64)], "WEBP", allow_mixed=True, duration=50, quality=60)
    mixed = read_webp_kinds(sent)
    assert b"VP8 " in mixed
    assert b"VP8 " in read_webp_kinds(filter_bytes(client, sent))


def test_equal_frames_of_a_webp_are_all_written(client: TestClient) -> None:
    """The edges of uniform frames are black."""
    even = [np.full((8, 8, 3), grey, np.uint8) for grey in (10, 200)]
    result = filter_bytes(client, encode_frames(even, "PNG", duration=[30, 50]), "edge", format="webp")
    assert read_webp_delays(result) == [30, 50]


def test_a_lossy_animation_is_close(client: TestClient) -> None:
    frames = [np.roll(draw_blobs(40, 30), 8 * index, axis=1) for index in range(3)]
    frames[1][:, :15] = frames[0][:, :15]
    sent = encode_frames(frames, "PNG", duration=50)
    shown = decode_frames(filter_bytes(client, sent, format="webp", quality="95"))
    assert all(np.abs(a[..., :3].astype(int) - b).mean() < 4 for a, b in zip(shown, frames, strict=True))


@pytest.mark.parametrize("profile", [None, SRGB_PROFILE])
@pytest.mark.parametrize("channels", [3, 4])
def test_a_lossless_avif_stays_lossless(client: TestClient, channels: int, profile: bytes | None) -> None:
    pixels = NOISE[0][:, :, :channels]
    sent = encode_lossless_avif(pixels)
    if profile:
        ordered: Pixels = np.ascontiguousarray(pixels[:, :, [2, 1, 0, 3][:channels]])
        body = np.frombuffer(profile, np.uint8)
        options = [cv2.IMWRITE_AVIF_QUALITY, 100]
        sent = cv2.imencodeWithMetadata(".avif", ordered, [cv2.IMAGE_METADATA_ICCP], [body], options)[1].tobytes()
    result = filter_bytes(client, sent)
    assert np.array_equal(imagecodecs.avif_decode(result), pixels)
    assert Image.open(io.BytesIO(result)).info.get("icc_profile") == profile
    assert not np.array_equal(imagecodecs.avif_decode(filter_bytes(client, sent, quality="90")), pixels)
    lossy = encode(pixels, "AVIF", quality=90)
    assert len(filter_bytes(client, lossy)) < len(result)


def test_a_lossless_avif_sequence_stays_lossless(client: TestClient) -> None:
    result = filter_bytes(client, encode_lossless_avif(np.stack(NOISE)))
    assert np.array_equal(imagecodecs.avif_decode(result), np.stack(NOISE))


def make_avif(plays: int) -> bytes:
    """A sequence that libavif wrote, shown `plays` times: the durations of movie and tracks, after ISO/IEC 14496-12."""
    data = bytearray(encode_frames([draw_blobs(16, 16), draw_noise(16, 16)], "AVIF", duration=[100, 250]))
    for kind, offset in ((b"mvhd", 28), (b"tkhd", 32)):
        position = data.find(kind)
        assert data[position + offset : position + offset + 8] == b"\xff" * 8, kind
        if plays:
            data[position + offset : position + offset + 8] = (350 * plays).to_bytes(8)
    return bytes(data)


def read_avif_delays(data: bytes) -> list[Any]:
    image = Image.open(io.BytesIO(data))
    delays = []
    for index in range(image.n_frames):  # type: ignore[attr-defined]
        image.seek(index)
        image.load()
        delays.append(image.info["duration"])
    return delays


@pytest.mark.parametrize("plays", [0, 1, 2, 7])
@pytest.mark.parametrize("quality", ["80", "100"])
def test_an_avif_sequence_keeps_its_plays(client: TestClient, plays: int, quality: str) -> None:
    sent = make_avif(plays)
    result = filter_bytes(client, sent, quality=quality)
    assert read_avif_delays(result) == [100, 250]
    for kind, offset in ((b"mvhd", 28), (b"tkhd", 32)):
        start = result.find(kind) + offset
        assert result[start : start + 8] == ((350 * plays).to_bytes(8) if plays else b"\xff" * 8)
    assert read_webp_plays(filter_bytes(client, sent, format="webp")) == plays


def test_an_avif_sequence_without_repetition_is_shown_once(client: TestClient) -> None:
    sent = bytearray(make_avif(0))
    position = sent.find(b"elst")
    assert sent[position + 7] == 1
    sent[position + 7] = 0
    assert read_webp_plays(filter_bytes(client, bytes(sent), format="webp")) == 1


@pytest.mark.parametrize("format", ["webp", "avif", "png"])
def test_gif_frames_are_exact_in_lossless_formats(client: TestClient, format: str) -> None:
    frames = [(frame // 64 * 85) | np.array([0, 0, 0, 255], np.uint8) for frame in NOISE]
    sent = encode_frames(frames, "PNG", duration=50)
    assert are_displayed_alike(decode_frames(filter_bytes(client, sent, format=format, quality="100")), frames)
