"""`POST /filter/{kernel}`: uploads, headers and formats."""

import base64
import io
import json
import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import unquote

import numpy as np
import pytest
from fastapi.testclient import TestClient
from scipy import ndimage

from tests.support.filtering import BLUR, EDGE, EMBOSS, PHOTO, correlate, filter_bytes, round_and_clip
from tests.support.images import decode, draw_blobs, draw_noise, encode, open_image


def test_raw_body_and_form_give_the_same_result(client: TestClient) -> None:
    data = encode(PHOTO)
    form = client.post("/filter/emboss", files={"file": ("x.png", data, "image/png")})
    for content_type in ("image/png", "image/jpeg", "IMAGE/PNG", "application/octet-stream"):
        raw = client.post("/filter/emboss", content=data, headers={"Content-Type": content_type})
        assert raw.content == form.content


def test_format_is_detected_from_the_content(client: TestClient) -> None:
    response = client.post("/filter/identity", files={"file": ("photo.jpg", encode(PHOTO, "BMP"), "image/jpeg")})
    assert response.headers["Content-Type"] == "image/bmp"
    assert response.headers["Content-Disposition"] == 'inline; filename="photo-identity.bmp"'


def test_base64_can_be_a_data_uri(client: TestClient) -> None:
    text = "data:image/png;base64," + base64.b64encode(encode(PHOTO)).decode()
    response = client.post("/filter/emboss", json={"file": text, "filename": "me.png"})
    assert np.array_equal(decode(response.content), round_and_clip(correlate(PHOTO, EMBOSS)))
    assert 'filename="me-emboss.png"' in response.headers["Content-Disposition"]


# -- headers


def test_headers_describe_the_result(client: TestClient) -> None:
    response = client.post("/filter/blur", files={"file": ("photo.png", encode(PHOTO), "image/png")})
    headers = response.headers
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
    assert headers["Content-Length"] == str(len(response.content))
    for absent in ("ETag", "Last-Modified", "Set-Cookie"):
        assert absent not in headers


def test_clipped_percent_is_the_share_of_clipped_values(client: TestClient) -> None:
    """One of 4 values is below 0 and one above 255: 50 %."""
    sent = encode(np.array([[0, 100, 120, 255]], np.uint8))
    response = client.post("/filter/custom?weights=2&bias=-100", files={"file": sent})
    assert decode(response.content).tolist() == [[0, 100, 140, 255]]
    assert response.headers["X-Clipped-Percent"] == "50.00"


HOSTILE_NAMES = [
    ("photo.jpg", "photo-emboss.png"),
    ("../../etc/passwd.png", "passwd-emboss.png"),
    ("C:\\Users\\me\\photo.png", "photo-emboss.png"),
    ("archive.tar.gz", "archive.tar-emboss.png"),
    ("noextension", "noextension-emboss.png"),
    ("a b (1).png", "a b (1)-emboss.png"),
]


@pytest.mark.parametrize(("name", "result"), HOSTILE_NAMES)
def test_result_is_named_after_file_and_kernel(client: TestClient, name: str, result: str) -> None:
    response = client.post("/filter/emboss", files={"file": (name, encode(PHOTO))})
    assert response.headers["Content-Disposition"] == f'inline; filename="{result}"'


@pytest.mark.parametrize("name", ["Straße 写真.png", 'x".png', "x;y=1.png", "é.png", "a\tb.png", "😀.png"])
def test_special_names_are_sent_in_ascii_and_utf_8(client: TestClient, name: str) -> None:
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
def test_hostile_names_do_not_break_the_headers(client: TestClient, name: str) -> None:
    body = json.dumps({"file": base64.b64encode(encode(PHOTO)).decode(), "filename": name})
    response = client.post("/filter/emboss", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 200
    assert "Set-Cookie" not in response.headers
    disposition = response.headers["Content-Disposition"]
    assert disposition.isascii()
    assert re.match(r'inline; filename="[A-Za-z0-9._ ()+-]+\.png"', disposition)


# -- format of the result


@pytest.mark.parametrize(
    ("format", "media_type", "pillow"),
    [("png", "image/png", "PNG"), ("jpeg", "image/jpeg", "JPEG"), ("jpg", "image/jpeg", "JPEG"),
     ("webp", "image/webp", "WEBP"), ("avif", "image/avif", "AVIF"), ("gif", "image/gif", "GIF"),
     ("tiff", "image/tiff", "TIFF"), ("TIF", "image/tiff", "TIFF"), ("bmp", "image/bmp", "BMP")],
)  # fmt: skip
def test_format_parameter_sets_the_format(client: TestClient, format: str, media_type: str, pillow: str) -> None:
    response = client.post(f"/filter/blur?format={format}", files={"file": encode(draw_blobs(16, 16))})
    assert response.headers["Content-Type"] == media_type
    with open_image(response.content) as result:
        assert result.format == pillow
        extension = {"JPEG": "jpg", "TIFF": "tif"}.get(pillow, pillow.lower())
        assert response.headers["Content-Disposition"].endswith(f'-blur.{extension}"')


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"])
def test_default_format_is_that_of_the_input(client: TestClient, format: str) -> None:
    response = client.post("/filter/blur", files={"file": encode(draw_blobs(16, 16), format)})
    assert response.headers["Content-Type"] == f"image/{format.lower()}"
    assert open_image(response.content).format == format


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
        ("application/json", "application/json"),
        ("application/json, text/plain, */*", "image/jpeg"),
    ],
)
def test_accept_header_sets_the_format(client: TestClient, accept: str, media_type: str) -> None:
    sent = encode(draw_blobs(16, 16), "JPEG")
    response = client.post("/filter/blur", files={"file": sent}, headers={"Accept": accept})
    assert response.status_code == 200
    assert response.headers["Content-Type"] == media_type


def test_format_takes_precedence_over_accept(client: TestClient) -> None:
    response = client.post(
        "/filter/blur?format=bmp", files={"file": encode(PHOTO)}, headers={"Accept": "image/webp, text/html"}
    )
    assert response.headers["Content-Type"] == "image/bmp"


# -- raw numbers


def test_raw_sums_are_not_rounded_or_clipped(client: TestClient) -> None:
    response = client.post("/filter/edge?response=raw", files={"file": ("p.png", encode(PHOTO))})
    assert response.headers["Content-Type"] == "application/x-npy"
    assert response.headers["Content-Disposition"] == 'inline; filename="p-edge.npy"'
    values = np.load(io.BytesIO(response.content), allow_pickle=False)
    assert values.dtype == np.float32
    assert np.array_equal(values, correlate(PHOTO, EDGE))
    assert values.min() < 0
    assert values.max() > 255


def test_raw_of_a_grey_image_has_no_channel_axis(client: TestClient) -> None:
    values = np.load(io.BytesIO(filter_bytes(client, encode(PHOTO[..., 0]), "blur", response="raw")))
    assert np.allclose(values, ndimage.correlate(PHOTO[..., 0].astype(float), BLUR, mode="nearest"), atol=1e-4)


@pytest.mark.parametrize("accept", ["*/*", "application/x-npy", "text/html,image/avif,image/webp,image/png,*/*;q=0.8"])
def test_raw_is_npy_if_accept_allows_it(client: TestClient, accept: str) -> None:
    response = client.post("/filter/edge?response=raw", files={"file": encode(PHOTO)}, headers={"Accept": accept})
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/x-npy"


def test_npy_of_other_responses_holds_pixels(client: TestClient) -> None:
    values = np.load(io.BytesIO(filter_bytes(client, encode(PHOTO), "emboss", format="npy")))
    assert values.dtype == np.uint8
    assert np.array_equal(values, round_and_clip(correlate(PHOTO, EMBOSS)))


def test_concurrent_requests_do_not_mix(client: TestClient) -> None:
    images = [draw_noise(20 + seed, 30, seed=seed) for seed in range(16)]
    with ThreadPoolExecutor(8) as executor:
        bodies = list(executor.map(lambda pixels: filter_bytes(client, encode(pixels), "emboss"), images))
    for pixels, body in zip(images, bodies, strict=True):
        assert np.array_equal(decode(body), round_and_clip(correlate(pixels, EMBOSS)))


@pytest.mark.parametrize(
    ("sent", "answered"),
    [("photos.2024/IMG001", "IMG001-edge.png"), ("../../etc/passwd", "passwd-edge.png"), ("...", "image-edge.png")],
)
def test_folders_are_removed_from_the_name(client: TestClient, sent: str, answered: str) -> None:
    body = {"file": base64.b64encode(encode(draw_noise(4, 4))).decode(), "filename": sent}
    response = client.post("/filter/edge", json=body)
    assert response.headers["content-disposition"] == f'inline; filename="{answered}"'


def test_missing_at_sign_is_explained(client: TestClient) -> None:
    response = client.post("/filter/edge", files={"x": b""}, data={"file": "photo.jpg"})
    assert response.status_code == 422
    assert "-F file=@photo.jpg" in response.json()["detail"]
