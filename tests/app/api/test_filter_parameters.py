"""`POST /filter`: borders, divisor, channels and other parameters. The reference is SciPy."""

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from scipy import ndimage

from tests.support.filtering import EMBOSS, PHOTO, correlate, filter_bytes, round_and_clip
from tests.support.images import decode, draw_blobs, draw_noise, encode, read_png, write_png

BORDERS = {"edge": "nearest", "zero": "constant", "reflect": "mirror", "symmetric": "reflect", "wrap": "wrap"}


@pytest.mark.parametrize(("border", "mode"), BORDERS.items())
@pytest.mark.parametrize("as_field", [False, True])
def test_borders_equal_the_modes_of_scipy(client: TestClient, border: str, mode: str, as_field: bool) -> None:
    parameters = {"border": border}
    response = client.post(
        "/filter/emboss",
        files={"file": encode(PHOTO)},
        **({"data": parameters} if as_field else {"params": parameters}),  # type: ignore[arg-type]
    )
    assert np.array_equal(decode(response.content), round_and_clip(correlate(PHOTO, EMBOSS, mode)))


@pytest.mark.parametrize(
    ("alias", "border"),
    [("replicate", "edge"), ("nearest", "edge"), ("clamp", "edge"), ("constant", "zero"),
     ("reflect101", "reflect"), ("circular", "wrap"), ("tile", "wrap")],
)  # fmt: skip
def test_borders_have_aliases(client: TestClient, alias: str, border: str) -> None:
    data = encode(PHOTO)
    assert filter_bytes(client, data, "emboss", border=alias) == filter_bytes(client, data, "emboss", border=border)


def test_valid_shrinks_the_image(client: TestClient) -> None:
    response = client.post("/filter/emboss?border=valid", files={"file": encode(PHOTO)})
    assert np.array_equal(decode(response.content), round_and_clip(correlate(PHOTO, EMBOSS))[1:-1, 1:-1])
    assert (response.headers["X-Origin-Width"], response.headers["X-Origin-Height"]) == ("17", "12")
    assert (response.headers["X-Result-Width"], response.headers["X-Result-Height"]) == ("15", "10")


@pytest.mark.parametrize("border", [*BORDERS])
def test_border_can_be_wider_than_the_image(client: TestClient, border: str) -> None:
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
def test_divisor_bias_response_and_amount_are_applied_in_order(client: TestClient, query, expected) -> None:  # type: ignore[no-untyped-def]
    weights = np.array([[0, 1, 0], [-1, 3, -1], [0, 1, 0]])
    result = decode(filter_bytes(client, encode(PHOTO), "custom", weights="0,1,0;-1,3,-1;0,1,0", **query))
    values = np.clip(expected(correlate(PHOTO, weights)), 0, 255)
    assert np.abs(result - values).max() <= 0.51


def test_gray_gives_one_channel_of_filtered_brightness(client: TestClient) -> None:
    result = decode(filter_bytes(client, encode(PHOTO), "emboss", channels="gray"))
    brightness = PHOTO.astype(float) @ [0.299, 0.587, 0.114]
    assert result.shape == (12, 17)
    expected = np.clip(ndimage.correlate(brightness, EMBOSS.astype(float), mode="nearest"), 0, 255)
    assert np.abs(result - expected).max() <= 0.51


def test_luma_does_not_change_colour(client: TestClient) -> None:
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
def test_only_the_selected_channels_are_filtered(client: TestClient, channels: str, touched: list[int]) -> None:
    result = decode(filter_bytes(client, encode(PHOTO), "emboss", channels=channels))
    expected = PHOTO.copy()
    expected[..., touched] = round_and_clip(correlate(PHOTO, EMBOSS))[..., touched]
    assert np.array_equal(result, expected)


def test_anchor_can_be_moved(client: TestClient) -> None:
    pixels = draw_noise(5, 6, 1)
    result = decode(filter_bytes(client, encode(pixels), "custom", weights="1,0;0,0", anchor="0,0", border="zero"))
    assert np.array_equal(result, pixels)
    result = decode(filter_bytes(client, encode(pixels), "custom", weights="1,0;0,0", anchor="1,1", border="zero"))
    assert np.array_equal(result, np.pad(pixels, 1)[:5, :6])


def test_sigma_changes_the_kernel(client: TestClient) -> None:
    pixels = draw_noise(31, 31, 1)
    result = decode(filter_bytes(client, encode(pixels), "gaussian", sigma="1"))
    assert np.abs(result - ndimage.gaussian_filter(pixels.astype(float), 1, mode="nearest", truncate=3)).max() <= 0.51


def test_query_takes_precedence_over_form_fields(client: TestClient) -> None:
    response = client.post("/filter/gaussian?sigma=1", files={"file": encode(PHOTO)}, data={"sigma": "5"})
    assert response.content == filter_bytes(client, encode(PHOTO), "gaussian", sigma="1")


def test_bias_of_16_bit_images_is_in_16_bit_units(client: TestClient) -> None:
    sent = write_png(np.full((2, 2), 1000, np.uint16))
    assert read_png(filter_bytes(client, sent, bias="50%")).tolist() == [[33768, 33768]] * 2
    assert read_png(filter_bytes(client, sent, bias="7")).tolist() == [[1007, 1007]] * 2
