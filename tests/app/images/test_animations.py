"""Animations: every frame as it is seen, filtered on its own, with its timing and the number of showings."""

import io
import struct

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from tests.support.images import (
    GifFrame,
    Pixels,
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
from tests.support.replies import filter_bytes

RED, GREEN, BLUE, WHITE = 0, 1, 2, 3
PALETTE = [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255]
COLOURS = np.array([*zip(*[iter(PALETTE)] * 3, strict=True), (0, 0, 0)], np.uint8)
CLEAR = 4


def fill(colour: int, height: int = 4, width: int = 4) -> "np.typing.NDArray[np.uint8]":
    return np.full((height, width), colour, np.uint8)


def show(indices: Pixels) -> Pixels:
    """RGBA of what is seen; CLEAR is transparent."""
    alpha = np.where(indices == CLEAR, 0, 255).astype(np.uint8)
    return np.dstack([COLOURS[indices], alpha])


def paint(below: Pixels, left: int, top: int, patch: Pixels) -> Pixels:
    result = below.copy()
    height, width = patch.shape
    region = result[top : top + height, left : left + width]
    region[patch != CLEAR] = patch[patch != CLEAR]
    return result


def same_as_seen(frames: list[Pixels], expected: list[Pixels]) -> bool:
    """Colours under alpha 0 may be anything."""
    if len(frames) != len(expected):
        return False
    return all(
        np.array_equal(a[..., 3], b[..., 3]) and np.array_equal(a[a[..., 3] > 0], b[b[..., 3] > 0])
        for a, b in zip(frames, expected, strict=True)
    )


HOLE = np.array([[CLEAR, BLUE], [BLUE, CLEAR]], np.uint8)
"""A patch through whose corners one sees what is below."""
GIF_FRAMES: list[GifFrame] = [
    ((0, 0), fill(RED), 10, 1, CLEAR),  # stays
    ((1, 1), HOLE, 20, 3, CLEAR),  # is taken away again
    ((0, 0), fill(GREEN, 2, 2), 30, 2, CLEAR),  # leaves a hole
    ((2, 2), fill(WHITE, 2, 2), 40, 1, None),
]
SEEN_1 = fill(RED)
SEEN_2 = paint(SEEN_1, 1, 1, HOLE)
SEEN_3 = paint(SEEN_1, 0, 0, fill(GREEN, 2, 2))
SEEN_4 = SEEN_1.copy()
SEEN_4[:2, :2] = CLEAR
SEEN_4[2:, 2:] = WHITE
GIF_SEEN = [show(seen) for seen in (SEEN_1, SEEN_2, SEEN_3, SEEN_4)]


@pytest.mark.parametrize("format", ["gif", "png", "webp", "tiff"])
def test_every_frame_comes_out_as_it_is_seen(client: TestClient, format: str) -> None:
    """Disposals 1, 2 and 3, patches, and transparency that shows the frame below."""
    sent = write_gif((4, 4), PALETTE, GIF_FRAMES, loop=0)
    frames = decode_frames(filter_bytes(client, sent, format=format, quality="100"))
    assert same_as_seen(frames, GIF_SEEN)


def test_avif_frames_come_out_nearly_as_they_are_seen(client: TestClient) -> None:
    sent = write_gif((4, 4), PALETTE, GIF_FRAMES[:2], loop=0)
    frames = decode_frames(filter_bytes(client, sent, format="avif", quality="100"))
    assert len(frames) == 2
    for frame, seen in zip(frames, GIF_SEEN, strict=False):
        assert np.abs(frame.astype(int) - seen).max() <= 4


def test_npy_holds_all_frames(client: TestClient) -> None:
    sent = write_gif((4, 4), PALETTE, GIF_FRAMES, loop=0)
    result = np.load(io.BytesIO(filter_bytes(client, sent, format="npy")))
    assert result.shape == (4, 4, 4, 4)
    assert same_as_seen(list(result), GIF_SEEN)


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
def test_every_frame_gets_what_it_would_get_alone(client: TestClient, sent_as: str) -> None:
    images = [draw_noise(9, 7, seed=seed) // 64 * 85 for seed in (1, 2, 3)]
    options = {"lossless": True} if sent_as == "WEBP" else {}
    sent = encode_frames(images, sent_as, duration=70, **options)
    frames = decode_frames(filter_bytes(client, sent, "emboss", format="png"))
    alone = [decode(filter_bytes(client, encode(image), "emboss")) for image in images]
    assert same_as_seen(frames, [np.dstack([image, np.full((9, 7), 255, np.uint8)]) for image in alone])


def test_the_format_that_came_in_comes_out(client: TestClient) -> None:
    frames = [draw_noise(8, 8, seed=seed) for seed in (1, 2)]
    for sent_as, media_type in [("GIF", "image/gif"), ("PNG", "image/png"), ("WEBP", "image/webp")]:
        sent = encode_frames(frames, sent_as, duration=50)
        reply = client.post("/filter/edge", content=sent, headers={"Content-Type": "image/gif"})
        assert reply.headers["Content-Type"] == media_type
        assert open_image(reply.content).n_frames == 2  # type: ignore[attr-defined]


# -- timing


def read_gif_delays(data: bytes) -> list[int]:
    """Hundredths of a second, from the graphic control blocks."""
    delays, position = [], 0
    while (position := data.find(b"!\xf9\x04", position)) >= 0:
        delays.append(struct.unpack("<H", data[position + 4 : position + 6])[0])
        position += 8
    return delays


def read_apng_delays(data: bytes) -> list[float]:
    """Milliseconds, from the frame control chunks."""
    bodies = [body for kind, body in read_chunks(data) if kind == b"fcTL"]
    pairs = [struct.unpack(">HH", body[20:24]) for body in bodies]
    return [1000 * numerator / (denominator or 100) for numerator, denominator in pairs]


def read_webp_delays(data: bytes) -> list[int]:
    """Milliseconds, from the ANMF chunks."""
    delays, position = [], 12
    while position < len(data):
        kind, length = data[position : position + 4], struct.unpack("<I", data[position + 4 : position + 8])[0]
        if kind == b"ANMF":
            delays.append(int.from_bytes(data[position + 20 : position + 23], "little"))
        position += 8 + length + length % 2
    return delays


@pytest.mark.parametrize("sent_as", ["GIF", "PNG", "WEBP"])
def test_every_frame_keeps_its_time(client: TestClient, sent_as: str) -> None:
    times = [40, 500, 120]
    sent = encode_frames([draw_noise(8, 8, seed=seed) for seed in (1, 2, 3)], sent_as, duration=times)
    assert read_gif_delays(filter_bytes(client, sent, "sharpen", format="gif")) == [4, 50, 12]
    assert read_apng_delays(filter_bytes(client, sent, "sharpen", format="png")) == times
    assert read_webp_delays(filter_bytes(client, sent, "sharpen", format="webp")) == times


def test_frames_that_become_alike_keep_their_time_together(client: TestClient) -> None:
    """Edges of even frames are all black; writers merge them, and the time must not shrink."""
    even = [np.full((8, 8, 3), grey, np.uint8) for grey in (10, 90, 200)]
    sent = encode_frames([*even, draw_noise(8, 8)], "PNG", duration=[100, 200, 300, 50])
    assert sum(read_webp_delays(filter_bytes(client, sent, "edge", format="webp"))) == 650
    assert sum(read_gif_delays(filter_bytes(client, sent, "edge", format="gif"))) == 65
    assert sum(read_apng_delays(filter_bytes(client, sent, "edge", format="png"))) == 650


def test_very_long_frames_are_no_server_error(client: TestClient) -> None:
    """A WebP frame may last for hours; a GIF's 655 seconds, an APNG's 65 in steps of a millisecond."""
    sent = encode_frames([draw_noise(8, 8, seed=seed) for seed in (1, 2)], "WEBP", duration=[7_000_000, 50])
    for format in ("gif", "png", "webp", "avif", "tiff"):
        reply = client.post(f"/filter/identity?format={format}", content=sent, headers={"Content-Type": "image/webp"})
        assert reply.status_code == 200
    assert read_gif_delays(filter_bytes(client, sent, format="gif")) == [65535, 5]
    assert read_apng_delays(filter_bytes(client, sent, format="png")) == [7_000_000, 50]


# -- the number of showings


def read_gif_loop(data: bytes) -> int | None:
    """Repetitions after the first showing, as the NETSCAPE block has them; None without one."""
    position = data.find(b"NETSCAPE2.0")
    return None if position < 0 else struct.unpack("<H", data[position + 13 : position + 15])[0]


def read_apng_plays(data: bytes) -> int:
    body = dict(read_chunks(data))[b"acTL"]
    return int(struct.unpack(">II", body)[1])


def read_webp_plays(data: bytes) -> int:
    position = data.find(b"ANIM")
    return int(struct.unpack("<H", data[position + 12 : position + 14])[0])


@pytest.mark.parametrize(("loop", "plays"), [(None, 1), (0, 0), (1, 2), (4, 5)])
def test_a_gif_is_shown_as_often_as_before(client: TestClient, loop: int | None, plays: int) -> None:
    """A GIF counts repetitions, PNG and WebP count showings; 0 is for ever in all of them."""
    sent = write_gif((4, 4), PALETTE, GIF_FRAMES, loop)
    assert read_gif_loop(filter_bytes(client, sent)) == loop
    assert read_apng_plays(filter_bytes(client, sent, format="png")) == plays
    assert read_webp_plays(filter_bytes(client, sent, format="webp")) == plays


@pytest.mark.parametrize("sent_as", ["PNG", "WEBP"])
@pytest.mark.parametrize(("plays", "loop"), [(0, 0), (1, None), (3, 2)])
def test_a_png_or_webp_is_shown_as_often_as_before(
    client: TestClient, sent_as: str, plays: int, loop: int | None
) -> None:
    sent = encode_frames([draw_noise(8, 8, seed=seed) for seed in (1, 2)], sent_as, duration=50, loop=plays)
    assert read_gif_loop(filter_bytes(client, sent, format="gif")) == loop
    assert read_apng_plays(filter_bytes(client, sent, format="png")) == plays
    assert read_webp_plays(filter_bytes(client, sent, format="webp")) == plays


def test_more_showings_than_a_format_can_count_are_no_server_error(client: TestClient) -> None:
    """65535 repetitions of a GIF are 65536 showings, and WebP counts to 65535; PNG counts to 2³² - 1."""
    gif = write_gif((4, 4), PALETTE, GIF_FRAMES, 65535)
    assert read_webp_plays(filter_bytes(client, gif, format="webp")) == 65535
    png = encode_frames([draw_noise(8, 8, seed=seed) for seed in (1, 2)], "PNG", duration=50, loop=2**31 + 5)
    assert read_webp_plays(filter_bytes(client, png, format="webp")) == 65535
    assert read_gif_loop(filter_bytes(client, png, format="gif")) == 65535


# -- first frames, stills, pages


@pytest.mark.parametrize("sent_as", ["GIF", "PNG", "WEBP", "TIFF"])
def test_the_first_frame_alone_is_a_still(client: TestClient, sent_as: str) -> None:
    images = [draw_noise(8, 8, seed=seed) // 64 * 85 for seed in (1, 2)]
    options = {"lossless": True} if sent_as == "WEBP" else {}
    sent = encode_frames(images, sent_as, **options)
    with open_image(filter_bytes(client, sent, frames="first", format="png")) as result:
        assert getattr(result, "n_frames", 1) == 1
        assert np.array_equal(np.asarray(result.convert("RGB")), images[0])


@pytest.mark.parametrize("format", ["jpeg", "bmp"])
def test_frames_fit_no_format_of_one(client: TestClient, format: str) -> None:
    sent = encode_frames([draw_noise(8, 8, seed=seed) for seed in (1, 2, 3)], "GIF")
    reply = client.post(f"/filter/edge?format={format}", content=sent, headers={"Content-Type": "image/gif"})
    assert reply.status_code == 422
    assert "3 frames" in reply.json()["detail"]
    assert "frames=first" in reply.json()["detail"]
    assert filter_bytes(client, sent, "edge", format=format, frames="first")


def test_the_still_of_an_animated_png_is_not_one_of_its_frames(client: TestClient) -> None:
    """With `default_image` the first image is for programs that know no animation."""
    still, *frames = [draw_noise(8, 8, seed=seed) for seed in (1, 2, 3)]
    sent = encode_frames([still, *frames], "PNG", default_image=True, duration=50, loop=2)
    result = filter_bytes(client, sent)
    opaque = [np.dstack([frame, np.full((8, 8), 255, np.uint8)]) for frame in frames]
    assert same_as_seen(decode_frames(result), opaque)
    assert read_apng_plays(result) == 2
    first = decode_frames(filter_bytes(client, sent, frames="first"))
    assert same_as_seen(first, opaque[:1])


def test_pages_of_a_tiff_are_filtered_each(client: TestClient) -> None:
    pages = [draw_noise(6, 5, seed=seed) for seed in (1, 2, 3)]
    with open_image(filter_bytes(client, encode_frames(pages, "TIFF"), "emboss")) as result:
        assert result.format == "TIFF"
        assert result.n_frames == 3  # type: ignore[attr-defined]
        for index, page in enumerate(pages):
            result.seek(index)
            assert np.array_equal(np.asarray(result), decode(filter_bytes(client, encode(page), "emboss")))


def test_pages_of_different_sizes_are_refused(client: TestClient) -> None:
    sent = encode_frames([Image.new("L", (5, 5)), Image.new("L", (6, 5))], "TIFF")
    reply = client.post("/filter/edge", content=sent, headers={"Content-Type": "image/tiff"})
    assert reply.status_code == 415
    assert "different sizes" in reply.json()["detail"]


def test_grey_and_colour_pages_meet_in_colour(client: TestClient) -> None:
    sent = encode_frames([Image.new("L", (5, 5), 77), Image.new("RGB", (5, 5), (1, 2, 3))], "TIFF")
    frames = decode_frames(filter_bytes(client, sent))
    assert frames[0][0, 0].tolist() == [77, 77, 77, 255]
    assert frames[1][0, 0].tolist() == [1, 2, 3, 255]


def test_half_transparent_pixels_are_rounded_in_a_gif(client: TestClient) -> None:
    pixels = np.zeros((1, 4, 4), np.uint8)
    pixels[0, :, 0], pixels[0, :, 3] = 200, [0, 127, 128, 255]
    result = decode(filter_bytes(client, encode(pixels), format="gif"))
    assert result[0, :, 3].tolist() == [0, 0, 255, 255]
    assert result[0, 2:, 0].tolist() == [200, 200]


def test_a_moving_part_that_is_transparent_leaves_no_trail(client: TestClient) -> None:
    """Each frame replaces the one before: a dot that moves over nothing is one dot in every frame."""
    frames = np.zeros((4, 4, 12, 4), np.uint8)
    for index in range(4):
        frames[index, 1:3, 3 * index : 3 * index + 2] = [255, 0, 0, 255]
    sent = encode_frames(list(frames), "PNG", duration=50, blend=0, disposal=0)
    for format in ("gif", "png", "webp"):
        result = decode_frames(filter_bytes(client, sent, format=format, quality="100"))
        assert same_as_seen(result, list(frames))


def test_an_animated_png_of_16_bits_keeps_its_frames_in_8(client: TestClient) -> None:
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
