"""`POST /filter/{kernel}` and `POST /filter`: requests, replies and their headers."""

import base64
import io
import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from scipy import ndimage

from kernels.catalogue import ENTRIES
from tests.support.images import Pixels, decode, draw_blobs, draw_noise, encode, open_image, read_png, write_png
from tests.support.replies import filter_bytes

SHARPEN = np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
EMBOSS = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])
EDGE = np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]])
PHOTO = draw_noise(12, 17)


def correlate(pixels: Pixels, weights: Pixels, mode: str = "nearest") -> Pixels:
    """Each channel on its own, in float64, unrounded."""
    planes = pixels.astype(np.float64)
    return np.dstack([ndimage.correlate(planes[..., c], weights.astype(float), mode=mode) for c in range(3)])


def round_and_clip(values: Pixels) -> Pixels:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


# -- kernels by name, of one's own, and in a row


def test_a_named_kernel_filters_every_channel_on_its_own(client: TestClient) -> None:
    result = decode(filter_bytes(client, encode(PHOTO), "emboss"))
    assert np.array_equal(result, round_and_clip(correlate(PHOTO, EMBOSS)))


def test_kernels_that_sum_to_0_show_both_signs(client: TestClient) -> None:
    result = decode(filter_bytes(client, encode(PHOTO), "edge"))
    assert np.array_equal(result, round_and_clip(np.abs(correlate(PHOTO, EDGE))))


@pytest.mark.parametrize("name", ["top-sobel", "TOP-SOBEL", "top_sobel", "Top_Sobel"])
def test_a_name_may_be_written_in_several_ways(client: TestClient, name: str) -> None:
    weights = np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]])
    reply = client.post(f"/filter/{name}", files={"file": ("a.png", encode(PHOTO))})
    assert np.array_equal(decode(reply.content), round_and_clip(np.abs(correlate(PHOTO, weights))))
    assert 'filename="a-top-sobel.png"' in reply.headers["Content-Disposition"]


@pytest.mark.parametrize(
    "query",
    [
        {"weights": "[[0,-1,0],[-1,5,-1],[0,-1,0]]"},
        {"weights": "[[0, -1, 0], [-1, 5, -1], [0, -1, 0]]"},
        {"weights": "0,-1,0;-1,5,-1;0,-1,0"},
        {"weights": "0 -1 0; -1 5 -1; 0 -1 0"},
        {"weights": "0,-1,0,-1,5,-1,0,-1,0", "columns": "3"},
        {"weights": "[0,-1,0,-1,5,-1,0,-1,0]", "columns": "3"},
    ],
)
@pytest.mark.parametrize("place", ["query", "form", "json"])
def test_weights_can_be_spelt_in_three_ways_and_sent_in_three(
    client: TestClient, query: dict[str, str], place: str
) -> None:
    data = encode(PHOTO)
    if place == "query":
        reply = client.post("/filter/custom", params=query, files={"file": data})
    elif place == "form":
        reply = client.post("/filter/custom", data=query, files={"file": data})
    else:
        reply = client.post("/filter/custom", json=query | {"file": base64.b64encode(data).decode()})
    assert reply.status_code == 200, reply.text
    assert np.array_equal(decode(reply.content), round_and_clip(correlate(PHOTO, SHARPEN)))


def test_json_weights_may_be_a_list(client: TestClient) -> None:
    body = {"file": base64.b64encode(encode(PHOTO)).decode(), "weights": SHARPEN.tolist()}
    reply = client.post("/filter/custom", json=body)
    assert np.array_equal(decode(reply.content), round_and_clip(correlate(PHOTO, SHARPEN)))


@pytest.mark.parametrize(
    ("weights", "shape"), [("1,2,3;4,5,6", (2, 3)), ("1,2;3,4", (2, 2)), ("[[1],[2],[3],[4]]", (4, 1)), ("7", (1, 1))]
)
def test_custom_kernels_of_any_shape_are_applied_as_written(
    client: TestClient, weights: str, shape: tuple[int, int]
) -> None:
    """An even side is anchored at the weight before the middle: SciPy's origin -1 puts it there."""
    matrix = np.arange(1, shape[0] * shape[1] + 1).reshape(shape) if weights != "7" else np.array([[7]])
    origin = [-1 if side % 2 == 0 else 0 for side in shape]
    pixels = draw_noise(9, 8, 1) // 32
    expected = ndimage.correlate(pixels.astype(float), matrix.astype(float), mode="nearest", origin=origin)
    result = decode(filter_bytes(client, encode(pixels), "custom", weights=weights))
    assert np.array_equal(result, round_and_clip(expected))


def test_behaviour_convolve_turns_the_kernel(client: TestClient) -> None:
    pixels = np.zeros((5, 5), np.uint8)
    pixels[2, 2] = 1
    query = {"weights": "1,2,3;4,5,6;7,8,9"}
    written = decode(filter_bytes(client, encode(pixels), "custom", **query))
    turned = decode(filter_bytes(client, encode(pixels), "custom", behaviour="convolve", **query))
    assert written[1:4, 1:4].tolist() == [[9, 8, 7], [6, 5, 4], [3, 2, 1]]
    assert turned[1:4, 1:4].tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]


BLUR = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
CHAIN = [{"kernel": "blur"}, {"kernel": "custom", "weights": [[3]], "bias": -20}]


def test_steps_in_the_path_are_done_in_order_without_rounding_between(client: TestClient) -> None:
    twice = correlate(np.clip(correlate(PHOTO, BLUR), 0, 255), SHARPEN)
    result = decode(filter_bytes(client, encode(PHOTO), "blur,sharpen"))
    assert np.array_equal(result, round_and_clip(twice))
    rounded_between = round_and_clip(correlate(round_and_clip(correlate(PHOTO, BLUR)), SHARPEN))
    assert not np.array_equal(result, rounded_between)
    other_order = decode(filter_bytes(client, encode(PHOTO), "sharpen,blur"))
    assert not np.array_equal(result, other_order)


@pytest.mark.parametrize("place", ["form", "json", "json text", "query"])
def test_operations_have_parameters_of_their_own(client: TestClient, place: str) -> None:
    data = encode(PHOTO)
    if place == "form":
        reply = client.post("/filter", files={"file": data}, data={"operations": json.dumps(CHAIN)})
    elif place == "query":
        reply = client.post("/filter", files={"file": data}, params={"operations": json.dumps(CHAIN)})
    else:
        operations = CHAIN if place == "json" else json.dumps(CHAIN)
        reply = client.post("/filter", json={"file": base64.b64encode(data).decode(), "operations": operations})
    assert reply.status_code == 200, reply.text
    assert np.array_equal(decode(reply.content), round_and_clip(3 * correlate(PHOTO, BLUR) - 20))
    assert reply.headers["X-Kernel-Sum"] == "16, 3"
    assert reply.headers["X-Kernel-Divisor"] == "16, 1"
    assert reply.headers["Content-Disposition"].endswith('-blur-custom.png"')


def test_parameters_of_a_chain_hold_for_the_steps_that_set_none(client: TestClient) -> None:
    operations = [{"kernel": "blur"}, {"kernel": "sharpen", "border": "zero"}]
    reply = client.post(
        "/filter?border=wrap", files={"file": encode(PHOTO)}, data={"operations": json.dumps(operations)}
    )
    expected = correlate(correlate(PHOTO, BLUR, "wrap"), SHARPEN, "constant")
    assert np.array_equal(decode(reply.content), round_and_clip(expected))


def test_a_chain_of_10_steps_is_done_and_one_of_11_refused(client: TestClient) -> None:
    assert filter_bytes(client, encode(PHOTO), ",".join(["identity"] * 10))
    reply = client.post("/filter/" + ",".join(["identity"] * 11), files={"file": encode(PHOTO)})
    assert reply.status_code == 422
    assert "11" in reply.json()["detail"]
    assert "10" in reply.json()["detail"]


def test_an_error_in_a_chain_names_the_step(client: TestClient) -> None:
    operations = json.dumps([{"kernel": "blur"}, {"kernel": "gaussian", "sigma": 99}])
    reply = client.post("/filter", files={"file": encode(PHOTO)}, data={"operations": operations})
    assert reply.status_code == 422
    assert "Step 2 (gaussian)" in reply.json()["detail"]
    assert "99" in reply.json()["detail"]


# -- parameters

BORDERS = {"edge": "nearest", "zero": "constant", "reflect": "mirror", "symmetric": "reflect", "wrap": "wrap"}


@pytest.mark.parametrize(("border", "mode"), BORDERS.items())
@pytest.mark.parametrize("as_field", [False, True])
def test_borders_are_what_scipy_calls_otherwise(client: TestClient, border: str, mode: str, as_field: bool) -> None:
    parameters = {"border": border}
    reply = client.post(
        "/filter/emboss",
        files={"file": encode(PHOTO)},
        **({"data": parameters} if as_field else {"params": parameters}),  # type: ignore[arg-type]
    )
    assert np.array_equal(decode(reply.content), round_and_clip(correlate(PHOTO, EMBOSS, mode)))


@pytest.mark.parametrize(
    ("alias", "border"),
    [("replicate", "edge"), ("nearest", "edge"), ("clamp", "edge"), ("constant", "zero"),
     ("reflect101", "reflect"), ("circular", "wrap"), ("tile", "wrap")],
)  # fmt: skip
def test_borders_have_other_names(client: TestClient, alias: str, border: str) -> None:
    data = encode(PHOTO)
    assert filter_bytes(client, data, "emboss", border=alias) == filter_bytes(client, data, "emboss", border=border)


def test_valid_shrinks_the_image(client: TestClient) -> None:
    reply = client.post("/filter/emboss?border=valid", files={"file": encode(PHOTO)})
    assert np.array_equal(decode(reply.content), round_and_clip(correlate(PHOTO, EMBOSS))[1:-1, 1:-1])
    assert (reply.headers["X-Origin-Width"], reply.headers["X-Origin-Height"]) == ("17", "12")
    assert (reply.headers["X-Result-Width"], reply.headers["X-Result-Height"]) == ("15", "10")


@pytest.mark.parametrize("border", [*BORDERS])
def test_a_border_wider_than_the_image_works(client: TestClient, border: str) -> None:
    pixels = draw_noise(3, 3, 1)
    result = decode(filter_bytes(client, encode(pixels), "box", size="15", border=border))
    padded = np.pad(pixels, 7, **({} if border == "zero" else {"mode": border}))  # type: ignore[call-overload]
    expected = [[padded[y : y + 15, x : x + 15].mean() for x in range(3)] for y in range(3)]
    assert np.abs(result - np.array(expected)).max() <= 0.51


def test_stride_keeps_every_nth_result_along_y_and_x(client: TestClient) -> None:
    result = decode(filter_bytes(client, encode(PHOTO), "emboss", stride="2,3", border="valid"))
    assert np.array_equal(result, round_and_clip(correlate(PHOTO, EMBOSS))[1:-1:2, 1:-1:3])


def test_dilation_spreads_the_weights_along_y_and_x(client: TestClient) -> None:
    spread = np.zeros((5, 7))
    spread[::2, ::3] = EMBOSS
    result = decode(filter_bytes(client, encode(PHOTO), "emboss", dilation="2,3"))
    assert np.array_equal(result, round_and_clip(correlate(PHOTO, spread)))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, lambda sums: sums),
        ({"divisor": "auto"}, lambda sums: sums / 3),
        ({"divisor": "none"}, lambda sums: sums),
        ({"divisor": "-2", "bias": "255"}, lambda sums: 255 - sums / 2),
        ({"bias": "10"}, lambda sums: sums + 10),
        ({"bias": "-50%"}, lambda sums: sums - 127.5),
        ({"response": "abs", "bias": "-400"}, lambda sums: np.abs(sums - 400)),
        ({"response": "offset"}, lambda sums: sums / 2 + 128),
        ({"response": "rescale"}, lambda sums: (sums - sums.min()) / (sums.max() - sums.min()) * 255),
        ({"amount": "0.25"}, lambda sums: 0.25 * sums + 0.75 * PHOTO),
        ({"amount": "0"}, lambda sums: PHOTO),
    ],
)
def test_divisor_bias_response_and_amount_work_in_that_order(client: TestClient, query, expected) -> None:  # type: ignore[no-untyped-def]
    weights = np.array([[0, 1, 0], [-1, 3, -1], [0, 1, 0]])
    result = decode(filter_bytes(client, encode(PHOTO), "custom", weights="0,1,0;-1,3,-1;0,1,0", **query))
    values = np.clip(expected(correlate(PHOTO, weights)), 0, 255)
    assert np.abs(result - values).max() <= 0.51


def test_gray_gives_one_channel_of_the_filtered_brightness(client: TestClient) -> None:
    result = decode(filter_bytes(client, encode(PHOTO), "emboss", channels="gray"))
    brightness = PHOTO.astype(float) @ [0.299, 0.587, 0.114]
    assert result.shape == (12, 17)
    expected = np.clip(ndimage.correlate(brightness, EMBOSS.astype(float), mode="nearest"), 0, 255)
    assert np.abs(result - expected).max() <= 0.51


def test_luma_leaves_the_colour_as_it_is(client: TestClient) -> None:
    pixels = draw_blobs(16, 16)
    result = decode(filter_bytes(client, encode(pixels), "gaussian", channels="luma")).astype(float)
    before, after = (
        np.asarray(Image.fromarray(p.astype(np.uint8)).convert("YCbCr")).astype(int) for p in (pixels, result)
    )
    assert np.abs(before[..., 1:] - after[..., 1:]).max() <= 2
    brightness = pixels.astype(float) @ [0.299, 0.587, 0.114]
    grid = np.mgrid[-6:7, -6:7]
    weights = np.exp(-(grid**2).sum(axis=0) / 8)
    expected = ndimage.correlate(brightness, weights / weights.sum(), mode="nearest")
    assert np.abs(result @ [0.299, 0.587, 0.114] - expected).max() <= 1.1


@pytest.mark.parametrize(("channels", "touched"), [("r", [0]), ("g", [1]), ("b", [2]), ("rb", [0, 2]), ("bg", [1, 2])])
def test_only_the_channels_asked_for_are_filtered(client: TestClient, channels: str, touched: list[int]) -> None:
    result = decode(filter_bytes(client, encode(PHOTO), "emboss", channels=channels))
    expected = PHOTO.copy()
    expected[..., touched] = round_and_clip(correlate(PHOTO, EMBOSS))[..., touched]
    assert np.array_equal(result, expected)


def test_the_anchor_can_be_moved(client: TestClient) -> None:
    pixels = draw_noise(5, 6, 1)
    result = decode(filter_bytes(client, encode(pixels), "custom", weights="1,0;0,0", anchor="0,0", border="zero"))
    assert np.array_equal(result, pixels)
    result = decode(filter_bytes(client, encode(pixels), "custom", weights="1,0;0,0", anchor="1,1", border="zero"))
    assert np.array_equal(result, np.pad(pixels, 1)[:5, :6])


def test_sigma_reaches_the_kernel(client: TestClient) -> None:
    pixels = draw_noise(31, 31, 1)
    result = decode(filter_bytes(client, encode(pixels), "gaussian", sigma="1"))
    assert np.abs(result - ndimage.gaussian_filter(pixels.astype(float), 1, mode="nearest", truncate=3)).max() <= 0.51


def test_the_query_wins_over_a_field_of_the_form(client: TestClient) -> None:
    reply = client.post("/filter/gaussian?sigma=1", files={"file": encode(PHOTO)}, data={"sigma": "5"})
    assert reply.content == filter_bytes(client, encode(PHOTO), "gaussian", sigma="1")


@pytest.mark.parametrize("kernel", [entry.name for entry in ENTRIES])
def test_every_kernel_of_the_catalogue_answers_and_only_identity_does_nothing(client: TestClient, kernel: str) -> None:
    pixels = draw_blobs(24, 31) // 2 + draw_noise(24, 31) // 4
    result = decode(filter_bytes(client, encode(pixels), kernel))
    assert result.shape == pixels.shape
    assert np.array_equal(result, pixels) == (kernel == "identity")


# -- uploads


def test_a_raw_body_and_a_form_give_the_same(client: TestClient) -> None:
    data = encode(PHOTO)
    form = client.post("/filter/emboss", files={"file": ("x.png", data, "image/png")})
    for content_type in ("image/png", "image/jpeg", "IMAGE/PNG", "application/octet-stream"):
        raw = client.post("/filter/emboss", content=data, headers={"Content-Type": content_type})
        assert raw.content == form.content


def test_the_content_decides_the_type_and_not_the_name(client: TestClient) -> None:
    reply = client.post("/filter/identity", files={"file": ("photo.jpg", encode(PHOTO, "BMP"), "image/jpeg")})
    assert reply.headers["Content-Type"] == "image/bmp"
    assert reply.headers["Content-Disposition"] == 'inline; filename="photo-identity.bmp"'


def test_base64_may_be_a_data_uri(client: TestClient) -> None:
    text = "data:image/png;base64," + base64.b64encode(encode(PHOTO)).decode()
    reply = client.post("/filter/emboss", json={"file": text, "filename": "me.png"})
    assert np.array_equal(decode(reply.content), round_and_clip(correlate(PHOTO, EMBOSS)))
    assert 'filename="me-emboss.png"' in reply.headers["Content-Disposition"]


# -- headers


def test_the_reply_tells_what_happened(client: TestClient) -> None:
    reply = client.post("/filter/blur", files={"file": ("photo.png", encode(PHOTO), "image/png")})
    headers = reply.headers
    assert headers["Content-Type"] == "image/png"
    assert (headers["X-Origin-Width"], headers["X-Origin-Height"]) == ("17", "12")
    assert (headers["X-Result-Width"], headers["X-Result-Height"]) == ("17", "12")
    assert (headers["X-Kernel-Sum"], headers["X-Kernel-Divisor"]) == ("16", "16")
    assert headers["X-Clipped-Percent"] == "0.00"
    assert re.fullmatch(
        r"decode;dur=\d+(\.\d+)?, convolve;dur=\d+(\.\d+)?, encode;dur=\d+(\.\d+)?", headers["Server-Timing"]
    )
    assert headers["Content-Disposition"] == 'inline; filename="photo-blur.png"'
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Vary"] == "Accept"
    assert headers["Content-Length"] == str(len(reply.content))
    for absent in ("ETag", "Last-Modified", "Set-Cookie"):
        assert absent not in headers


def test_clipped_percent_counts_the_values_cut_off(client: TestClient) -> None:
    """Of 4 values one falls below 0, one above 255 and two stay: 50 %."""
    sent = encode(np.array([[0, 100, 120, 255]], np.uint8))
    reply = client.post("/filter/custom?weights=2&bias=-100", files={"file": sent})
    assert decode(reply.content).tolist() == [[0, 100, 140, 255]]
    assert reply.headers["X-Clipped-Percent"] == "50.00"


HOSTILE_NAMES = [
    ("photo.jpg", "photo-emboss.png"),
    ("../../etc/passwd.png", "passwd-emboss.png"),
    ("C:\\Users\\me\\photo.png", "photo-emboss.png"),
    ("archive.tar.gz", "archive.tar-emboss.png"),
    ("noextension", "noextension-emboss.png"),
    ("a b (1).png", "a b (1)-emboss.png"),
]


@pytest.mark.parametrize(("name", "result"), HOSTILE_NAMES)
def test_the_result_is_named_after_file_and_kernel(client: TestClient, name: str, result: str) -> None:
    reply = client.post("/filter/emboss", files={"file": (name, encode(PHOTO))})
    assert reply.headers["Content-Disposition"] == f'inline; filename="{result}"'


@pytest.mark.parametrize("name", ["Straße 写真.png", 'x".png', "x;y=1.png", "é.png", "a\tb.png", "😀.png"])
def test_other_names_are_sent_in_ascii_and_in_utf_8(client: TestClient, name: str) -> None:
    body = {"file": base64.b64encode(encode(PHOTO)).decode(), "filename": name}
    disposition = client.post("/filter/emboss", json=body).headers["Content-Disposition"]
    match = re.fullmatch(
        r"inline; filename=\"([A-Za-z0-9._ ()+-]+)\"; filename\*=UTF-8''([A-Za-z0-9%._~-]+)", disposition
    )
    assert match
    assert unquote(match[2]) == name.removesuffix(".png") + "-emboss.png"


@pytest.mark.parametrize(
    "name", ["a\r\nSet-Cookie: x=1.png", "\ud800.png", "\0.png", "", "/", "..", "x" * 5000 + ".png"]
)
def test_no_name_breaks_the_headers(client: TestClient, name: str) -> None:
    body = json.dumps({"file": base64.b64encode(encode(PHOTO)).decode(), "filename": name})
    reply = client.post("/filter/emboss", content=body, headers={"Content-Type": "application/json"})
    assert reply.status_code == 200
    assert "Set-Cookie" not in reply.headers
    disposition = reply.headers["Content-Disposition"]
    assert disposition.isascii()
    assert re.match(r'inline; filename="[A-Za-z0-9._ ()+-]+\.png"', disposition)


# -- the format of the answer


@pytest.mark.parametrize(
    ("format", "media_type", "pillow"),
    [("png", "image/png", "PNG"), ("jpeg", "image/jpeg", "JPEG"), ("jpg", "image/jpeg", "JPEG"),
     ("webp", "image/webp", "WEBP"), ("avif", "image/avif", "AVIF"), ("gif", "image/gif", "GIF"),
     ("tiff", "image/tiff", "TIFF"), ("TIF", "image/tiff", "TIFF"), ("bmp", "image/bmp", "BMP")],
)  # fmt: skip
def test_format_chooses_the_format(client: TestClient, format: str, media_type: str, pillow: str) -> None:
    reply = client.post(f"/filter/blur?format={format}", files={"file": encode(draw_blobs(16, 16))})
    assert reply.headers["Content-Type"] == media_type
    with open_image(reply.content) as result:
        assert result.format == pillow
        extension = {"JPEG": "jpg", "TIFF": "tif"}.get(pillow, pillow.lower())
        assert reply.headers["Content-Disposition"].endswith(f'-blur.{extension}"')


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"])
def test_what_came_in_comes_out(client: TestClient, format: str) -> None:
    reply = client.post("/filter/blur", files={"file": encode(draw_blobs(16, 16), format)})
    assert reply.headers["Content-Type"] == f"image/{format.lower()}"
    assert open_image(reply.content).format == format


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", "image/jpeg"),
        ("image/*", "image/jpeg"),
        ("image/webp", "image/webp"),
        ("image/webp, image/*;q=0.5", "image/webp"),
        ("image/webp;q=0.4, image/png;q=0.6", "image/png"),
        ("image/png, image/jpeg", "image/jpeg"),
        ("image/jpeg;q=0, image/*", "image/png"),
        ("text/html, */*;q=0.1", "image/jpeg"),
        ("IMAGE/TIFF", "image/tiff"),
        ("application/x-npy", "application/x-npy"),
    ],
)
def test_accept_chooses_the_format(client: TestClient, accept: str, media_type: str) -> None:
    sent = encode(draw_blobs(16, 16), "JPEG")
    reply = client.post("/filter/blur", files={"file": sent}, headers={"Accept": accept})
    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == media_type


def test_format_wins_over_accept(client: TestClient) -> None:
    reply = client.post(
        "/filter/blur?format=bmp", files={"file": encode(PHOTO)}, headers={"Accept": "image/webp, text/html"}
    )
    assert reply.headers["Content-Type"] == "image/bmp"


# -- numbers instead of images


def test_raw_gives_the_sums_unrounded_and_unclipped(client: TestClient) -> None:
    reply = client.post("/filter/edge?response=raw", files={"file": ("p.png", encode(PHOTO))})
    assert reply.headers["Content-Type"] == "application/x-npy"
    assert reply.headers["Content-Disposition"] == 'inline; filename="p-edge.npy"'
    values = np.load(io.BytesIO(reply.content), allow_pickle=False)
    assert values.dtype == np.float32
    assert np.array_equal(values, correlate(PHOTO, EDGE))
    assert values.min() < 0
    assert values.max() > 255


def test_raw_of_a_grey_image_has_no_channel_axis(client: TestClient) -> None:
    values = np.load(io.BytesIO(filter_bytes(client, encode(PHOTO[..., 0]), "blur", response="raw")))
    assert np.allclose(values, ndimage.correlate(PHOTO[..., 0].astype(float), BLUR, mode="nearest"), atol=1e-4)


@pytest.mark.parametrize("accept", ["*/*", "application/x-npy", "text/html,image/avif,image/webp,image/png,*/*;q=0.8"])
def test_raw_is_npy_for_whoever_takes_anything(client: TestClient, accept: str) -> None:
    reply = client.post("/filter/edge?response=raw", files={"file": encode(PHOTO)}, headers={"Accept": accept})
    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == "application/x-npy"


def test_npy_of_other_responses_holds_pixels(client: TestClient) -> None:
    values = np.load(io.BytesIO(filter_bytes(client, encode(PHOTO), "emboss", format="npy")))
    assert values.dtype == np.uint8
    assert np.array_equal(values, round_and_clip(correlate(PHOTO, EMBOSS)))


# -- explain


def explain(client: TestClient, pixels: Pixels, kernel: str, **query: str) -> dict[str, Any]:
    reply = client.post(f"/filter/{kernel}", params=query | {"explain": "json"}, files={"file": encode(pixels)})
    assert reply.status_code == 200, reply.text
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert "Content-Disposition" not in reply.headers
    return reply.json()


def test_explain_works_out_a_small_image(client: TestClient) -> None:
    """1 2 3 / 4 5 6 under [0 1; 1 -4] (VALID, divisor 2, bias 1): (2+4-20)/2+1 = -6, (3+5-24)/2+1 = -7."""
    pixels = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)
    answer = explain(
        client, pixels, "custom", weights="0,1;1,-4", divisor="2", bias="1", border="valid", response="clip"
    )
    assert answer["input"] == {"width": 3, "height": 2, "channels": 1}
    assert answer["output"] == {"width": 2, "height": 1, "channels": 1}
    assert answer["multiply_adds"] == 2 * 1 * 4
    (step,) = answer["steps"]
    assert step["weights"] == [[[0, 0.5], [0.5, -2]]]
    assert (step["sum"], step["divisor"], step["bias"], step["amount"]) == (-2, 2, 1, 1)
    assert (step["minimum"], step["maximum"], step["clipped_percent"]) == (-7, -6, 100)
    assert (step["rank"], step["separable"]) == (2, False)
    assert step["padding"] == {"top": 0, "bottom": 0, "left": 0, "right": 0}
    assert step["output"]["width"] == 2
    assert step["output"]["height"] == 1
    assert step["output"]["width_formula"].endswith("(3 - 2 + 2×0)/1 + 1 = 2")
    assert step["output"]["height_formula"].endswith("(2 - 2 + 2×0)/1 + 1 = 1")
    assert step["multiply_adds"] == 8


def test_explain_gives_the_weights_after_divisor_and_amount(client: TestClient) -> None:
    """Half of [1 2 1; 2 4 2; 1 2 1]/16 and half of the identity."""
    (step,) = explain(client, PHOTO, "blur", amount="0.5")["steps"]
    assert step["weights"] == [[[1 / 32, 2 / 32, 1 / 32], [2 / 32, 4 / 32 + 0.5, 2 / 32], [1 / 32, 2 / 32, 1 / 32]]]
    assert (step["rank"], step["separable"]) == (1, True)


def test_explain_shows_the_padding_and_strides_of_every_step(client: TestClient) -> None:
    """SAME of 17x12 with stride 2: 9x6; the odd pixel of padding comes last. Then 63 wide as it is."""
    answer = explain(client, PHOTO, "box,box", size="3", stride="2")
    first, second = answer["steps"]
    assert first["padding"] == {"top": 0, "bottom": 1, "left": 1, "right": 1}
    assert (first["output"]["width"], first["output"]["height"]) == (9, 6)
    assert first["output"]["width_formula"].endswith("(17 - 3 + 2×1)/2 + 1 = 9")
    assert first["output"]["height_formula"].endswith("(12 - 3 + 0 + 1)/2 + 1 = 6")
    assert (second["output"]["width"], second["output"]["height"]) == (5, 3)
    assert answer["output"] == {"width": 5, "height": 3, "channels": 3}
    assert answer["multiply_adds"] == 9 * (9 * 6 + 5 * 3) * 3


def test_explain_counts_what_is_clipped(client: TestClient) -> None:
    (step,) = explain(client, PHOTO, "emboss")["steps"]
    values = correlate(PHOTO, EMBOSS)
    assert (step["minimum"], step["maximum"]) == (values.min(), values.max())
    assert step["clipped_percent"] == pytest.approx(100 * np.mean((values < 0) | (values > 255)), abs=0.001)


@pytest.mark.parametrize("query", [{"divisor": "1e-40"}, {"bias": "1e300%"}, {"divisor": "1e-9", "response": "raw"}])
def test_explain_is_strict_json_whatever_the_numbers(client: TestClient, query: dict[str, str]) -> None:
    reply = client.post("/filter/blur", params=query | {"explain": "json"}, files={"file": encode(PHOTO)})
    assert reply.status_code in (200, 422)
    json.loads(reply.content, parse_constant=lambda text: pytest.fail(f"{text} is not JSON"))


def test_explain_works_as_a_field_and_for_operations(client: TestClient) -> None:
    form = {"operations": '[{"kernel": "blur"}]', "explain": "json"}
    reply = client.post("/filter", files={"file": encode(PHOTO)}, data=form)
    assert reply.json()["steps"][0]["kernel"] == "blur"


def test_16_bit_biases_count_in_16_bits(client: TestClient) -> None:
    sent = write_png(np.full((2, 2), 1000, np.uint16))
    assert read_png(filter_bytes(client, sent, bias="50%")).tolist() == [[33768, 33768]] * 2
    assert read_png(filter_bytes(client, sent, bias="7")).tolist() == [[1007, 1007]] * 2


def test_requests_at_the_same_time_do_not_mix(client: TestClient) -> None:
    images = [draw_noise(20 + seed, 30, seed=seed) for seed in range(16)]
    with ThreadPoolExecutor(8) as executor:
        bodies = list(executor.map(lambda pixels: filter_bytes(client, encode(pixels), "emboss"), images))
    for pixels, body in zip(images, bodies, strict=True):
        assert np.array_equal(decode(body), round_and_clip(correlate(pixels, EMBOSS)))


@pytest.mark.parametrize(
    ("sent", "answered"),
    [("photos.2024/IMG001", "IMG001-edge.png"), ("../../etc/passwd", "passwd-edge.png"), ("...", "image-edge.png")],
)
def test_folders_in_the_name_are_left_out(client: TestClient, sent: str, answered: str) -> None:
    body = {"file": base64.b64encode(encode(draw_noise(4, 4))).decode(), "filename": sent}
    reply = client.post("/filter/edge", json=body)
    assert reply.headers["content-disposition"] == f'inline; filename="{answered}"'


def test_operations_may_be_names_alone(client: TestClient) -> None:
    image = encode(draw_noise(9, 9))
    named = client.post("/filter", files={"file": image}, data={"operations": '["gaussian", "edge"]'})
    assert named.status_code == 200
    assert named.content == client.post("/filter/gaussian,edge", files={"file": image}).content


def test_a_forgotten_at_sign_is_told(client: TestClient) -> None:
    reply = client.post("/filter/edge", files={"x": b""}, data={"file": "photo.jpg"})
    assert reply.status_code == 422
    assert "-F file=@photo.jpg" in reply.json()["detail"]
