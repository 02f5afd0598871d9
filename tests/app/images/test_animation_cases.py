"""Small files that Pillow composes differently from browsers. What they show is written down by hand."""

import numpy as np
import pytest
from fastapi.testclient import TestClient

from tests.support.filtering import filter_bytes
from tests.support.images import Pixels, decode, decode_frames
from tests.support.paths import DATA

CLEAR, RED, GREEN, BLUE, YELLOW = (0,) * 4, (255, 0, 0, 255), (0, 255, 0, 255), (0, 0, 255, 255), (255, 255, 0, 255)
LIGHT, DARK = (200, 200, 200, 255), (50, 50, 50, 255)
HALF_RED, MIXED = (255, 0, 0, 128), (85, 170, 0, 192)
"""Green of alpha 128 over red of alpha 128: 128 + 128 · 127/255 = 192, and a third of red remains."""


def paint(colour: tuple[int, ...], *areas: tuple[slice, slice, tuple[int, ...]]) -> Pixels:
    """A canvas of 4×4 pixels with areas of other colours: rows, columns, colour."""
    canvas = np.full((4, 4, 4), colour, np.uint8)
    for rows, columns, other in areas:
        canvas[rows, columns] = other
    return canvas


ONE, TWO, ALL, LAST = slice(0, 1), slice(1, 3), slice(0, 4), slice(1, 4)
CASES = {
    "apng_grey_trns_over.png": [
        paint(LIGHT), paint(LIGHT, (slice(1, 2), slice(2, 3), DARK), (slice(2, 3), slice(1, 2), DARK))],
    "apng_rgb_dispose_background.png": [paint(RED), paint(CLEAR, (TWO, TWO, GREEN))],
    "apng_rgb_previous_over.png": [paint(RED), paint(RED, (TWO, TWO, GREEN)), paint(RED, (ONE, ONE, BLUE))],
    "apng_rgba_half_transparent_over.png": [paint(HALF_RED), paint(HALF_RED, (TWO, TWO, MIXED))],
    "gif_dispose0_after_dispose2.gif": [
        paint(RED, (ONE, ONE, CLEAR)), paint(CLEAR, (TWO, TWO, GREEN)),
        paint(CLEAR, (TWO, TWO, GREEN), (ONE, ONE, YELLOW))],
    "gif_dispose2_opaque.gif": [paint(RED), paint(CLEAR, (TWO, TWO, GREEN))],
    "gif_dispose3_first.gif": [paint(RED), paint(CLEAR, (TWO, TWO, GREEN))],
    "gif_first_frame_smaller.gif": [paint(CLEAR, (TWO, TWO, GREEN))],
    "gif_frame_beyond_canvas.gif": [paint(RED), paint(RED, (LAST, LAST, GREEN))],
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_frames_are_those_of_browsers(client: TestClient, name: str) -> None:
    frames = decode_frames(filter_bytes(client, (DATA / name).read_bytes(), format="webp", quality="100"))
    assert [frame.tolist() for frame in frames] == [frame.tolist() for frame in CASES[name]]


@pytest.mark.parametrize("name", ["log", "laplacian", "emboss,edge"])
def test_a_uniform_image_is_rescaled_to_black(client: TestClient, name: str) -> None:
    sent = (DATA / "flat_37_100_200.png").read_bytes()
    assert not decode(filter_bytes(client, sent, name, response="rescale", format="png")).any()
