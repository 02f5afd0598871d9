"""Animations keep the duration of their frames and the number of times they are shown."""

import numpy as np
import pytest
from fastapi.testclient import TestClient

from tests.support.animations import (
    GIF_FRAMES,
    PALETTE,
    read_apng_delays,
    read_apng_plays,
    read_gif_delays,
    read_gif_loop,
    read_webp_delays,
    read_webp_plays,
)
from tests.support.filtering import filter_bytes
from tests.support.images import draw_noise, encode_frames, write_gif


@pytest.mark.parametrize("sent_as", ["GIF", "PNG", "WEBP"])
def test_every_frame_keeps_its_duration(client: TestClient, sent_as: str) -> None:
    times = [40, 500, 120]
    sent = encode_frames([draw_noise(8, 8, seed=seed) for seed in (1, 2, 3)], sent_as, duration=times)
    assert read_gif_delays(filter_bytes(client, sent, "sharpen", format="gif")) == [4, 50, 12]
    assert read_apng_delays(filter_bytes(client, sent, "sharpen", format="png")) == times
    assert read_webp_delays(filter_bytes(client, sent, "sharpen", format="webp")) == times


def test_frames_that_become_equal_keep_their_total_duration(client: TestClient) -> None:
    """The edges of uniform frames are black. Encoders merge equal frames, and must add their durations."""
    even = [np.full((8, 8, 3), grey, np.uint8) for grey in (10, 90, 200)]
    sent = encode_frames([*even, draw_noise(8, 8)], "PNG", duration=[100, 200, 300, 50])
    assert sum(read_webp_delays(filter_bytes(client, sent, "edge", format="webp"))) == 650
    assert sum(read_gif_delays(filter_bytes(client, sent, "edge", format="gif"))) == 65
    assert sum(read_apng_delays(filter_bytes(client, sent, "edge", format="png"))) == 650


def test_durations_beyond_the_range_of_a_format_become_its_maximum(client: TestClient) -> None:
    """A WebP frame can last for hours, a GIF frame 655 seconds, an APNG frame 65 seconds in milliseconds."""
    sent = encode_frames([draw_noise(8, 8, seed=seed) for seed in (1, 2)], "WEBP", duration=[7_000_000, 50])
    for format in ("gif", "png", "webp", "avif", "tiff"):
        reply = client.post(f"/filter/identity?format={format}", content=sent, headers={"Content-Type": "image/webp"})
        assert reply.status_code == 200
    assert read_gif_delays(filter_bytes(client, sent, format="gif")) == [65535, 5]
    assert read_apng_delays(filter_bytes(client, sent, format="png")) == [7_000_000, 50]


@pytest.mark.parametrize(("loop", "plays"), [(None, 1), (0, 0), (1, 2), (4, 5)])
def test_a_gif_keeps_its_number_of_plays(client: TestClient, loop: int | None, plays: int) -> None:
    """GIF counts repetitions after the first time, PNG and WebP count plays; 0 is forever in all formats."""
    sent = write_gif((4, 4), PALETTE, GIF_FRAMES, loop)
    assert read_gif_loop(filter_bytes(client, sent)) == loop
    assert read_apng_plays(filter_bytes(client, sent, format="png")) == plays
    assert read_webp_plays(filter_bytes(client, sent, format="webp")) == plays


@pytest.mark.parametrize("sent_as", ["PNG", "WEBP"])
@pytest.mark.parametrize(("plays", "loop"), [(0, 0), (1, None), (3, 2)])
def test_a_png_or_webp_keeps_its_number_of_plays(
    client: TestClient, sent_as: str, plays: int, loop: int | None
) -> None:
    sent = encode_frames([draw_noise(8, 8, seed=seed) for seed in (1, 2)], sent_as, duration=50, loop=plays)
    assert read_gif_loop(filter_bytes(client, sent, format="gif")) == loop
    assert read_apng_plays(filter_bytes(client, sent, format="png")) == plays
    assert read_webp_plays(filter_bytes(client, sent, format="webp")) == plays


def test_plays_beyond_the_range_of_a_format_become_its_maximum(client: TestClient) -> None:
    """65535 repetitions of a GIF are 65536 plays. WebP counts up to 65535, PNG up to 2³² - 1."""
    gif = write_gif((4, 4), PALETTE, GIF_FRAMES, 65535)
    assert read_webp_plays(filter_bytes(client, gif, format="webp")) == 65535
    png = encode_frames([draw_noise(8, 8, seed=seed) for seed in (1, 2)], "PNG", duration=50, loop=2**31 + 5)
    assert read_webp_plays(filter_bytes(client, png, format="webp")) == 65535
    assert read_gif_loop(filter_bytes(client, png, format="gif")) == 65535
