"""`POST /classify/explain` and `GET /model/curves`."""

import base64
import io
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from app.main import create_app
from app.settings import Settings
from models.model_folder import CARD
from models.reader.weights import BUNDLED_FOLDER
from models.training.mnist import read_mnist
from tests.support.images import decode, encode
from tests.support.paths import MNIST_EXCERPT as EXCERPT

CURVES = [
    {"epoch": 1, "train_loss": 0.9, "test_accuracy": 0.97},
    {"epoch": 2, "train_loss": 0.5, "test_accuracy": 0.98},
]


@pytest.fixture(scope="module")
def four() -> NDArray[np.uint8]:
    test = read_mnist(EXCERPT).test
    return test.images[int(np.flatnonzero(test.labels == 4)[1])]


@pytest.fixture(scope="module")
def explanation(client: TestClient, four: NDArray[np.uint8]) -> dict[str, Any]:
    response = client.post("/classify/explain?format=json", files={"file": encode(four)})
    assert response.status_code == 200, response.text
    return dict(response.json())


def decode_data_uri(uri: str) -> NDArray[np.uint8]:
    return decode(base64.b64decode(uri.removeprefix("data:image/png;base64,"), validate=True))


def test_answer_equals_that_of_classify(
    client: TestClient, four: NDArray[np.uint8], explanation: dict[str, Any]
) -> None:
    answer = client.post("/classify?preview=true", files={"file": encode(four)}).json()
    assert explanation["answer"] == answer
    assert answer["digit"] == 4
    np.testing.assert_array_equal(decode_data_uri(answer["preview"]["seen"]), four)


def test_layers_have_shapes_maps_and_values(explanation: dict[str, Any]) -> None:
    layers = {layer["name"]: layer for layer in explanation["layers"]}
    assert {name: (layer["kind"], layer["shape"]) for name, layer in layers.items()} == {
        "conv1": ("conv", [28, 28, 32]),
        "pool1": ("pool", [14, 14, 32]),
        "conv2": ("conv", [14, 14, 64]),
        "pool2": ("pool", [7, 7, 64]),
        "dense": ("dense", [1024]),
        "output": ("output", [10]),
    }
    for name in ("conv1", "conv2"):
        height, width, count = layers[name]["shape"]
        maps = np.stack([decode_data_uri(uri) for uri in layers[name]["maps"]])
        assert maps.shape == (count, height, width)
        assert maps.max() == 255  # the layer's largest value: all its maps have one scale
        assert len({layer.tobytes() for layer in maps}) > count // 2
        assert layers[name]["minimum"] == 0 < layers[name]["maximum"]
    assert len(layers["dense"]["values"]) == 1024
    assert int(np.argmax(layers["output"]["values"])) == 4


def test_softmax_of_the_output_gives_the_probabilities(client: TestClient, explanation: dict[str, Any]) -> None:
    logits = np.array(explanation["layers"][-1]["values"]) / client.get("/model").json()["temperature"]
    probabilities = np.exp(logits - logits.max())
    np.testing.assert_allclose(probabilities / probabilities.sum(), explanation["answer"]["probabilities"], atol=1e-5)


def test_occlusion_and_gradient_have_image_values_and_text(explanation: dict[str, Any]) -> None:
    for name, side in (("occlusion", 14), ("input_gradient", 28)):
        map = explanation[name]
        assert np.shape(map["values"]) == (side, side)
        assert np.ptp(map["values"]) > 0.1
        assert decode_data_uri(map["image"]).shape == (280, 280, 3)
        assert "log odds" in map["explanation"]
        assert " 4" in map["explanation"]


def test_red_marks_ink_that_the_result_needs(explanation: dict[str, Any]) -> None:
    values = np.array(explanation["occlusion"]["values"])
    colours = decode_data_uri(explanation["occlusion"]["image"]).astype(int)
    cells = colours.reshape(14, 20, 14, 20, 3).mean(axis=(1, 3))
    redness = cells[..., 0] - cells[..., 2]
    assert redness[np.unravel_index(values.argmax(), values.shape)] > 20
    assert np.abs(cells[values == 0] - 255).max(initial=0) < 1


def test_sheet_shows_image_network_input_and_maps(client: TestClient, four: NDArray[np.uint8]) -> None:
    response = client.post("/classify/explain", files={"file": encode(four)})
    assert response.headers["content-type"] == "image/png"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-disposition"] == 'inline; filename="explanation.png"'
    sheet = decode(response.content)
    enlarged = four.repeat(8, axis=0).repeat(8, axis=1)
    assert count_places(sheet, enlarged) == 2  # the image, which is in MNIST's form, and the equal network input
    for layer, scale in (("conv1", 2), ("conv2", 4)):
        query = f"layer={layer}&map=5&scale={scale}"
        one = decode(client.post(f"/classify/explain?{query}", files={"file": encode(four)}).content)
        assert count_places(sheet, one) >= 1


def count_places(sheet: NDArray[np.uint8], tile: NDArray[np.uint8]) -> int:
    """How often the sheet contains a grey tile, pixel by pixel."""
    grey, (height, width) = np.ascontiguousarray(sheet[..., 0]), tile.shape
    row = int(tile.sum(axis=1).argmax())
    telling = tile[row].tobytes()
    return sum(
        np.array_equal(grey[y : y + height, match.start() : match.start() + width], tile)
        for y in range(len(grey) - height + 1)
        for match in re.finditer(re.escape(telling), grey[y + row].tobytes())
    )


def test_single_map_is_enlarged_without_smoothing(
    client: TestClient, four: NDArray[np.uint8], explanation: dict[str, Any]
) -> None:
    for layer, side, scale in (("conv1", 28, 8), ("conv2", 14, 3), ("pool2", 7, 1)):
        query = f"layer={layer}&map=7&scale={scale}"
        response = client.post(f"/classify/explain?{query}", files={"file": encode(four)})
        assert response.headers["content-disposition"] == f'inline; filename="explanation-{layer}-7.png"'
        image = decode(response.content)
        assert image.shape == (side * scale, side * scale)
        small = image[::scale, ::scale]
        np.testing.assert_array_equal(image, np.kron(small, np.ones((scale, scale), np.uint8)))
        shown = next(one for one in explanation["layers"] if one["name"] == layer)["maps"]
        if shown:
            np.testing.assert_array_equal(small, decode_data_uri(shown[7]))


def test_layer_without_map_shows_all_its_maps(client: TestClient, four: NDArray[np.uint8]) -> None:
    response = client.post("/classify/explain?layer=conv2&scale=1", files={"file": encode(four)})
    assert decode(response.content).shape == (4 * 18 - 4, 16 * 18 - 4)


@pytest.mark.parametrize(
    ("query", "parameter", "message"),
    [
        ("layer=conv1&map=32", "map", "conv1 has maps 0 to 31"),
        ("layer=pool2&map=64", "map", "pool2 has maps 0 to 63"),
        ("layer=conv1&map=-1", "map", "greater than or equal to 0"),
        ("map=3", "map", "needs the parameter layer"),
        ("layer=dense&map=3", "layer", "'conv1', 'pool1', 'conv2' or 'pool2'"),
        ("layer=conv1&format=json", "layer", "leave out layer"),
        ("layer=conv1&map=1&scale=33", "scale", "less than or equal to 32"),
        ("format=jpeg", "format", "'png' or 'json'"),
        ("polarity=red", "polarity", "'auto', 'dark' or 'light'"),
    ],
)
def test_bad_parameters_are_named_with_the_allowed_values(
    client: TestClient, four: NDArray[np.uint8], query: str, parameter: str, message: str
) -> None:
    response = client.post(f"/classify/explain?{query}", files={"file": encode(four)})
    assert response.status_code == 422
    assert response.json()["errors"][0]["loc"] == ["query", parameter]
    assert message in response.json()["detail"]


@pytest.mark.parametrize(
    ("accept", "status", "media_type"),
    [
        ("*/*", 200, "image/png"),
        ("image/*", 200, "image/png"),
        ("application/json", 200, "application/json"),
        ("application/json, image/png;q=0.5", 200, "application/json"),
        ("text/html", 406, "application/problem+json"),
    ],
)
def test_accept_chooses_the_format(
    client: TestClient, four: NDArray[np.uint8], accept: str, status: int, media_type: str
) -> None:
    response = client.post("/classify/explain", files={"file": encode(four)}, headers={"Accept": accept})
    assert (response.status_code, response.headers["content-type"]) == (status, media_type)


def test_not_a_digit_has_the_largest_logit(client: TestClient) -> None:
    star = Image.new("L", (120, 120), 255)
    draw = ImageDraw.Draw(star)
    for line in ((15, 60, 105, 60), (60, 15, 60, 105), (28, 28, 92, 92), (28, 92, 92, 28)):
        draw.line(line, fill=0, width=6)
    response = client.post("/classify/explain?format=json", files={"file": encode(np.asarray(star))}).json()
    assert response["answer"]["verdict"] == "not_a_digit"
    output = response["layers"][-1]
    assert output["not_a_digit"] > max(output["values"])


@pytest.mark.parametrize("query", ["", "?format=json", "?layer=conv1&map=7"])
def test_blank_image_is_rejected(client: TestClient, query: str) -> None:
    blank = encode(np.full((80, 60), 255, np.uint8))
    response = client.post(f"/classify/explain{query}", files={"file": blank})
    assert response.status_code == 422
    assert response.json()["type"] == "/problems#blank-image"


@pytest.mark.parametrize(
    ("content", "status"), [(b"", 422), (b"no image", 415), (b"\x89PNG\r\n\x1a\n", 422)], ids=["empty", "text", "cut"]
)
def test_bad_images_are_rejected(client: TestClient, content: bytes, status: int) -> None:
    assert client.post("/classify/explain", files={"file": content}).status_code == status


def test_two_images_are_rejected(client: TestClient, four: NDArray[np.uint8]) -> None:
    files = [("file", ("a.png", encode(four))), ("file", ("b.png", encode(four)))]
    assert client.post("/classify/explain", files=files).status_code == 400


@pytest.mark.parametrize("mode", ["RGBA", "LA", "I;16"])
def test_sheet_is_drawn_for_every_image_mode(client: TestClient, four: NDArray[np.uint8], mode: str) -> None:
    image = Image.fromarray(255 - four).resize((90, 120))
    deep = Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
    image = deep if mode == "I;16" else image.convert(mode)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    response = client.post("/classify/explain", files={"file": buffer.getvalue()})
    assert response.status_code == 200, response.text
    assert decode(response.content).ndim == 3


def test_openapi_document_has_image_and_json_responses(client: TestClient) -> None:
    operation = client.get("/openapi.json").json()["paths"]["/classify/explain"]["post"]
    assert set(operation["responses"]) == {"200", "400", "406", "413", "415", "422", "500", "503"}
    content = operation["responses"]["200"]["content"]
    assert content["image/png"]["schema"] == {"type": "string", "format": "binary"}
    assert content["application/json"]["schema"] == {"$ref": "#/components/schemas/DigitExplanation"}


def serve_card(folder: Path, figures: dict[str, Any]) -> TestClient:
    """A service with the bundled weights and another card. Its workers are not started."""
    shutil.copytree(BUNDLED_FOLDER, folder)
    card = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps(card | {"figures": figures}))
    return TestClient(create_app(Settings(model_folder=folder, workers=1)))


def test_curves_come_from_the_model_card(tmp_path: Path) -> None:
    client = serve_card(tmp_path / "model", {"curves": CURVES})
    response = client.get("/model/curves")
    assert response.json() == {"model": "2", "network": "bundled", "epochs": CURVES}
    again = client.get("/model/curves", headers={"If-None-Match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_model_without_training_record_is_a_problem(tmp_path: Path) -> None:
    client = serve_card(tmp_path / "model", {})
    response = client.get("/model/curves")
    assert response.status_code == 404
    assert response.json()["type"] == "/problems#no-training-record"
