"""Random animations are decoded as a compositor written from the specifications shows them.

RANDOM_ANIMATIONS sets how many of each kind are tested, and RANDOM_SEED the first seed.
"""

import os
from collections.abc import Callable

import numpy as np
import pytest
from fastapi.testclient import TestClient

from app.images.decode import decode_image
from app.images.image import DecodedImage, Pixels
from app.images.limits import ImageLimits
from tests.support.animations import are_displayed_alike
from tests.support.filtering import filter_bytes
from tests.support.random_animations import Animation, draw_apng, draw_gif

COUNT = int(os.environ.get("RANDOM_ANIMATIONS", "500"))
SEED = int(os.environ.get("RANDOM_SEED", "1"))
ROUND_TRIPS = COUNT // 5
KINDS = pytest.mark.parametrize("draw", [draw_gif, draw_apng])


def show(image: DecodedImage) -> list[Pixels]:
    """The frames in RGBA."""
    frames = []
    for frame in image.frames:
        channels = frame.pixels.shape[2]
        colours = frame.pixels[:, :, : channels - (channels % 2 == 0)]
        alpha = frame.pixels[:, :, -1:] if channels % 2 == 0 else np.full_like(colours[:, :, :1], image_maximum(image))
        frames.append(np.concatenate([np.broadcast_to(colours, (*colours.shape[:2], 3)), alpha], axis=2))
    return frames


def image_maximum(image: DecodedImage) -> int:
    return int(np.iinfo(image.frames[0].pixels.dtype).max)


def check(data: bytes, expected: Animation, seed: int) -> None:
    image = decode_image(data, ImageLimits())
    assert image.frames[0].pixels.dtype == expected.frames[0].dtype, seed
    assert are_displayed_alike(show(image), expected.frames), seed
    if len(expected.frames) > 1:
        assert [frame.duration_ms for frame in image.frames] == pytest.approx(expected.delays_ms, rel=1e-6), seed
        assert image.plays == expected.plays, seed


@pytest.mark.slow
@KINDS
def test_random_animations_are_decoded_as_the_specification_says(draw: Callable[..., Animation]) -> None:
    for seed in range(SEED, SEED + COUNT):
        animation = draw(np.random.default_rng(seed))
        check(animation.data, animation, seed)


@pytest.mark.slow
@KINDS
def test_random_animations_pass_unchanged(client: TestClient, draw: Callable[..., Animation]) -> None:
    """Frames, delays and plays, also of equal frames. Colours under alpha 0 are not visible and not kept."""
    for seed in range(SEED, SEED + ROUND_TRIPS):
        animation = draw(np.random.default_rng(seed))
        check(filter_bytes(client, animation.data), animation, seed)
