"""First frames, stills within animations, and pages of TIFF files."""

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from tests.support.animations import are_displayed_alike, read_apng_plays
from tests.support.filtering import filter_bytes
from tests.support.images import decode, decode_frames, draw_noise, encode, encode_frames, open_image


@pytest.mark.parametrize("sent_as", ["GIF", "PNG", "WEBP", "TIFF"])
def test_the_first_frame_becomes_a_still(client: TestClient, sent_as: str) -> None:
    images = [draw_noise(8, 8, seed=seed) // 64 * 85 for seed in (1, 2)]
    options = {"lossless": True} if sent_as == "WEBP" else {}
    sent = encode_frames(images, sent_as, **options)
    with open_image(filter_bytes(client, sent, frames="first", format="png")) as result:
        assert getattr(result, "n_frames", 1) == 1
        assert np.array_equal(np.asarray(result.convert("RGB")), images[0])


def test_the_default_image_of_an_animated_png_is_not_a_frame(client: TestClient) -> None:
    """The default image is shown by programs without APNG support."""
    still, *frames = [draw_noise(8, 8, seed=seed) for seed in (1, 2, 3)]
    sent = encode_frames([still, *frames], "PNG", default_image=True, duration=50, loop=2)
    result = filter_bytes(client, sent)
    opaque = [np.dstack([frame, np.full((8, 8), 255, np.uint8)]) for frame in frames]
    assert are_displayed_alike(decode_frames(result), opaque)
    assert read_apng_plays(result) == 2
    first = decode_frames(filter_bytes(client, sent, frames="first"))
    assert are_displayed_alike(first, opaque[:1])


def test_every_page_of_a_tiff_is_filtered(client: TestClient) -> None:
    pages = [draw_noise(6, 5, seed=seed) for seed in (1, 2, 3)]
    with open_image(filter_bytes(client, encode_frames(pages, "TIFF"), "emboss")) as result:
        assert result.format == "TIFF"
        assert result.n_frames == 3  # type: ignore[attr-defined]
        for index, page in enumerate(pages):
            result.seek(index)
            assert np.array_equal(np.asarray(result), decode(filter_bytes(client, encode(page), "emboss")))


def test_pages_of_different_sizes_are_rejected(client: TestClient) -> None:
    sent = encode_frames([Image.new("L", (5, 5)), Image.new("L", (6, 5))], "TIFF")
    reply = client.post("/filter/edge", content=sent, headers={"Content-Type": "image/tiff"})
    assert reply.status_code == 415
    assert "different sizes" in reply.json()["detail"]


def test_grey_and_colour_pages_become_colour(client: TestClient) -> None:
    sent = encode_frames([Image.new("L", (5, 5), 77), Image.new("RGB", (5, 5), (1, 2, 3))], "TIFF")
    frames = decode_frames(filter_bytes(client, sent))
    assert frames[0][0, 0].tolist() == [77, 77, 77, 255]
    assert frames[1][0, 0].tolist() == [1, 2, 3, 255]
