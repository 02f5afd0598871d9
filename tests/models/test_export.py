"""Exported networks in other runtimes give the probabilities of the reader, and of Keras."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from typer.testing import CliRunner

from app.cli.commands import app
from models.export import METADATA_FILE, export_onnx, export_saved_model, load_network
from models.model_folder import save_model_folder
from models.network import build_lecture_layers
from models.reader.reader import DigitReader
from models.reader.weights import BUNDLED_FOLDER
from tests.support.digit_images import TEST

FIELDS = (TEST.images[:64] / 255).astype(np.float32)
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def expected() -> Any:
    """Probabilities and "not a digit" of the reader, and the logits of the Keras network."""
    reader = DigitReader.load()
    classified = reader.classifier.classify(FIELDS)
    return {
        "logits": np.asarray(reader.network(FIELDS[..., None])),
        "probabilities": np.array([one.probabilities for one in classified]),
        "not_a_digit": np.array([one.not_a_digit for one in classified]),
    }


def check_outputs(outputs: Any, expected: Any) -> None:
    assert outputs.keys() == expected.keys()
    assert np.abs(outputs["logits"] - expected["logits"]).max() <= TOLERANCE * np.abs(expected["logits"]).max()
    for name in ("probabilities", "not_a_digit"):
        assert outputs[name].shape == expected[name].shape
        assert np.abs(outputs[name] - expected[name]).max() <= TOLERANCE
    right = outputs["probabilities"].argmax(axis=1) == TEST.labels[: len(FIELDS)]
    assert right.mean() > 0.95


def run_onnx(path: Path) -> dict[str, Any]:
    session = onnxruntime.InferenceSession(path)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"field": FIELDS}), strict=True))


def test_onnx_equals_the_reader(tmp_path: Path, expected: Any) -> None:
    path = tmp_path / "digits.onnx"
    done = CliRunner().invoke(app, ["model", "export", "-o", str(path)])
    assert done.exit_code == 0, done.output
    check_outputs(run_onnx(path), expected)
    metadata = {one.key: one.value for one in onnx.load(path).metadata_props}
    assert "centre of mass" in metadata["preparation"]
    assert json.loads(metadata["model_card"])["network"] == "bundled"


@pytest.mark.slow
def test_saved_model_equals_the_reader(tmp_path: Path, expected: Any) -> None:
    import tensorflow as tf

    folder = tmp_path / "digits"
    export_saved_model(load_network(BUNDLED_FOLDER), folder)
    serve = tf.saved_model.load(str(folder)).signatures["serving_default"]
    check_outputs({name: values.numpy() for name, values in serve(field=tf.constant(FIELDS)).items()}, expected)
    assert "centre of mass" in json.loads((folder / METADATA_FILE).read_text())["preparation"]


def test_a_trained_lecture_network_is_exported(tmp_path: Path) -> None:
    network = build_lecture_layers(seed=3)
    save_model_folder(tmp_path / "model", network.get_weights(), {"network": "layers", "version": "1"})
    export_onnx(load_network(tmp_path / "model"), tmp_path / "lecture.onnx")
    outputs = run_onnx(tmp_path / "lecture.onnx")
    logits = np.asarray(network(FIELDS[..., None]))
    assert outputs.keys() == {"logits", "probabilities"}
    assert np.abs(outputs["logits"] - logits).max() <= TOLERANCE * np.abs(logits).max()


def test_nothing_is_overwritten_and_faulty_folders_are_named(tmp_path: Path) -> None:
    (tmp_path / "there").touch()
    done = CliRunner().invoke(app, ["model", "export", "-o", str(tmp_path / "there")])
    assert (done.exit_code, "exists already" in done.output) == (2, True)
    done = CliRunner().invoke(app, ["model", "export", "-o", str(tmp_path / "new"), "--model", str(tmp_path)])
    assert (done.exit_code, "not a model folder" in done.output) == (2, True)
    assert not (tmp_path / "new").exists()


def test_the_card_is_still_the_default() -> None:
    for arguments in (["model"], ["model", "show"]):
        done = CliRunner().invoke(app, arguments)
        assert (done.exit_code, json.loads(done.output)["network"]) == (0, "bundled")
