"""`convserve classify`, `read`, `model` and `train`."""

import csv
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from app.cli.commands import app
from models.reader.weights import BUNDLED_FOLDER
from tests.support.command_line import run_process
from tests.support.digit_images import find_digit, write_line, write_on_paper
from tests.support.images import encode
from tests.support.paths import MNIST_EXCERPT as EXCERPT

runner = CliRunner()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for digit in (3, 7):
        (tmp_path / f"{digit}.png").write_bytes(encode(write_on_paper(find_digit(digit))))
    (tmp_path / "broken.png").write_bytes(encode(find_digit(1))[:70])
    return tmp_path


def test_classify_reports_a_bad_file_and_reads_the_others(folder: Path) -> None:
    result = runner.invoke(app, ["classify", str(folder), "--json"])
    assert result.exit_code == 1
    rows = json.loads(result.stdout)
    assert [(Path(row["file"]).name, row["digit"]) for row in rows] == [("3.png", 3), ("7.png", 7)]
    assert "broken.png: " in result.stderr


def test_classify_prints_csv_or_a_table(folder: Path) -> None:
    (folder / "broken.png").unlink()
    written = runner.invoke(app, ["classify", str(folder), "--csv"])
    rows = list(csv.DictReader(io.StringIO(written.stdout)))
    assert [row["digit"] for row in rows] == ["3", "7"]
    assert float(rows[0]["confidence"]) > 0.5
    table = runner.invoke(app, ["classify", str(folder)])
    assert table.exit_code == 0
    assert "verdict" in table.stdout


def test_read_prints_the_text_of_each_image(tmp_path: Path) -> None:
    Image.fromarray(write_line([2, 7, 1, 8])).save(tmp_path / "line.png")
    result = runner.invoke(app, ["read", str(tmp_path / "line.png"), "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)[0]["text"] == "2718"


def test_model_prints_the_card() -> None:
    result = runner.invoke(app, ["model"])
    assert json.loads(result.stdout)["network"] == "bundled"


def test_a_damaged_model_ends_the_start_with_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = tmp_path / "model"
    shutil.copytree(BUNDLED_FOLDER, damaged)
    weights = bytearray((damaged / "weights.npz").read_bytes())
    weights[len(weights) // 2] ^= 1
    (damaged / "weights.npz").write_bytes(weights)
    monkeypatch.setenv("CONVSERVE_MODEL_FOLDER", str(damaged))
    result = runner.invoke(app, ["serve"])
    assert result.exit_code == 2
    assert "is damaged: its hash is" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_an_unknown_polarity_is_rejected(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "a.png")
    result = runner.invoke(app, ["classify", str(tmp_path / "a.png"), "--polarity", "both"])
    assert result.exit_code == 2
    assert "--polarity both: Input should be 'auto', 'dark' or 'light'." in result.stderr


def test_strictness_is_an_option(tmp_path: Path) -> None:
    (tmp_path / "3.png").write_bytes(encode(write_on_paper(find_digit(3))))
    for command in ("classify", "read"):
        found = [
            json.loads(runner.invoke(app, [command, str(tmp_path), "--json", "--strictness", value]).stdout)[0]
            for value in ("0", "1")
        ]
        verdicts = [row["verdict"] if command == "classify" else row["digits"][0]["verdict"] for row in found]
        assert verdicts[0] == "digit" != verdicts[1]
    wrong = runner.invoke(app, ["classify", str(tmp_path), "--strictness", "2"])
    assert (wrong.exit_code, "--strictness 2: " in wrong.stderr) == (2, True)


def test_json_and_csv_exclude_each_other(tmp_path: Path) -> None:
    result = runner.invoke(app, ["read", str(tmp_path), "--json", "--csv"])
    assert result.exit_code == 2
    assert "--json and --csv" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--data", "nowhere"], "nowhere has no train-images-idx3-ubyte"),
        (["--data", str(EXCERPT), "--epochs", "1"], "5000 are held out for calibration"),
    ],
)
def test_a_mistake_in_training_ends_with_one_line(tmp_path: Path, arguments: list[str], says: str) -> None:
    command = [sys.executable, "-m", "app", "train", "--out", str(tmp_path / "run"), *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert says in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("command", ["classify", "read"])
def test_a_process_prints_nothing_of_tensorflow(tmp_path: Path, command: str) -> None:
    Image.fromarray(write_line([2])).save(tmp_path / "line.png")
    result = run_process(command, tmp_path / "line.png", "--json")
    assert (result.returncode, result.stderr) == (0, "")
