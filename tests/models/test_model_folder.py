import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.errors import ModelFolderError
from models.model_folder import CARD, WEIGHTS, read_card, read_model_folder, save_model_folder
from models.reader.reader import DigitReader
from models.reader.weights import BUNDLED_FOLDER
from scripts.record_seeds import compare_seeds


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_model_folder(tmp_path, [np.arange(6, dtype=np.float16).reshape(2, 3)], {"network": "test", "version": "1"})
    return tmp_path


def test_weights_and_card_are_read_as_written(folder: Path) -> None:
    weights, card = read_model_folder(folder)

    assert weights[0].dtype == np.float32
    assert weights[0].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert card["network"] == "test"


def test_changed_byte_is_detected(folder: Path) -> None:
    content = bytearray((folder / WEIGHTS).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / WEIGHTS).write_bytes(content)

    with pytest.raises(ModelFolderError, match="damaged"):
        read_model_folder(folder)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 99}'])
def test_damaged_card_and_other_format_are_rejected(folder: Path, content: str) -> None:
    (folder / CARD).write_text(content)

    with pytest.raises(ModelFolderError):
        read_model_folder(folder)


def test_missing_folder_and_missing_weights_are_reported(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match="not a model folder"):
        read_model_folder(tmp_path / "nowhere")
    (folder / WEIGHTS).unlink()
    with pytest.raises(ModelFolderError, match="cannot be read"):
        read_model_folder(folder)


def test_reader_rejects_another_network(folder: Path) -> None:
    with pytest.raises(ModelFolderError, match="'test'"):
        DigitReader.load(folder)


def test_reader_rejects_a_card_without_calibration(tmp_path: Path) -> None:
    save_model_folder(tmp_path, [np.zeros(3, np.float32)], {"network": "bundled", "version": "2"})

    with pytest.raises(ModelFolderError, match="damaged"):
        DigitReader.load(tmp_path)


def test_card_is_plain_json(folder: Path) -> None:
    assert json.loads((folder / CARD).read_text())["shapes"] == [[2, 3]]


def test_bundled_card_has_the_accuracy_of_other_seeds() -> None:
    """The accuracy of a single run says little."""
    card = read_card(BUNDLED_FOLDER)
    seeds = card["figures"]["seeds"]
    assert len({run["seed"] for run in seeds["runs"]}) == len({run["weights_sha256"] for run in seeds["runs"]}) >= 3
    assert seeds["mean_accuracy"] == pytest.approx(sum(run["accuracy"] for run in seeds["runs"]) / len(seeds["runs"]))
    own = next(run for run in seeds["runs"] if run["seed"] == card["config"]["seed"])
    assert own["accuracy"] == card["figures"]["test"]["accuracy"]
    assert own["weights_sha256"] == card["weights_sha256"]


def test_runs_are_compared_only_if_they_differ_in_the_seed_alone() -> None:
    card = read_card(BUNDLED_FOLDER)
    other = card | {"config": card["config"] | {"seed": 9}}
    assert [run["seed"] for run in compare_seeds([card, other])["runs"]] == [1, 9]
    assert compare_seeds([card, other | {"epochs_done": 3}])["runs"][1]["epochs"] == 3
    changes: list[dict[str, Any]] = [
        {"config": other["config"] | {"epochs": 1}},
        {"data_sha256": {}},
        {"config": card["config"]},
    ]
    for change in changes:
        with pytest.raises(SystemExit):
            compare_seeds([card, other | change])
