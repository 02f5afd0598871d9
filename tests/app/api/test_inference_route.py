"""`/v2`: the Open Inference Protocol, from its specification. tests/system/interoperability has its real client."""

import base64
import json
import struct
from typing import Any

import httpx2
import numpy as np
import pytest
from fastapi.testclient import TestClient

from app.main import create_app
from app.settings import AccessSettings, Settings
from tests.support.digit_images import TEST, find_digit, write_on_paper
from tests.support.images import encode

INFER = "/v2/models/digits/infer"


def ask(client: httpx2.Client, document: dict[str, Any], tail: bytes = b"", **headers: str) -> httpx2.Response:
    text = json.dumps(document).encode()
    if tail:
        headers["Inference-Header-Content-Length"] = str(len(text))
    return client.post(INFER, content=text + tail, headers=headers)


def describe_image(*files: bytes) -> dict[str, Any]:
    data = [base64.b64encode(file).decode() for file in files]
    return {"name": "image", "datatype": "BYTES", "shape": [len(files)], "data": data}


def read_outputs(response: httpx2.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    return {output["name"]: output["data"] for output in response.json()["outputs"]}


def test_health_and_descriptions(client: httpx2.Client) -> None:
    assert client.get("/v2").json()["extensions"] == ["binary_tensor_data"]
    assert client.get("/v2/health/live").status_code == 200
    assert client.get("/v2/health/ready").status_code == 200
    assert client.get("/v2/models/digits/ready").status_code == 200
    model = client.get("/v2/models/digits").json()
    assert client.get(f"/v2/models/digits/versions/{model['versions'][0]}").json() == model
    assert [tensor["name"] for tensor in model["inputs"]] == ["image", "field"]


def test_images_are_read_as_by_classify(client: httpx2.Client) -> None:
    files = [encode(write_on_paper(find_digit(digit))) for digit in range(10)]
    outputs = read_outputs(ask(client, {"inputs": [describe_image(*files)]}))
    assert outputs["digit"] == list(range(10))
    expected = client.post("/classify", files=[("file", file) for file in files]).json()
    assert outputs["verdict"] == [one["verdict"] for one in expected]
    assert np.array_equal(np.reshape(outputs["probabilities"], (10, 10)), [one["probabilities"] for one in expected])


def test_prepared_fields_of_mnist_are_read_right(client: httpx2.Client) -> None:
    fields = (TEST.images[:50] / 255).astype(np.float32)
    nested = {"name": "field", "datatype": "FP32", "shape": [50, 28, 28], "data": fields.tolist()}
    outputs = read_outputs(ask(client, {"inputs": [nested]}))
    assert np.mean(np.array(outputs["digit"]) == TEST.labels[:50]) >= 0.98
    tail = fields.astype("<f4").tobytes()
    binary = {"name": "field", "datatype": "FP32", "shape": [50, 28, 28], "parameters": {"binary_data_size": len(tail)}}
    assert read_outputs(ask(client, {"inputs": [binary]}, tail)) == outputs


def test_binary_outputs_follow_the_json(client: httpx2.Client) -> None:
    file = encode(write_on_paper(find_digit(3)))
    tail = struct.pack("<I", len(file)) + file
    tensor = {"name": "image", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": len(tail)}}
    outputs = [{"name": "verdict", "parameters": {"binary_data": True}}, {"name": "digit"}]
    response = ask(client, {"id": "seven", "inputs": [tensor], "outputs": outputs}, tail)
    length = int(response.headers["Inference-Header-Content-Length"])
    document = json.loads(response.content[:length])
    assert document["id"] == "seven"
    assert (document["model_name"], document["outputs"][1]["data"]) == ("digits", [3])
    assert response.content[length:] == struct.pack("<I", 5) + b"digit"
    assert document["outputs"][0]["parameters"] == {"binary_data_size": 9}


FIELD = {"name": "field", "datatype": "FP32", "shape": [1, 28, 28], "data": [0] * 784}


@pytest.mark.parametrize(
    ("inputs", "part"),
    [
        ([], "0 inputs"),
        ([FIELD, FIELD], "2 inputs"),
        ([FIELD | {"name": "picture"}], "no input 'picture'"),
        ([FIELD | {"datatype": "FP64"}], "must be FP32"),
        ([FIELD | {"shape": [28, 28]}], "must be [-1, 28, 28]"),
        ([FIELD | {"shape": [0, 28, 28]}], "must be [-1, 28, 28]"),
        ([FIELD | {"data": [0] * 783}], "783 elements"),
        ([FIELD | {"data": ["0"] * 784}], "must be numbers"),
        ([FIELD | {"data": [True] * 784}], "must be numbers"),
        ([FIELD | {"data": [255] * 784}], "255 to 255"),
        ([FIELD | {"data": [10**400] * 784}], "exceeds the range of a float"),
        ([FIELD | {"data": [1e300] * 784}], "1e+300 to 1e+300"),
        ([FIELD | {"parameters": {"binary_data_size": 4}}], "both data and binary_data_size"),
        ([describe_image(b"x") | {"shape": [2]}], "1 elements"),
        ([describe_image(b"x") | {"data": ["*"]}], "image[0]: not base64"),
        ([describe_image(b"x") | {"data": [7]}], "image[0] is no string"),
        ("all", "JSON is not an inference request"),
    ],
)
def test_faulty_inputs_are_named(client: httpx2.Client, inputs: Any, part: str) -> None:
    response = ask(client, {"inputs": inputs})
    assert response.status_code == 400, response.text
    assert part in response.json()["error"]
    assert response.json()["type"] == "/problems#bad-inference-request"


@pytest.mark.parametrize(
    ("tail", "size", "part"),
    [
        (b"abc", 4, "binary_data_size 4, but 3 bytes are left"),
        (b"abc", 3, "element 0 should end at byte"),
        (struct.pack("<I", 9) + b"abc", 7, "element 0 should end at byte 13"),
        (struct.pack("<I", 2) + b"abc", 6, "1 bytes after the JSON belong to no input"),
        (b"abc", -1, "binary_data_size -1"),
    ],
)
def test_truncated_binary_data_is_an_error(client: httpx2.Client, tail: bytes, size: int, part: str) -> None:
    tensor = {"name": "image", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": size}}
    response = ask(client, {"inputs": [tensor]}, tail)
    assert (response.status_code, part in response.json()["error"]) == (400, True), response.text


@pytest.mark.parametrize("length", ["-1", "1e3", "999999", "²"])
def test_faulty_json_length_is_an_error(client: httpx2.Client, length: str) -> None:
    response = client.post(
        INFER, content=b"{}", headers=[(b"Inference-Header-Content-Length", length.encode("latin-1", "replace"))]
    )
    assert (response.status_code, "must be the length of the JSON" in response.json()["error"]) == (400, True)


def test_an_image_that_cannot_be_read_is_named(client: httpx2.Client) -> None:
    good = encode(write_on_paper(find_digit(3)))
    response = ask(client, {"inputs": [describe_image(good, b"no image")]})
    assert response.status_code == 415
    assert response.json()["error"].startswith("image[1]: ")


def test_too_many_images_and_unknown_models_are_named(client: httpx2.Client) -> None:
    response = ask(client, {"inputs": [describe_image(*[b"x"] * 1000)]})
    assert (response.status_code, "CONVSERVE_MAX_DIGIT_FILES" in response.json()["error"]) == (413, True)
    for path in ("/v2/models/letters", "/v2/models/letters/infer", "/v2/models/digits/versions/9"):
        response = client.post(path, content=b"{}") if path.endswith("infer") else client.get(path)
        assert response.status_code == 404
        assert "this service has" in response.json()["error"]
    assert client.get("/v2/nothing").json()["error"].startswith("Unknown path")


def test_unknown_outputs_are_named(client: httpx2.Client) -> None:
    response = ask(client, {"inputs": [FIELD], "outputs": [{"name": "letter"}]})
    assert (response.status_code, "no output 'letter'" in response.json()["error"]) == (400, True)


def test_other_paths_have_no_member_error(client: httpx2.Client) -> None:
    assert "error" not in client.get("/nothing").json()


def test_tokens_limits_and_metrics_are_those_of_the_service() -> None:
    settings = Settings(workers=1, max_upload_bytes=20_000)
    with TestClient(create_app(settings, AccessSettings(tokens="0123456789abcdef"))) as client:
        assert client.get("/v2/health/ready").status_code == 200
        refused = client.post(INFER, content=b"{}")
        assert (refused.status_code, "error" in refused.json()) == (401, True)
        client.headers["Authorization"] = "Bearer 0123456789abcdef"
        large = ask(client, {"inputs": [describe_image(bytes(30_000))]})
        assert (large.status_code, "20000" in large.json()["error"]) == (413, True)
        assert ask(client, {"inputs": [FIELD]}).status_code == 200
        assert 'route="/v2/models/{model}/infer"' in client.get("/metrics").text
