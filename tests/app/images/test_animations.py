"""Every frame of an animation is decoded as displayed and filtered on its own."""

import io
import struct

import numpy as np
import pytest
from fastapi.testclient import TestClient

from tests.support.animations import GIF_DISPLAYED, GIF_FRAMES, PALETTE, are_displayed_alike, read_apng_delays
from tests.support.filtering import filter_bytes
from tests.support.images import (
    decode,
    decode_frames,
    draw_noise,
    encode,
    encode_frames,
    open_image,
    read_chunks,
    write_chunk,
    write_gif,
    write_png,
)


@pytest.mark.parametrize("format", ["gif", "png", "webp", "tiff"])
def test_every_frame_is_decoded_as_displayed(client: TestClient, format: str) -> None:
    """Disposals 1, 2 and 3, patches, and transparency that shows the frame below."""
    sent = write_gif((4, 4), PALETTE, GIF_FRAMES, loop=0)
    frames = decode_frames(filter_bytes(client, sent, format=format, quality="100"))
    assert are_displayed_alike(frames, GIF_DISPLAYED)


def test_avif_frames_are_close_to_those_displayed(client: TestClient) -> None:
    sent = write_gif((4, 4), PALETTE, GIF_FRAMES[:2], loop=0)
    frames = decode_frames(filter_bytes(client, sent, format="avif", quality="100"))
    assert len(frames) == 2
    for frame, seen in zip(frames, GIF_DISPLAYED, strict=False):
        assert np.abs(frame.astype(int) - seen).max() <= 4


def test_npy_holds_all_frames(client: TestClient) -> None:
    sent = write_gif((4, 4), PALETTE, GIF_FRAMES, loop=0)
    result = np.load(io.BytesIO(filter_bytes(client, sent, format="npy")))
    assert result.shape == (4, 4, 4, 4)
    assert are_displayed_alike(list(result), GIF_DISPLAYED)


@pytest.mark.parametrize("sent_as", ["GIF", "PNG", "WEBP", "TIFF", "AVIF"])
def test_frames_do_not_bleed_into_each_other(client: TestClient, sent_as: str) -> None:
    black, white = np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 255, np.uint8)
    options: dict[str, int] = {"WEBP": {"lossless": 1}, "AVIF": {"quality": 100}}.get(sent_as, {})
    if sent_as != "TIFF":
        options["duration"] = 100
    sent = encode_frames([black, white, black, white], sent_as, **options)

    frames = decode_frames(filter_bytes(client, sent, "gaussian", sigma="3", format="png"))

    assert [int(frame[..., :3].mean()) for frame in frames] == [0, 255, 0, 255]
    assert all(len(np.unique(frame[..., :3])) == 1 for frame in frames)


@pytest.mark.parametrize("sent_as", ["GIF", "PNG", "WEBP"])
def test_every_frame_is_filtered_like_a_still(client: TestClient, sent_as: str) -> None:
    images = [draw_noise(9, 7, seed=seed) // 64 * 85 for seed in (1, 2, 3)]
    options = {"lossless": True} if sent_as == "WEBP" else {}
    sent = encode_frames(images, sent_as, duration=70, **options)
    frames = decode_frames(filter_bytes(client, sent, "emboss", format="png"))
    alone = [decode(filter_bytes(client, encode(image), "emboss")) for image in images]
    assert are_displayed_alike(frames, [np.dstack([image, np.full((9, 7), 255, np.uint8)]) for image in alone])


def test_the_format_of_the_upload_is_kept(client: TestClient) -> None:
    frames = [draw_noise(8, 8, seed=seed) for seed in (1, 2)]
    for sent_as, media_type in [("GIF", "image/gif"), ("PNG", "image/png"), ("WEBP", "image/webp")]:
        sent = encode_frames(frames, sent_as, duration=50)
        reply = client.post("/filter/edge", content=sent, headers={"Content-Type": "image/gif"})
        assert reply.headers["Content-Type"] == media_type
        assert open_image(reply.content).n_frames == 2  # type: ignore[attr-defined]


@pytest.mark.parametrize("format", ["jpeg", "bmp"])
def test_formats_of_one_frame_reject_animations(client: TestClient, format: str) -> None:
    sent = encode_frames([draw_noise(8, 8, seed=seed) for seed in (1, 2, 3)], "GIF")
    reply = client.post(f"/filter/edge?format={format}", content=sent, headers={"Content-Type": "image/gif"})
    assert reply.status_code == 422
    assert "3 frames" in reply.json()["detail"]
    assert "frames=first" in reply.json()["detail"]
    assert filter_bytes(client, sent, "edge", format=format, frames="first")


def test_half_transparent_pixels_are_rounded_in_a_gif(client: TestClient) -> None:
    pixels = np.zeros((1, 4, 4), np.uint8)
    pixels[0, :, 0], pixels[0, :, 3] = 200, [0, 127, 128, 255]
    result = decode(filter_bytes(client, encode(pixels), format="gif"))
    assert result[0, :, 3].tolist() == [0, 0, 255, 255]
    assert result[0, 2:, 0].tolist() == [200, 200]


def test_a_moving_dot_leaves_no_trail(client: TestClient) -> None:
    """Each frame replaces the previous one, so a dot on a transparent background is one dot in every frame."""
    frames = np.zeros((4, 4, 12, 4), np.uint8)
    for index in range(4):
        frames[index, 1:3, 3 * index : 3 * index + 2] = [255, 0, 0, 255]
    sent = encode_frames(list(frames), "PNG", duration=50, blend=0, disposal=0)
    for format in ("gif", "png", "webp"):
        result = decode_frames(filter_bytes(client, sent, format=format, quality="100"))
        assert are_displayed_alike(result, list(frames))


def test_a_16_bit_animated_png_becomes_8_bit(client: TestClient) -> None:
    frames = [np.full((3, 4, 3), 257 * grey, np.uint16) for grey in (40, 200)]
    bodies = [dict(read_chunks(write_png(frame)))[b"IDAT"] for frame in frames]
    controls = [struct.pack(">IIIIIHHBB", index, 4, 3, 0, 0, 70, 1000, 0, 0) for index in range(2)]
    header = dict(read_chunks(write_png(frames[0])))[b"IHDR"]
    chunks = [
        (b"IHDR", header),
        (b"acTL", struct.pack(">II", 2, 0)),
        (b"fcTL", controls[0]),
        (b"IDAT", bodies[0]),
        (b"fcTL", controls[1]),
        (b"fdAT", struct.pack(">I", 2) + bodies[1]),
        (b"IEND", b""),
    ]
    sent = b"\x89PNG\r\n\x1a\n" + b"".join(write_chunk(kind, body) for kind, body in chunks)

    result = filter_bytes(client, sent)

    assert [frame[..., :3].tolist() for frame in decode_frames(result)] == [
        np.full((3, 4, 3), grey).tolist() for grey in (40, 200)
    ]
    assert read_apng_delays(result) == [70, 70]
