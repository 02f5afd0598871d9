"""NVIDIA's client of the Open Inference Protocol against the running service."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.support.digit_images import TEST, find_digit, write_on_paper
from tests.support.images import encode
from tests.support.service import run_service

triton = pytest.importorskip("tritonclient.http")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def inference() -> Iterator[Any]:
    with run_service(workers=1) as service, triton.InferenceServerClient(f"127.0.0.1:{service.port}") as client:
        yield client


def make_images(*digits: int) -> Any:
    files = np.array([encode(write_on_paper(find_digit(digit))) for digit in digits], dtype=np.object_)
    tensor = triton.InferInput("image", [len(digits)], "BYTES")
    tensor.set_data_from_numpy(files)
    return tensor


def test_the_client_sees_server_and_model(inference: Any) -> None:
    assert inference.is_server_live()
    assert inference.is_server_ready()
    assert inference.is_model_ready("digits")
    assert "binary_tensor_data" in inference.get_server_metadata()["extensions"]
    metadata = inference.get_model_metadata("digits", "1")
    assert {one["name"]: one["shape"] for one in metadata["inputs"]} == {"image": [-1], "field": [-1, 28, 28]}


def test_encoded_images_are_read(inference: Any) -> None:
    result = inference.infer("digits", [make_images(*range(10))], request_id="ten")
    assert result.get_response()["id"] == "ten"
    assert result.as_numpy("digit").tolist() == list(range(10))
    assert set(result.as_numpy("verdict")) == {b"digit"}
    assert result.as_numpy("probabilities").shape == (10, 10)
    assert np.abs(result.as_numpy("probabilities").sum(axis=1) - 1).max() < 1e-6


@pytest.mark.parametrize("is_binary", [False, True])
def test_prepared_fields_are_read(inference: Any, is_binary: bool) -> None:
    tensor = triton.InferInput("field", [40, 28, 28], "FP32")
    tensor.set_data_from_numpy((TEST.images[:40] / 255).astype(np.float32), binary_data=is_binary)
    outputs = [triton.InferRequestedOutput(name, binary_data=is_binary) for name in ("digit", "confidence")]
    result = inference.infer("digits", [tensor], outputs=outputs)
    assert np.mean(result.as_numpy("digit") == TEST.labels[:40]) >= 0.97
    assert result.as_numpy("confidence").dtype == np.float32


def test_errors_reach_the_client(inference: Any) -> None:
    tensor = triton.InferInput("image", [1], "BYTES")
    tensor.set_data_from_numpy(np.array([b"no image"], dtype=np.object_))
    with pytest.raises(Exception, match=r"image\[0\]: ") as caught:
        inference.infer("digits", [tensor])
    assert caught.value.status() == "415"
    with pytest.raises(Exception, match="no model named 'letters'"):
        inference.infer("letters", [make_images(1)])
    assert inference.infer("digits", [make_images(1)]).as_numpy("digit").tolist() == [1]
