"""`POST /gallery`: each tile shows the filtered image below a caption."""

import base64

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from kernels.catalogue import ENTRIES
from tests.support.filtering import filter_bytes
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


def make_sheet(client: TestClient, image: bytes, query: str = "") -> Pixels:
    response = client.post(f"/gallery?{query}", files={"file": ("me.png", image)})
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == "image/png"
    assert response.headers["Content-Disposition"] == 'inline; filename="gallery.png"'
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    return decode(response.content)


def find_tile(sheet: Pixels, tile: Pixels) -> list[tuple[int, int]]:
    """Every place (top, left) where the sheet contains the tile, pixel by pixel."""
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


def test_sheet_shows_filtered_images_in_order_with_captions(client: TestClient) -> None:
    names = ["sharpen", "edge", "top-sobel", "emboss"]
    image = draw_noise(40, 60)
    sheet = make_sheet(client, encode(image), "kernels=" + ",".join(names))

    places = [find_tile(sheet, image)]
    places += [find_tile(sheet, decode(filter_bytes(client, encode(image), name))) for name in names]

    assert [len(place) for place in places] == [1] * 5
    corners = [place[0] for place in places]
    assert corners == sorted(corners)
    for top, left in corners:  # a dark caption on white above each
        caption = sheet[top - 20 : top, left : left + 60]
        assert caption.min() < 100
        assert (caption == 255).mean() > 0.5


def test_captions_show_the_names(client: TestClient) -> None:
    image = np.full((40, 60, 3), 128, np.uint8)
    sheets = [make_sheet(client, encode(image), f"kernels={name}") for name in ("blur", "box", "blur")]
    assert np.array_equal(sheets[0], sheets[2])
    assert not np.array_equal(sheets[0], sheets[1])  # both kernels leave a uniform image unchanged


@pytest.mark.slow
def test_default_gallery_shows_every_kernel(client: TestClient) -> None:
    image = draw_noise(40, 60)
    sheet = make_sheet(client, encode(image))
    for entry in ENTRIES:
        assert find_tile(sheet, decode(filter_bytes(client, encode(image), entry.name))), entry.name


@pytest.mark.parametrize("side", [16, 100])
def test_large_images_are_reduced_before_filtering(client: TestClient, side: int) -> None:
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


def test_first_frame_of_an_animation_is_shown(client: TestClient) -> None:
    first, second = np.full((20, 20, 3), 60, np.uint8), np.full((20, 20, 3), 180, np.uint8)
    sheet = make_sheet(client, encode_frames([first, second], "PNG"), "kernels=identity")
    assert len(find_tile(sheet, first)) == 2
    assert find_tile(sheet, second) == []


def test_16_bit_and_grey_images_are_supported(client: TestClient) -> None:
    grey = write_png(np.full((20, 20), 257 * 99, np.uint16))
    sheet = make_sheet(client, grey, "kernels=identity")
    assert len(find_tile(sheet, np.full((20, 20, 3), 99, np.uint8))) == 2
    assert make_sheet(client, encode(np.full((20, 20, 2), 99, np.uint8)), "kernels=emboss,gabor").size


def test_sheet_has_the_profile_of_the_image(client: TestClient) -> None:
    sent = encode(draw_blobs(20, 20), "PNG", icc_profile=SWAPPED_PROFILE)
    response = client.post("/gallery?kernels=blur", files={"file": sent})
    assert open_image(response.content).info["icc_profile"] == SWAPPED_PROFILE


def test_extreme_shapes_are_supported(client: TestClient) -> None:
    for size in ((1, 1), (1, 2000), (2000, 1)):
        assert make_sheet(client, encode(Image.new("RGB", size)), "kernels=blur,edge").size


def test_list_without_names_is_rejected(client: TestClient) -> None:
    response = client.post("/gallery?kernels=,,", files={"file": encode(draw_noise(8, 8))})
    assert response.status_code == 422
    assert "',,'" in response.json()["detail"]


def test_kernels_can_be_a_form_field(client: TestClient) -> None:
    image = encode(draw_noise(40, 40))
    in_the_form = client.post("/gallery", files={"file": image}, data={"kernels": "blur,edge", "side": "30"})
    in_the_query = client.post("/gallery?kernels=blur,edge&side=30", files={"file": image})
    assert in_the_form.status_code == 200
    assert np.array_equal(decode(in_the_form.content), decode(in_the_query.content))


def test_unknown_parameter_is_rejected(client: TestClient) -> None:
    response = client.post("/gallery?kernel=blur", files={"file": encode(draw_noise(8, 8))})
    assert response.status_code == 422
    assert response.json()["detail"] == "kernel: there is no such parameter; did you mean 'kernels'?"


def test_tiles_of_kernels_that_sum_to_0_can_be_told_apart(client: TestClient) -> None:
    """With `abs`, opposite directions look the same, and weak results are nearly black."""
    image = client.get("/samples/house.png").content

    def draw_tiles(**query: str) -> dict[str, Pixels]:
        reply = client.post("/gallery", params={"format": "json", **query}, files={"file": image})
        assert reply.status_code == 200, reply.text
        return {
            tile["kernel"]: decode(base64.b64decode(tile["image"].split(",")[1])) for tile in reply.json()["images"]
        }

    plain, stretched = draw_tiles(), draw_tiles(response="rescale")
    for one, other in (("top-sobel", "bottom-sobel"), ("left-sobel", "right-sobel")):
        assert np.array_equal(plain[one], plain[other])
        assert np.abs(stretched[one].astype(int) - stretched[other]).max() > 100
    for name in ("log", "dog", "gabor"):
        assert plain[name].std() < stretched[name].std()
        assert (stretched[name].min(), stretched[name].max()) == (0, 255)
    assert np.array_equal(plain["blur"], stretched["blur"]), "its sum is not 0"
    filtered = client.post("/filter/log?response=rescale", files={"file": encode(plain["input"])})
    assert np.array_equal(decode(filtered.content), stretched["log"])


def test_response_of_the_gallery_is_checked(client: TestClient) -> None:
    reply = client.post("/gallery?response=raw", files={"file": encode(draw_noise(9, 9, 3))})
    assert reply.status_code == 422
    assert "'abs', 'offset' or 'rescale'" in reply.json()["detail"]
