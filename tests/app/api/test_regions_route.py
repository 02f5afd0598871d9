"""`region`, `mask` and `reads` of `POST /filter`: pixels outside keep their bits."""

import base64
import io
import json
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from scipy import ndimage

from tests.support.animations import read_apng_delays
from tests.support.filtering import BLUR, EMBOSS, PHOTO, correlate, round_and_clip
from tests.support.images import (
    Pixels,
    decode,
    decode_frames,
    draw_noise,
    encode,
    encode_frames,
    read_png,
    write_png,
)
from tests.support.problems import check_problem

MASK = np.zeros((12, 17), np.uint8)
MASK[2:9, 4:11] = 255
"""For PHOTO, which has 17×12 pixels."""


def post(client: TestClient, path: str, image: bytes, **request: Any) -> Pixels:
    response = client.post(path, files={"file": image}, **request)
    assert response.status_code == 200, response.text
    return decode(response.content)


def put(pixels: Pixels, filtered: Pixels, *boxes: tuple[int, int, int, int]) -> Pixels:
    """The image with these parts (x, y, width, height) of the filtered one."""
    result = pixels.copy()
    for x, y, width, height in boxes:
        result[y : y + height, x : x + width] = filtered[y : y + height, x : x + width]
    return result


EMBOSSED = round_and_clip(correlate(PHOTO, EMBOSS))


@pytest.mark.parametrize(
    ("query", "boxes"),
    [
        ("region=3,2,5,4", [(3, 2, 5, 4)]),
        ("region=3,2,5,4&region=10,8,7,4", [(3, 2, 5, 4), (10, 8, 7, 4)]),
        ("region=3,2,5,4;10,8,7,4", [(3, 2, 5, 4), (10, 8, 7, 4)]),
        ("region=0%25,50%25,100%25,50%25", [(0, 6, 17, 6)]),
    ],
)
def test_regions_are_filtered_and_nothing_else(
    client: TestClient, query: str, boxes: list[tuple[int, int, int, int]]
) -> None:
    assert np.array_equal(post(client, f"/filter/emboss?{query}", encode(PHOTO)), put(PHOTO, EMBOSSED, *boxes))


def test_regions_are_form_fields_and_members_of_json(client: TestClient) -> None:
    expected = put(PHOTO, EMBOSSED, (3, 2, 5, 4), (10, 8, 7, 4))
    form = client.post("/filter/emboss", files={"file": encode(PHOTO)}, data={"region": ["3,2,5,4", "10,8,7,4"]})
    assert np.array_equal(decode(form.content), expected)
    for region in ("3,2,5,4;10,8,7,4", ["3,2,5,4", "10,8,7,4"]):
        document = {"file": base64.b64encode(encode(PHOTO)).decode(), "region": region}
        assert np.array_equal(decode(client.post("/filter/emboss", json=document).content), expected)


def test_a_chain_of_operations_is_applied_in_a_region(client: TestClient) -> None:
    operations = json.dumps([{"kernel": "emboss", "response": "raw"}, {"kernel": "identity"}])
    result = post(client, "/filter?region=3,2,5,4", encode(PHOTO), data={"operations": operations})
    assert np.array_equal(result, put(PHOTO, EMBOSSED, (3, 2, 5, 4)))


def test_a_region_that_reads_itself_does_not_see_the_rest(client: TestClient) -> None:
    photo = PHOTO.copy()
    photo[:, :8] = 255
    result = post(client, "/filter/blur?region=8,0,9,12&reads=region&border=symmetric", encode(photo))
    expected = photo.copy()
    expected[:, 8:] = round_and_clip(correlate(photo[:, 8:], BLUR, "reflect"))
    assert np.array_equal(result, expected)
    through = post(client, "/filter/blur?region=8,0,9,12&border=symmetric", encode(photo))
    assert (through[:, 8].astype(int) - expected[:, 8]).max() > 20


@pytest.mark.parametrize("sent_as", ["file", "form text", "json", "data uri"])
def test_a_mask_selects_pixels(client: TestClient, sent_as: str) -> None:
    mask, text = encode(MASK), base64.b64encode(encode(MASK)).decode()
    if sent_as == "file":
        response = client.post("/filter/emboss", files={"file": encode(PHOTO), "mask": mask})
    elif sent_as == "form text":
        response = client.post("/filter/emboss", files={"file": encode(PHOTO)}, data={"mask": text})
    else:
        prefix = "data:image/png;base64," if sent_as == "data uri" else ""
        document = {"file": base64.b64encode(encode(PHOTO)).decode(), "mask": prefix + text}
        response = client.post("/filter/emboss", json=document)
    assert response.status_code == 200, response.text
    assert np.array_equal(decode(response.content), put(PHOTO, EMBOSSED, (4, 2, 7, 7)))


@pytest.mark.parametrize("kind", ["grey", "rgb", "rgba", "16 bit", "1 bit"])
def test_the_brightness_and_the_alpha_of_a_mask_count(client: TestClient, kind: str) -> None:
    """An RGBA mask is white everywhere and opaque where it selects."""
    mask = {
        "grey": lambda: encode(MASK),
        "rgb": lambda: encode(np.dstack([MASK] * 3)),
        "rgba": lambda: encode(np.dstack([np.full_like(MASK, 255)] * 3 + [MASK])),
        "16 bit": lambda: write_png(MASK.astype(np.uint16) * 257),
        "1 bit": lambda: encode(MASK > 0),
    }[kind]()
    response = client.post("/filter/emboss", files={"file": encode(PHOTO), "mask": mask})
    assert response.status_code == 200, response.text
    assert np.array_equal(decode(response.content), put(PHOTO, EMBOSSED, (4, 2, 7, 7)))


def test_grey_pixels_of_a_mask_mix(client: TestClient) -> None:
    grey = np.full((12, 17), 51, np.uint8)  # a fifth
    result = client.post("/filter/emboss", files={"file": encode(PHOTO), "mask": encode(grey)})
    mixed = 0.8 * PHOTO + 0.2 * EMBOSSED
    assert np.abs(decode(result.content) - mixed).max() <= 0.51


def test_sixteen_bits_and_alpha_outside_keep_their_bits(client: TestClient) -> None:
    for channels in (1, 2, 3, 4):
        pixels = draw_noise(12, 17, channels, seed=3, dtype="uint16")
        response = client.post("/filter/gaussian?region=5,5,4,3", files={"file": write_png(pixels)})
        assert response.status_code == 200, response.text
        result = read_png(response.content)
        inside = np.zeros((12, 17), bool)
        inside[5:8, 5:9] = True
        assert result.dtype == np.uint16
        assert np.array_equal(result[~inside], pixels[~inside])
        assert (result[inside] != pixels[inside]).any()
        if channels == 1:
            exact = ndimage.gaussian_filter(pixels.astype(float), 2, radius=6, mode="nearest")
            assert np.abs(result[inside] - exact[inside]).max() <= 0.6


def test_every_frame_of_an_animation_is_filtered_in_the_region(client: TestClient) -> None:
    frames = [draw_noise(12, 17, seed=seed) for seed in range(3)]
    sent = encode_frames(frames, "PNG", duration=70)
    response = client.post("/filter/emboss?region=3,2,5,4", files={"file": sent, "mask": encode(MASK)})
    assert response.status_code == 200, response.text
    results = decode_frames(response.content)
    assert read_apng_delays(response.content) == read_apng_delays(sent)
    for frame, result in zip(frames, results, strict=True):
        expected = put(frame, round_and_clip(correlate(frame, EMBOSS)), (4, 2, 4, 4))
        assert np.array_equal(result[..., :3], expected)


def test_explain_describes_the_area_and_its_cost(client: TestClient) -> None:
    response = client.post(
        "/filter/emboss?region=3,2,5,4&reads=image&explain=json", files={"file": encode(PHOTO), "mask": encode(MASK)}
    )
    answer = response.json()
    assert answer["area"] == {
        "regions": [{"x": 4, "y": 2, "width": 4, "height": 4}], "mask": True, "reads": "image", "pixels": 16,
    }  # fmt: skip
    assert answer["multiply_adds"] == answer["steps"][0]["multiply_adds"] == 6 * 6 * 3 * 9
    assert answer["output"] == {"width": 17, "height": 12, "channels": 3}
    whole = client.post("/filter/emboss?explain=json", files={"file": encode(PHOTO)}).json()
    assert "area" not in whole
    assert whole["multiply_adds"] == 17 * 12 * 3 * 9


def test_a_small_region_of_a_large_image_is_within_the_limit(limited_client: TestClient) -> None:
    """31 × 31 weights for 20 × 20 pixels are too many, for 3 × 3 pixels and their surroundings they are not."""
    image = {"file": encode(draw_noise(20, 20, 1))}
    rows = np.random.default_rng(4).integers(1, 9, (31, 31))
    data = {"weights": ";".join(",".join(map(str, row)) for row in rows), "divisor": "auto"}
    check_problem(limited_client.post("/filter/custom", files=image, data=data), 413, "work-too-large")
    response = limited_client.post("/filter/custom?region=0,0,3,3&reads=region", files=image, data=data)
    assert response.status_code == 200, response.text


@pytest.mark.parametrize(
    ("query", "mask", "says"),
    [
        ("region=3,2,50,4", None, ["region is 3,2,50,4", "17×12"]),
        ("region=3,2", None, ["use x,y,width,height", "'3,2'"]),
        ("region=3.5,2,1,1", None, ["'3.5' is not a whole number of pixels"]),
        ("region=", None, ["use x,y,width,height"]),
        ("region=1,1,1,1&reads=all", None, ["'image' or 'region'", "'all'"]),
        ("reads=region", None, ["reads is 'region'", "Send region or mask"]),
        ("region=1,1,1,1&stride=2", None, ["9×6 of 17×12", "stride=1"]),
        ("region=1,1,1,1&border=valid", None, ["15×10 of 17×12", "'valid'"]),
        ("", encode(np.zeros((17, 12), np.uint8)), ["mask is 12×17 pixels; the image is 17×12"]),
    ],
)
def test_mistakes_name_value_and_limit(client: TestClient, query: str, mask: bytes | None, says: list[str]) -> None:
    files = {"file": encode(PHOTO)} | ({"mask": mask} if mask else {})
    body = check_problem(client.post(f"/filter/blur?{query}", files=files), 422, "bad-parameter")
    for part in says:
        assert part in json.dumps(body, ensure_ascii=False)


def test_a_mask_that_is_no_image_is_named(client: TestClient) -> None:
    response = client.post("/filter/blur", files={"file": encode(PHOTO), "mask": b"nothing"})
    body = check_problem(response, 415, "unsupported-image")
    assert "mask" in body["detail"]
    response = client.post("/filter/blur", files={"file": encode(PHOTO), "mask": encode(PHOTO)[:90]})
    assert "mask" in check_problem(response, 422, "corrupt-image")["detail"]


@pytest.mark.parametrize(
    ("files", "status"),
    [
        ([("file", encode(PHOTO)), ("maske", encode(MASK))], 422),
        ([("mask", encode(MASK))], 422),
        ([("file", encode(PHOTO)), ("mask", encode(MASK)), ("mask", encode(MASK))], 400),
    ],
)
def test_other_files_are_rejected(client: TestClient, files: list[tuple[str, bytes]], status: int) -> None:
    response = client.post("/filter/blur", files=files)
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/problem+json"


def test_a_mask_as_text_has_to_be_base64(client: TestClient) -> None:
    for mask in ("%%%", "abcde"):
        response = client.post("/filter/blur", files={"file": encode(PHOTO)}, data={"mask": mask})
        body = check_problem(response, 422, "bad-parameter")
        assert body["errors"][0]["loc"] == ["body", "mask"]
    document = {"file": base64.b64encode(encode(PHOTO)).decode(), "mask": 7}
    check_problem(client.post("/filter/blur", json=document), 422, "bad-parameter")


# -- long blurs


def test_a_long_blur_names_its_way(client: TestClient) -> None:
    image = encode(PHOTO)
    ways = {}
    for exact in ("true", "false"):
        response = client.post(f"/filter/gaussian?sigma=40&exact={exact}", files={"file": image})
        ways[exact] = response.headers["X-Convserve-Path"]
        expected = ndimage.gaussian_filter(PHOTO.astype(float), (40, 40, 0), radius=(120, 120, 0), mode="nearest")
        assert np.abs(decode(response.content) - expected).max() <= (0.51 if exact == "true" else 1)
    assert "convolve=passes" in ways["true"]
    assert "convolve=interpolated" in ways["false"]
    response = client.post("/filter/box?size=1001&exact=false", files={"file": image})
    assert "convolve=running-sums" in response.headers["X-Convserve-Path"]


def test_a_long_kernel_is_described_by_its_factors(client: TestClient) -> None:
    description = client.get("/kernels/gaussian?sigma=200").json()
    assert (description["rows"], description["columns"], description["weights"]) == (1201, 1201, [])
    assert np.argmax(description["factors"]["row"]) == 600
    assert sum(description["factors"]["column"]) == pytest.approx(1)
    assert (description["rank"], description["separable"], description["sum"]) == (1, True, 1)
    assert client.get("/kernels/gaussian?sigma=2").json()["factors"] is None
    answer = client.post("/filter/gaussian,edge?sigma=40&explain=json", files={"file": encode(PHOTO)}).json()
    assert len(answer["steps"][0]["weights"][0]["row"]) == 241
    assert answer["one_kernel"]["is_one_kernel"] is False
    assert "more than 63" in answer["one_kernel"]["why"]


def test_a_long_blur_of_a_large_image_is_too_large(client: TestClient) -> None:
    image = io.BytesIO()
    Image.new("RGB", (7000, 7000)).save(image, "PNG")
    body = check_problem(
        client.post("/filter/gaussian?sigma=200&format=png", files={"file": image.getvalue()}), 413, "work-too-large"
    )
    assert "multiplications" in body["detail"]


# -- the median


def test_the_median_is_marked_as_no_convolution(client: TestClient) -> None:
    kernels = {one["name"]: one for one in client.get("/kernels").json()["kernels"]}
    assert kernels["median"]["is_convolution"] is False
    assert kernels["median"]["combine"] == "median"
    assert kernels["gaussian"]["is_convolution"] is True
    answer = client.post("/filter/median,blur?size=5&explain=json", files={"file": encode(PHOTO)}).json()
    assert [step["is_convolution"] for step in answer["steps"]] == [False, True]
    assert "median, which is not linear" in answer["one_kernel"]["why"]


@pytest.mark.parametrize("size", [3, 5, 7])
def test_learn_returns_a_request_that_applies_the_median(client: TestClient, size: int) -> None:
    photo = draw_noise(64, 72, seed=8)
    median = np.dstack([ndimage.median_filter(photo[..., c], size, mode="nearest") for c in range(3)])
    answer = client.post("/learn", files={"before": encode(photo), "after": encode(median)}).json()
    assert answer["is_convolution"] is False
    assert answer["request"] == f"/filter/median?size={size}"
    assert np.array_equal(post(client, answer["request"], encode(photo)), median)
