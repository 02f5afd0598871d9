"""NVIDIA's client of the Open Inference Protocol against the running service."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.digit_images import TEST, find_digit, write_on_paper
from tests.support.images import encode
from tests.support.service import RunningService
from tests.system.interoperability.conftest import RunProgram

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def answers(service: RunningService, run_program: RunProgram, tmp_path_factory: pytest.TempPathFactory) -> Any:
    path: Path = tmp_path_factory.mktemp("triton") / "images.npz"
    arrays: dict[str, Any] = {
        f"file{digit}": np.frombuffer(encode(write_on_paper(find_digit(digit))), np.uint8) for digit in range(10)
    }
    arrays["fields"] = (TEST.images[:40] / 255).astype(np.float32)
    np.savez(path, **arrays)
    return run_program("triton_requests.py", f"127.0.0.1:{service.port}", path)


def test_the_client_sees_server_and_model(answers: Any) -> None:
    assert answers["live"]
    assert answers["ready"]
    assert answers["extensions"] == ["binary_tensor_data"]
    assert {one["name"]: one["shape"] for one in answers["inputs"]} == {"image": [-1], "field": [-1, 28, 28]}


def test_encoded_images_are_read(answers: Any) -> None:
    assert answers["id"] == "ten"
    assert answers["digits"] == answers["again"] == list(range(10))
    assert set(answers["verdicts"]) == {"digit"}
    assert np.shape(answers["probabilities"]) == (10, 10)
    assert np.argmax(answers["probabilities"], axis=1).tolist() == list(range(10))


def test_prepared_fields_are_read_as_json_and_as_binary_data(answers: Any) -> None:
    as_json, as_binary = answers["fields"]
    assert as_json == as_binary
    assert as_json["dtype"] == "float32"
    assert np.mean(np.array(as_json["digits"]) == TEST.labels[:40]) >= 0.97


def test_errors_reach_the_client(answers: Any) -> None:
    assert answers["damaged"]["status"] == "415"
    assert answers["damaged"]["message"].startswith("image[0]: ")
    assert "no model named 'letters'" in answers["unknown"]["message"]
