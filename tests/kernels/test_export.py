"""Exported chains in ONNX Runtime give what `/filter?format=npy&response=raw` gives."""

import io
import json
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import onnx
import onnxruntime
import pytest
from typer.testing import CliRunner

from app.cli.commands import app
from app.settings import Settings
from app.tasks.catalogue import load_catalogue
from app.tasks.operations import parse_operations_text
from kernels.errors import KernelParameterError
from kernels.export import export_chain
from kernels.settings import FilterSettings
from tests.support.images import encode

HEIGHT, WIDTH = 37, 52
TOLERANCE = 2e-3
"""In pixel units: sums of float32 in another order."""


def draw(channels: int, seed: int = 0) -> Any:
    shape = (HEIGHT, WIDTH, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def run_onnx(path: Path, image: Any) -> Any:
    session = onnxruntime.InferenceSession(path)
    (result,) = session.run(["result"], {"image": image[None].astype(np.float32)})
    return result[0]


def filter_raw(client: httpx2.Client, image: Any, operations: list[dict[str, Any]]) -> Any:
    pixels = image[:, :, 0] if image.shape[2] == 1 else image
    response = client.post(
        "/filter", files={"file": encode(pixels)}, data={"operations": json.dumps(operations)}, params={"format": "npy"}
    )
    assert response.status_code == 200, response.text
    raw = np.load(io.BytesIO(response.content))
    return raw[:, :, None] if raw.ndim == 2 else raw


CONV = {
    "kernel": "conv",
    "weights": np.random.default_rng(1).normal(0, 0.2, (5, 3, 3, 3)).round(3).tolist(),
    "bias": [0, 10, -5, 1, 2],
}
CHAINS: dict[str, list[dict[str, Any]]] = {
    "kernel": [{"kernel": "emboss"}],
    "two parts": [{"kernel": "sobel"}],
    "largest part": [{"kernel": "kirsch"}],
    "divisor and bias": [{"kernel": "custom", "weights": [[1, 2], [3, -1]], "divisor": 7, "bias": "10%"}],
    "convolve": [{"kernel": "custom", "weights": [[1, 2, 3]], "behaviour": "convolve"}],
    "anchor": [{"kernel": "custom", "weights": [[1, 2, 3]], "anchor": [0, 0]}],
    "mix": [{"kernel": "gaussian", "amount": 0.3}],
    "long blur": [{"kernel": "gaussian", "sigma": 12}],
    "dilation": [{"kernel": "sharpen", "dilation": 3}],
    "chain": [{"kernel": "gaussian", "sigma": 1.2}, {"kernel": "left-sobel", "response": "abs"}, {"kernel": "box"}],
    "responses": [{"kernel": "laplacian", "response": "offset"}, {"kernel": "sharpen", "response": "clip"}],
    "rescale": [{"kernel": "laplacian", "response": "rescale"}, {"kernel": "identity"}],
    "pooling": [{"kernel": "max-pool", "border": "valid"}, {"kernel": "min-pool", "border": "valid"}],
    "colour matrix": [{"kernel": "sepia"}, {"kernel": "saturate", "amount": 0.4}],
    "grey": [{"kernel": "gray"}, {"kernel": "edge"}],
}
SIZED: dict[str, list[dict[str, Any]]] = {
    "layers": [CONV, {"kernel": "relu"}, {"kernel": "max-pool", "size": 3, "stride": 2}, {"kernel": "average-pool"}],
    "layer with stride": [CONV | {"stride": 2, "border": "reflect"}],
    "long blur with stride": [{"kernel": "gaussian", "sigma": 20, "stride": 2, "border": "symmetric"}],
    "mix with stride": [{"kernel": "gaussian", "amount": 0.3, "stride": [2, 3]}],
    "first layer of the network": [{"kernel": "mnist-conv1"}, {"kernel": "max-pool"}],
}


def export(operations: list[dict[str, Any]], path: Path, channels: int, size: tuple[int, int] | None = None) -> None:
    steps = parse_operations_text(json.dumps(operations), FilterSettings(), load_catalogue(Settings()))
    export_chain(steps, path, channels=channels, size=size)


def finish_raw(operations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [*operations[:-1], operations[-1] | {"response": "raw"}]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", CHAINS)
def test_chains_for_images_of_any_size(client: httpx2.Client, tmp_path: Path, name: str, channels: int) -> None:
    operations = finish_raw(CHAINS[name])
    image = draw(channels)
    export(operations, tmp_path / "chain.onnx", channels)
    found, expected = run_onnx(tmp_path / "chain.onnx", image), filter_raw(client, image, operations)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= TOLERANCE
    larger = np.repeat(np.repeat(image, 2, axis=0), 3, axis=1)
    assert np.abs(run_onnx(tmp_path / "chain.onnx", larger) - filter_raw(client, larger, operations)).max() <= TOLERANCE


@pytest.mark.parametrize("name", SIZED)
def test_chains_for_images_of_one_size(client: httpx2.Client, tmp_path: Path, name: str) -> None:
    operations = finish_raw(SIZED[name])
    image = draw(1 if "network" in name else 3)
    export(operations, tmp_path / "chain.onnx", image.shape[2], (HEIGHT, WIDTH))
    found, expected = run_onnx(tmp_path / "chain.onnx", image), filter_raw(client, image, operations)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= TOLERANCE


@pytest.mark.parametrize("border", ["edge", "zero", "reflect", "symmetric", "wrap", "valid"])
@pytest.mark.parametrize("size", [None, (HEIGHT, WIDTH)])
def test_borders(client: httpx2.Client, tmp_path: Path, border: str, size: tuple[int, int] | None) -> None:
    operations = [{"kernel": "custom", "weights": [[1, 2, 3, 4], [5, 6, 7, 9]], "border": border, "response": "raw"}]
    if border == "symmetric" and size is None:
        with pytest.raises(KernelParameterError, match="--image-size 640x480"):
            export(operations, tmp_path / "chain.onnx", 3)
        return
    export(operations, tmp_path / "chain.onnx", 3, size)
    expected = filter_raw(client, draw(3), operations)
    assert np.abs(run_onnx(tmp_path / "chain.onnx", draw(3)) - expected).max() <= TOLERANCE


def test_the_last_response_is_applied_and_not_rounded(client: httpx2.Client, tmp_path: Path) -> None:
    operations = [{"kernel": "sharpen"}]
    export(operations, tmp_path / "chain.onnx", 3)
    result = run_onnx(tmp_path / "chain.onnx", draw(3))
    assert (result.min(), result.max()) == (0, 255)
    assert np.array_equal(np.rint(result), filter_raw(client, draw(3), operations))


@pytest.mark.parametrize(
    ("operations", "part"),
    [
        ([{"kernel": "sharpen", "stride": 2}], "the padding depends on the size"),
        ([{"kernel": "sharpen", "channels": "luma"}], "has 'rgb' only"),
        ([{"kernel": "median"}], "no operator for 'median'"),
    ],
)
def test_what_has_no_graph_is_named(tmp_path: Path, operations: list[dict[str, Any]], part: str) -> None:
    with pytest.raises(KernelParameterError, match=part):
        export(operations, tmp_path / "chain.onnx", 3)
    assert not (tmp_path / "chain.onnx").exists()


def test_the_command_writes_the_chain_and_describes_it(tmp_path: Path) -> None:
    path = tmp_path / "chain.onnx"
    arguments = ["kernels", "export", "gaussian,edge", "-o", str(path), "--sigma", "2", "--image-size", "52x37"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    model = onnx.load(path)
    assert {one.key: one.value for one in model.metadata_props}["steps"] == "gaussian, edge"
    assert [side.dim_value for side in model.graph.input[0].type.tensor_type.shape.dim] == [0, 37, 52, 3]
    again = CliRunner().invoke(app, arguments)
    assert (again.exit_code, "exists already" in again.output) == (2, True)


def test_listing_is_still_the_default() -> None:
    plain, listed = (CliRunner().invoke(app, ["kernels", *more]).output for more in ((), ("list",)))
    assert plain == listed
    assert "emboss" in plain
    assert "divisor" in CliRunner().invoke(app, ["kernels", "emboss"]).output
