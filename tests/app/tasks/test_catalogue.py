"""The learned kernels of the digit network are kernels of the catalogue."""

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import correlate
from typer.testing import CliRunner

from app.cli.commands import app as cli
from app.main import create_app
from app.settings import Settings
from app.tasks.catalogue import make_learned_entries
from app.tasks.gallery import choose_steps
from kernels.catalogue import ENTRIES, Catalogue
from kernels.errors import KernelFileError
from models.errors import ModelFolderError
from models.model_folder import CARD, WEIGHTS, read_card, save_model_folder
from models.reader.weights import BUNDLED_FOLDER
from tests.support.images import encode

Damage = Callable[[Path], object]
NAMES = [f"mnist-conv1-{number:02}" for number in range(32)]


@pytest.fixture(scope="module")
def weights() -> NDArray[np.float64]:
    """(32, 5, 5), from the weights file."""
    with np.load(BUNDLED_FOLDER / WEIGHTS) as archive:
        return archive["arr_0"][:, :, 0].transpose(2, 0, 1).astype(np.float64)


@pytest.fixture(scope="module")
def image() -> NDArray[np.uint8]:
    return np.random.default_rng(5).integers(0, 256, (40, 30), np.uint8)


def test_learned_kernels_have_the_weights_of_the_model(client: TestClient, weights: NDArray[np.float64]) -> None:
    kernels = {kernel["name"]: kernel for kernel in client.get("/kernels").json()["kernels"]}
    assert [name for name, kernel in kernels.items() if kernel["source"] == "learned"] == NAMES
    for name, expected in zip(NAMES, weights, strict=True):
        np.testing.assert_array_equal(kernels[name]["weights"], expected)
        assert (kernels[name]["response"], kernels[name]["divisor"]) == ("rescale", 1)


def test_filter_correlates_with_the_learned_weights(
    client: TestClient, weights: NDArray[np.float64], image: NDArray[np.uint8]
) -> None:
    for number in (0, 7, 31):
        expected = correlate(image.astype(np.float64), weights[number], mode="nearest")
        query = f"/filter/{NAMES[number]}?response=raw&format=npy"
        raw = np.load(io.BytesIO(client.post(query, files={"file": encode(image)}).content)).squeeze()
        np.testing.assert_allclose(raw, expected, atol=1e-2)
        shown = client.post(f"/filter/mnist_conv1_{number:02}", files={"file": encode(image)})
        rescaled = 255 * (expected - expected.min()) / np.ptp(expected)
        np.testing.assert_allclose(np.asarray(Image.open(io.BytesIO(shown.content))), rescaled, atol=0.51)


def test_learned_kernels_work_in_chains_previews_and_galleries(client: TestClient, image: NDArray[np.uint8]) -> None:
    files = {"file": encode(image)}
    assert client.post("/filter/gaussian,mnist-conv1-07", files=files).status_code == 200
    preview = client.get("/kernels/mnist-conv1-07/preview.png")
    assert np.ptp(np.asarray(Image.open(io.BytesIO(preview.content)))) > 200
    assert client.post("/gallery?kernels=mnist-conv1-07,blur", files=files).status_code == 200


def test_gallery_shows_learned_kernels_only_by_name() -> None:
    catalogue = Catalogue().extended(make_learned_entries(BUNDLED_FOLDER))
    assert [step.name for step in choose_steps(None, catalogue, 100)] == [entry.name for entry in ENTRIES]
    assert [step.name for step in choose_steps("mnist-conv1-07", catalogue, 100)] == ["mnist-conv1-07"]


def test_unknown_learned_kernel_has_suggestions(client: TestClient) -> None:
    response = client.get("/kernels/mnist-conv1-32")
    assert response.status_code == 404
    assert set(response.json()["did_you_mean"]) <= set(NAMES)


def test_command_line_has_the_learned_kernels(
    tmp_path: Path, weights: NDArray[np.float64], image: NDArray[np.uint8]
) -> None:
    shown = CliRunner().invoke(cli, ["kernels", "mnist-conv1-07", "--json"])
    np.testing.assert_array_equal(json.loads(shown.stdout)["weights"], weights[7])
    (tmp_path / "noise.png").write_bytes(encode(image))
    done = CliRunner().invoke(cli, ["filter", "mnist-conv1-07", str(tmp_path / "noise.png")])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "noise-mnist-conv1-07.png").exists()


def test_kernel_of_zeros_is_left_out(tmp_path: Path, weights: NDArray[np.float64]) -> None:
    kernels = weights.transpose(1, 2, 0)[:, :, None].astype(np.float32)
    kernels[..., 3] = 0
    save_model_folder(tmp_path, [kernels], read_card(BUNDLED_FOLDER))
    assert [entry.name for entry in make_learned_entries(tmp_path)] == [*NAMES[:3], *NAMES[4:]]


def test_first_layer_of_another_shape_is_rejected(tmp_path: Path) -> None:
    save_model_folder(tmp_path, [np.ones((5, 5), np.float32)], read_card(BUNDLED_FOLDER))
    with pytest.raises(ModelFolderError, match=r"shape \(5, 5\); expected"):
        make_learned_entries(tmp_path)


def rewrite_card(folder: Path, **changed: str) -> None:
    (folder / CARD).write_text(json.dumps(read_card(folder) | changed))


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda folder: (folder / WEIGHTS).write_bytes(b"x"), "is damaged: its hash is"),
        (lambda folder: (folder / WEIGHTS).unlink(), "cannot be read"),
        (lambda folder: shutil.rmtree(folder), "is not a model folder"),
        (lambda folder: rewrite_card(folder, network="lecture"), "the reader supports 'bundled'"),
    ],
    ids=["damaged", "no weights", "no folder", "another network"],
)
def test_bad_model_folder_stops_the_start_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Damage, says: str
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(BUNDLED_FOLDER, folder)
    damage(folder)
    monkeypatch.setenv("CONVSERVE_MODEL_FOLDER", str(folder))
    started = CliRunner().invoke(cli, ["serve"])
    assert started.exit_code == 2
    assert len(started.stderr.splitlines()) == 1
    assert says in started.stderr
    with pytest.raises(ModelFolderError):
        create_app(Settings(model_folder=folder))


def test_kernels_file_cannot_use_a_learned_name(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('[kernels.mnist-conv1-07]\nweights = "1,2;3,4"\n')
    with pytest.raises(KernelFileError, match="taken by the service"):
        create_app(Settings(kernels_file=tmp_path / "own.toml"))
