"""`POST /filter`: kernels by name, custom kernels and chains. The reference is SciPy."""

import base64
import json

import numpy as np
import pytest
from fastapi.testclient import TestClient
from scipy import ndimage

from kernels.catalogue import ENTRIES
from tests.support.filtering import BLUR, EDGE, EMBOSS, PHOTO, SHARPEN, correlate, filter_bytes, round_and_clip
from tests.support.images import decode, draw_blobs, draw_noise, encode


def test_channels_are_filtered_separately(client: TestClient) -> None:
    result = decode(filter_bytes(client, encode(PHOTO), "emboss"))
    assert np.array_equal(result, round_and_clip(correlate(PHOTO, EMBOSS)))


def test_kernels_that_sum_to_0_give_absolute_values(client: TestClient) -> None:
    result = decode(filter_bytes(client, encode(PHOTO), "edge"))
    assert np.array_equal(result, round_and_clip(np.abs(correlate(PHOTO, EDGE))))


@pytest.mark.parametrize("name", ["top-sobel", "TOP-SOBEL", "top_sobel", "Top_Sobel"])
def test_kernel_names_are_normalised(client: TestClient, name: str) -> None:
    weights = np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]])
    response = client.post(f"/filter/{name}", files={"file": ("a.png", encode(PHOTO))})
    assert np.array_equal(decode(response.content), round_and_clip(np.abs(correlate(PHOTO, weights))))
    assert 'filename="a-top-sobel.png"' in response.headers["Content-Disposition"]


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
def test_weights_are_read_in_every_notation_and_place(client: TestClient, query: dict[str, str], place: str) -> None:
    data = encode(PHOTO)
    if place == "query":
        response = client.post("/filter/custom", params=query, files={"file": data})
    elif place == "form":
        response = client.post("/filter/custom", data=query, files={"file": data})
    else:
        response = client.post("/filter/custom", json=query | {"file": base64.b64encode(data).decode()})
    assert response.status_code == 200, response.text
    assert np.array_equal(decode(response.content), round_and_clip(correlate(PHOTO, SHARPEN)))


def test_json_weights_can_be_a_list(client: TestClient) -> None:
    body = {"file": base64.b64encode(encode(PHOTO)).decode(), "weights": SHARPEN.tolist()}
    response = client.post("/filter/custom", json=body)
    assert np.array_equal(decode(response.content), round_and_clip(correlate(PHOTO, SHARPEN)))


@pytest.mark.parametrize(
    ("weights", "shape"), [("1,2,3;4,5,6", (2, 3)), ("1,2;3,4", (2, 2)), ("[[1],[2],[3],[4]]", (4, 1)), ("7", (1, 1))]
)
def test_custom_kernels_of_any_shape_are_applied_as_written(
    client: TestClient, weights: str, shape: tuple[int, int]
) -> None:
    """Even sides are anchored at the weight before the middle, which is SciPy's origin -1."""
    matrix = np.arange(1, shape[0] * shape[1] + 1).reshape(shape) if weights != "7" else np.array([[7]])
    origin = [-1 if side % 2 == 0 else 0 for side in shape]
    pixels = draw_noise(9, 8, 1) // 32
    expected = ndimage.correlate(pixels.astype(float), matrix.astype(float), mode="nearest", origin=origin)
    result = decode(filter_bytes(client, encode(pixels), "custom", weights=weights))
    assert np.array_equal(result, round_and_clip(expected))


def test_behaviour_convolve_rotates_the_kernel(client: TestClient) -> None:
    pixels = np.zeros((5, 5), np.uint8)
    pixels[2, 2] = 1
    query = {"weights": "1,2,3;4,5,6;7,8,9"}
    written = decode(filter_bytes(client, encode(pixels), "custom", **query))
    turned = decode(filter_bytes(client, encode(pixels), "custom", behaviour="convolve", **query))
    assert written[1:4, 1:4].tolist() == [[9, 8, 7], [6, 5, 4], [3, 2, 1]]
    assert turned[1:4, 1:4].tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]


@pytest.mark.parametrize("kernel", [entry.name for entry in ENTRIES])
def test_every_kernel_except_identity_changes_the_image(client: TestClient, kernel: str) -> None:
    pixels = draw_blobs(24, 31) // 2 + draw_noise(24, 31) // 4
    result = decode(filter_bytes(client, encode(pixels), kernel))
    assert result.shape == pixels.shape
    assert np.array_equal(result, pixels) == (kernel == "identity")


CHAIN = [{"kernel": "blur"}, {"kernel": "custom", "weights": [[3]], "bias": -20}]


def test_chain_is_applied_in_order_without_intermediate_rounding(client: TestClient) -> None:
    twice = correlate(np.clip(correlate(PHOTO, BLUR), 0, 255), SHARPEN)
    result = decode(filter_bytes(client, encode(PHOTO), "blur,sharpen"))
    assert np.array_equal(result, round_and_clip(twice))
    rounded_between = round_and_clip(correlate(round_and_clip(correlate(PHOTO, BLUR)), SHARPEN))
    assert not np.array_equal(result, rounded_between)
    other_order = decode(filter_bytes(client, encode(PHOTO), "sharpen,blur"))
    assert not np.array_equal(result, other_order)


@pytest.mark.parametrize("place", ["form", "json", "json text", "query"])
def test_operations_have_their_own_parameters(client: TestClient, place: str) -> None:
    data = encode(PHOTO)
    if place == "form":
        response = client.post("/filter", files={"file": data}, data={"operations": json.dumps(CHAIN)})
    elif place == "query":
        response = client.post("/filter", files={"file": data}, params={"operations": json.dumps(CHAIN)})
    else:
        operations = CHAIN if place == "json" else json.dumps(CHAIN)
        response = client.post("/filter", json={"file": base64.b64encode(data).decode(), "operations": operations})
    assert response.status_code == 200, response.text
    assert np.array_equal(decode(response.content), round_and_clip(3 * correlate(PHOTO, BLUR) - 20))
    assert response.headers["X-Kernel-Sum"] == "16, 3"
    assert response.headers["X-Kernel-Divisor"] == "16, 1"
    assert response.headers["Content-Disposition"].endswith('-blur-custom.png"')


def test_operations_can_be_plain_names(client: TestClient) -> None:
    image = encode(draw_noise(9, 9))
    named = client.post("/filter", files={"file": image}, data={"operations": '["gaussian", "edge"]'})
    assert named.status_code == 200
    assert named.content == client.post("/filter/gaussian,edge", files={"file": image}).content


def test_chain_parameters_are_defaults_of_its_steps(client: TestClient) -> None:
    operations = [{"kernel": "blur"}, {"kernel": "sharpen", "border": "zero"}]
    response = client.post(
        "/filter?border=wrap", files={"file": encode(PHOTO)}, data={"operations": json.dumps(operations)}
    )
    expected = correlate(correlate(PHOTO, BLUR, "wrap"), SHARPEN, "constant")
    assert np.array_equal(decode(response.content), round_and_clip(expected))


def test_chain_has_at_most_10_steps(client: TestClient) -> None:
    assert filter_bytes(client, encode(PHOTO), ",".join(["identity"] * 10))
    response = client.post("/filter/" + ",".join(["identity"] * 11), files={"file": encode(PHOTO)})
    assert response.status_code == 422
    assert "11" in response.json()["detail"]
    assert "10" in response.json()["detail"]


def test_error_in_a_chain_names_the_step(client: TestClient) -> None:
    operations = json.dumps([{"kernel": "blur"}, {"kernel": "gaussian", "sigma": 999}])
    response = client.post("/filter", files={"file": encode(PHOTO)}, data={"operations": operations})
    assert response.status_code == 422
    assert "Step 2 (gaussian)" in response.json()["detail"]
    assert "99" in response.json()["detail"]
