"""`GET /model/weights`: the network as a safetensors file, read by the rules of the format."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray

from app.main import create_app
from app.settings import Settings
from models.model_folder import read_model_folder, save_model_folder
from models.reader.weights import BUNDLED_FOLDER

BATCH_NORM_EPSILON = 1e-3  # Keras's default
LAYERS = {"conv1": (5, 5, 1, 32), "conv2": (5, 5, 32, 64), "dense": (3136, 1024), "output": (1024, 11)}
Tensors = dict[str, NDArray[Any]]


def read_safetensors(content: bytes) -> tuple[Tensors, dict[str, str]]:
    """(tensors, metadata), by https://huggingface.co/docs/safetensors."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    metadata = header.pop("__metadata__")
    data = content[8 + length :]
    tensors = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        dtype = np.dtype({"F16": "<f2", "F32": "<f4"}[entry["dtype"]])
        assert (8 + length + start) % dtype.itemsize == 0, "a typed array of a browser needs this"
        tensors[name] = np.frombuffer(data[start:end], dtype).reshape(entry["shape"])
    ends = sorted(end for entry in header.values() for end in entry["data_offsets"])
    assert ends[-1] == len(data)
    return tensors, metadata


def fetch(client: TestClient, **query: str) -> tuple[Tensors, dict[str, str]]:
    reply = client.get("/model/weights", params=query)
    assert reply.status_code == 200, reply.text
    return read_safetensors(reply.content)


def check_tensors(tensors: Tensors, weights: Any) -> None:
    assert {name: tensors[f"{name}.kernel"].shape for name in LAYERS} == LAYERS
    for name, start in (("conv1", 0), ("conv2", 5), ("dense", 10)):
        kernel, gamma, beta, mean, variance = weights[start : start + 5]
        spread = np.sqrt(variance.astype(np.float64) + BATCH_NORM_EPSILON)
        np.testing.assert_array_equal(tensors[f"{name}.kernel"], kernel)
        np.testing.assert_allclose(tensors[f"{name}.factor"], gamma / spread, rtol=1e-6)
        np.testing.assert_allclose(tensors[f"{name}.bias"], beta - mean * gamma / spread, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(tensors["output.kernel"], weights[15])
    np.testing.assert_array_equal(tensors["output.bias"], weights[16])
    assert (tensors["output.factor"] == 1).all()
    assert {tensors[f"{name}.kernel"].dtype for name in LAYERS} == {np.dtype("<f2")}


def test_file_has_the_weights_of_the_model(client: TestClient) -> None:
    tensors, metadata = fetch(client)
    card = client.get("/model").json()
    assert metadata["version"] == card["version"]
    assert metadata["weights_sha256"] == card["weights_sha256"]
    assert float(metadata["temperature"]) == card["temperature"]
    weights, bundled = read_model_folder(BUNDLED_FOLDER)
    assert card["weights_sha256"] == bundled["weights_sha256"]
    check_tensors(tensors, weights)


def test_compressed_file_is_smaller_and_the_same(client: TestClient) -> None:
    plain = client.get("/model/weights", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    with client.stream("GET", "/model/weights", headers={"Accept-Encoding": "gzip"}) as reply:
        compressed = b"".join(reply.iter_raw())
    assert reply.headers["content-encoding"] == "gzip"
    assert reply.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(compressed) == plain.content
    assert len(compressed) < 0.95 * len(plain.content) < 6.7e6


def test_browser_keeps_the_file_of_a_model(client: TestClient) -> None:
    sha256 = client.get("/model").json()["weights_sha256"]
    reply = client.get("/model/weights", params={"sha256": sha256})
    assert "immutable" in reply.headers["cache-control"]
    assert client.get("/model/weights").headers["cache-control"] == "no-cache"
    for encoding in ("gzip", "identity"):
        known = {"If-None-Match": reply.headers["etag"], "Accept-Encoding": encoding}
        again = client.get("/model/weights", headers=known)
        assert (again.status_code, again.content) == (304, b"")
    other = client.get("/model/weights", headers={"If-None-Match": '"another"'})
    assert other.status_code == 200


def test_another_model_is_refused_with_both_names(client: TestClient) -> None:
    reply = client.get("/model/weights", params={"sha256": "ab" * 32})
    assert reply.status_code == 404
    assert reply.json()["type"] == "/problems#unknown-model"
    assert "ab" * 32 in reply.json()["detail"]
    assert client.get("/model").json()["weights_sha256"] in reply.json()["detail"]


@pytest.mark.slow
def test_own_model_is_served(tmp_path: Path) -> None:
    """With weights that float16 does not hold, which the file rounds."""
    weights, card = read_model_folder(BUNDLED_FOLDER)
    weights = [np.float32(1.0001) * one for one in weights]
    save_model_folder(tmp_path, weights, card)
    with TestClient(create_app(Settings(model_folder=tmp_path, workers=1))) as client:
        tensors, metadata = fetch(client)
        assert metadata["weights_sha256"] == client.get("/model").json()["weights_sha256"] != card["weights_sha256"]
    rounded = [one.astype(np.float16) if one.ndim > 1 else one for one in weights]
    assert np.any(rounded[10] != weights[10])
    check_tensors(tensors, rounded)
