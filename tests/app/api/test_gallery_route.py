"""`POST /gallery`: the tiles show what the filter gives, and each has its caption."""

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from kernels.catalogue import ENTRIES
from tests.support.images import (
    SWAPPED_PROFILE,
    Pixels,
    decode,
    draw_blobs,
    draw_noise,
    encode,
    encode_frames,
    open_image,
    write_png,
)
from tests.support.replies import filter_bytes


def make_sheet(client: TestClient, image: bytes, query: str = "") -> Pixels:
    reply = client.post(f"/gallery?{query}", files={"file": ("me.png", image)})
    assert reply.status_code == 200, reply.text
    assert reply.headers["Content-Type"] == "image/png"
    assert reply.headers["Content-Disposition"] == 'inline; filename="gallery.png"'
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    return decode(reply.content)


def find_tile(sheet: Pixels, tile: Pixels) -> list[tuple[int, int]]:
    """Every place (top, left) where the tile stands in the sheet, to the pixel."""
    height, width = tile.shape[:2]
    rows, columns = len(sheet) - height + 1, sheet.shape[1] - width + 1
    starts = np.ones((rows, columns), bool)
    for y, x in [(0, 0), (height - 1, width - 1), *((height * n // 7, width * (5 - n) // 7) for n in range(5))]:
        starts &= (sheet[y : y + rows, x : x + columns] == tile[y, x]).all(axis=2)
    return [
        (int(top), int(left))
        for top, left in np.argwhere(starts)
        if np.array_equal(sheet[top : top + height, left : left + width], tile)
    ]


def test_the_figure_of_the_lecture_shows_the_filtered_images_in_order(client: TestClient) -> None:
    names = ["sharpen", "edge", "top-sobel", "emboss"]
    image = draw_noise(40, 60)
    sheet = make_sheet(client, encode(image), "kernels=" + ",".join(names))

    places = [find_tile(sheet, image)]
    places += [find_tile(sheet, decode(filter_bytes(client, encode(image), name))) for name in names]

    assert [len(place) for place in places] == [1] * 5
    corners = [place[0] for place in places]
    assert corners == sorted(corners)
    for top, left in corners:  # a caption in dark on white above each
        caption = sheet[top - 20 : top, left : left + 60]
        assert caption.min() < 100
        assert (caption == 255).mean() > 0.5


def test_captions_differ_as_names_do(client: TestClient) -> None:
    image = np.full((40, 60, 3), 128, np.uint8)
    sheets = [make_sheet(client, encode(image), f"kernels={name}") for name in ("blur", "box", "blur")]
    assert np.array_equal(sheets[0], sheets[2])
    assert not np.array_equal(sheets[0], sheets[1])  # both kernels leave an even image as it is


@pytest.mark.slow
def test_every_kernel_is_shown_unless_some_are_named(client: TestClient) -> None:
    image = draw_noise(40, 60)
    sheet = make_sheet(client, encode(image))
    for entry in ENTRIES:
        assert find_tile(sheet, decode(filter_bytes(client, encode(image), entry.name))), entry.name


@pytest.mark.parametrize("side", [16, 100])
def test_large_images_are_reduced_before_they_are_filtered(client: TestClient, side: int) -> None:
    image = draw_blobs(300, 450)
    reduced = Image.fromarray(image)
    reduced.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3)
    sheet = make_sheet(client, encode(image), f"kernels=emboss&side={side}")
    for tile in (np.asarray(reduced), decode(filter_bytes(client, encode(reduced), "emboss"))):
        assert tile.shape[1] == side
        assert len(find_tile(sheet, tile)) == 1


def test_transparent_pixels_are_shown_on_white(client: TestClient) -> None:
    image = np.zeros((30, 30, 4), np.uint8)
    image[:, 15:] = [0, 0, 255, 255]
    sheet = make_sheet(client, encode(image), "kernels=identity")
    expected = np.full((30, 30, 3), 255, np.uint8)
    expected[:, 15:] = [0, 0, 255]
    assert len(find_tile(sheet, expected)) == 2


def test_of_an_animation_the_first_frame_is_shown(client: TestClient) -> None:
    first, second = np.full((20, 20, 3), 60, np.uint8), np.full((20, 20, 3), 180, np.uint8)
    sheet = make_sheet(client, encode_frames([first, second], "PNG"), "kernels=identity")
    assert len(find_tile(sheet, first)) == 2
    assert find_tile(sheet, second) == []


def test_16_bit_and_grey_images_have_a_gallery_too(client: TestClient) -> None:
    grey = write_png(np.full((20, 20), 257 * 99, np.uint16))
    sheet = make_sheet(client, grey, "kernels=identity")
    assert len(find_tile(sheet, np.full((20, 20, 3), 99, np.uint8))) == 2
    assert make_sheet(client, encode(np.full((20, 20, 2), 99, np.uint8)), "kernels=emboss,gabor").size


def test_the_profile_of_the_image_stays_with_the_sheet(client: TestClient) -> None:
    sent = encode(draw_blobs(20, 20), "PNG", icc_profile=SWAPPED_PROFILE)
    reply = client.post("/gallery?kernels=blur", files={"file": sent})
    assert open_image(reply.content).info["icc_profile"] == SWAPPED_PROFILE


def test_images_of_extreme_shapes_have_a_gallery(client: TestClient) -> None:
    for size in ((1, 1), (1, 2000), (2000, 1)):
        assert make_sheet(client, encode(Image.new("RGB", size)), "kernels=blur,edge").size


def test_a_list_without_a_name_is_refused(client: TestClient) -> None:
    reply = client.post("/gallery?kernels=,,", files={"file": encode(draw_noise(8, 8))})
    assert reply.status_code == 422
    assert "',,'" in reply.json()["detail"]


def test_kernels_may_be_named_in_the_form(client: TestClient) -> None:
    image = encode(draw_noise(40, 40))
    in_the_form = client.post("/gallery", files={"file": image}, data={"kernels": "blur,edge", "side": "30"})
    in_the_query = client.post("/gallery?kernels=blur,edge&side=30", files={"file": image})
    assert in_the_form.status_code == 200
    assert np.array_equal(decode(in_the_form.content), decode(in_the_query.content))


def test_an_unknown_parameter_is_refused(client: TestClient) -> None:
    reply = client.post("/gallery?kernel=blur", files={"file": encode(draw_noise(8, 8))})
    assert reply.status_code == 422
    assert reply.json()["detail"] == "kernel: there is no such parameter; did you mean 'kernels'?"
