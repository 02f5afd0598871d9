"""Chromium and the service show the same frames of an animation, and Chromium shows what the service writes."""

import base64
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest
from playwright.sync_api import Page

from app.images.decode import decode_image
from app.images.limits import ImageLimits
from tests.support.animations import BLUE, GREEN, PALETTE, RED, fill
from tests.support.images import GifFrame, Pixels, write_gif
from tests.support.random_animations import Animation, draw_apng, draw_gif

SAMPLE = 40
DECODE = """async ([data, type]) => {
    const bytes = Uint8Array.from(atob(data), character => character.charCodeAt(0));
    const decoder = new ImageDecoder({data: bytes, type, premultiplyAlpha: "none", colorSpaceConversion: "none"});
    await decoder.completed;
    await decoder.tracks.ready;
    const track = decoder.tracks.selectedTrack;
    const frames = [];
    for (let frameIndex = 0; frameIndex < track.frameCount; frameIndex++) {
        const {image} = await decoder.decode({frameIndex});
        const pixels = new Uint8Array(image.allocationSize({format: "RGBA"}));
        await image.copyTo(pixels, {format: "RGBA"});
        frames.push([image.displayWidth, image.displayHeight, image.duration, Array.from(pixels)]);
        image.close();
    }
    return [frames, track.repetitionCount === Infinity ? 0 : track.repetitionCount + 1];
}"""


def view(plain_page: Page, data: bytes, media_type: str) -> Animation:
    """What Chromium shows."""
    frames, plays = plain_page.evaluate(DECODE, [base64.b64encode(data).decode(), media_type])
    pixels = [np.array(values, np.uint8).reshape(height, width, 4) for width, height, _, values in frames]
    return Animation(data, 255, pixels, [(duration or 0) / 1000 for *_, duration, _ in frames], plays)


def show(data: bytes) -> Animation:
    """What the service decodes, in 8 bits."""
    image = decode_image(data, ImageLimits())
    frames = []
    for frame in image.frames:
        pixels = np.rint(frame.pixels / 257).astype(np.uint8) if image.is_16_bit else frame.pixels
        has_alpha = pixels.shape[2] % 2 == 0
        colours = pixels[:, :, :-1] if has_alpha else pixels
        alpha = pixels[:, :, -1:] if has_alpha else np.full_like(pixels[:, :, :1], 255)
        frames.append(np.concatenate([np.broadcast_to(colours, (*colours.shape[:2], 3)), alpha], axis=2))
    return Animation(data, 255, frames, [frame.duration_ms for frame in image.frames], image.plays)


def premultiply(frame: Pixels) -> Any:
    """What reaches the screen: colours under little alpha are not kept exactly by browsers."""
    return np.concatenate([frame[..., :3] * (frame[..., 3:] / 255), frame[..., 3:]], axis=2)


def check_equal(one: Animation, other: Animation, tolerance: float, case: Any) -> None:
    assert len(one.frames) == len(other.frames), case
    for mine, theirs in zip(one.frames, other.frames, strict=True):
        assert mine.shape == theirs.shape, case
        assert np.abs(premultiply(mine) - premultiply(theirs)).max() <= tolerance, case
    if len(one.frames) > 1:
        assert one.delays_ms == pytest.approx(other.delays_ms, abs=1), case  # Chromium counts whole ones
        assert one.plays == other.plays, case


@pytest.mark.slow
@pytest.mark.parametrize(
    ("draw", "media_type", "tolerance"),
    [(draw_gif, "image/gif", 0), (draw_apng, "image/png", 2.5)],  # Chromium blends in 8 bits and rounds each step
)
def test_random_animations_look_as_in_chromium(
    plain_page: Page, draw: Callable[..., Animation], media_type: str, tolerance: float
) -> None:
    for seed in range(1, SAMPLE + 1):
        data = draw(np.random.default_rng(seed)).data
        check_equal(show(data), view(plain_page, data, media_type), tolerance, seed)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("draw", "media_type", "tolerance"), [(draw_gif, "image/gif", 0), (draw_apng, "image/png", 2.5)]
)
def test_chromium_shows_what_the_service_writes(
    api: httpx.Client, plain_page: Page, draw: Callable[..., Animation], media_type: str, tolerance: float
) -> None:
    for seed in range(1, SAMPLE + 1):
        data = draw(np.random.default_rng(seed)).data
        reply = api.post("/filter/identity", content=data, headers={"Content-Type": media_type})
        assert reply.headers["Content-Type"] == media_type
        check_equal(view(plain_page, reply.content, media_type), show(data), tolerance, seed)


RED_GREEN: list[GifFrame] = [((0, 0), fill(RED, 1, 2), 5, 0, None), ((1, 0), fill(GREEN, 1, 1), 5, 0, None)]
MISSING_COLOURS = bytearray(write_gif((2, 1), PALETTE, RED_GREEN, 0))
MISSING_COLOURS[10] = 0x70  # no global palette
ODD_GIFS = {
    "first frame beyond the screen": write_gif(
        (2, 2), PALETTE, [((1, 1), fill(RED, 3, 2), 5, 0, None), ((0, 0), fill(GREEN, 2, 2), 5, 0, None)], 0
    ),
    "first frame outside the screen": write_gif((2, 2), PALETTE, [((3, 3), fill(RED, 1, 1), 5, 0, None)], 0),
    "later frames beyond and outside the screen": write_gif(
        (3, 3), PALETTE,
        [((0, 0), fill(RED, 3, 3), 5, 0, None), ((2, 1), fill(GREEN, 9, 9), 5, 2, None),
         ((7, 0), fill(BLUE), 5, 3, None), ((0, 8), fill(BLUE), 5, 0, None)], 0,
    ),
    "unknown disposal methods": write_gif(
        (4, 1), PALETTE,
        [((0, 0), fill(RED, 1, 4), 5, 1, None),
         *(((place, 0), fill(BLUE, 1, 1), 5, 4 + place, None) for place in range(4)),
         ((0, 0), fill(GREEN, 1, 1), 5, 0, None)], 0,
    ),
    "screen of no pixels": write_gif((0, 0), PALETTE, RED_GREEN, 0),
    "no palette": bytes(MISSING_COLOURS[:13] + MISSING_COLOURS[13 + 3 * 128 :]),
    "two loop blocks": write_gif((2, 1), PALETTE, RED_GREEN, 2).replace(
        b"\x03\x01\x02\0\0", b"\x03\x01\x02\0\0!\xff\x0bNETSCAPE2.0\x03\x01\x05\0\0"
    ),
    "loop block of another name": write_gif((2, 1), PALETTE, RED_GREEN, 3).replace(b"NETSCAPE2.0", b"ANIMEXTS1.0"),
}  # fmt: skip


@pytest.mark.parametrize("case", ODD_GIFS)
def test_odd_gifs_look_as_in_chromium(plain_page: Page, case: str) -> None:
    check_equal(show(ODD_GIFS[case]), view(plain_page, ODD_GIFS[case], "image/gif"), 0, case)
