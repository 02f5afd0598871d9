import dataclasses
import json
import os
import re
import subprocess
import sys
from functools import wraps
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from app.cli.commands import app as commands
from models.calibrate import calibrate_folder
from models.errors import CheckpointError
from models.model_folder import CARD, WEIGHTS, read_card, read_model_folder
from models.reader.reader import DigitReader
from models.reader.weights import BUNDLED_FOLDER
from models.train import list_options, main, train
from models.training.config import DEFAULTS, NetworkName, TrainConfig, configure
from models.training.mnist import LabelledImages, Mnist
from models.training.run import load_start, train_network
from tests.support.paths import MNIST_EXCERPT

SMALL = TrainConfig(network="bundled", epochs=2, batch=64, real=400, validation=100, drawn=60, rubbish=100, seed=3)
ACCURACY_OF_A_SHORT_RUN = 0.9  # measured 0.9325 (seed 3) and 0.945 (seed 4)


def cut(mnist: Mnist, count: int) -> Mnist:
    test = LabelledImages(mnist.test.images[:count], mnist.test.labels[:count])
    return Mnist(mnist.train, test, mnist.sha256)


@pytest.mark.slow
@pytest.mark.parametrize("network", ["bundled", "lecture"])
def test_resumed_run_equals_uninterrupted_run(network: NetworkName, excerpt: Mnist, tmp_path: Path) -> None:
    config = SMALL if network == "bundled" else TrainConfig(
        network, epochs=2, batch=64, real=300, validation=0, drawn=0, rubbish=0
    )  # fmt: skip
    mnist = cut(excerpt, 50)

    train_network(config, mnist, tmp_path / "uninterrupted")
    train_network(config, mnist, tmp_path / "interrupted", stop_after=1)
    assert not (tmp_path / "interrupted" / WEIGHTS).exists()
    train_network(config, mnist, tmp_path / "interrupted")

    uninterrupted, _ = read_model_folder(tmp_path / "uninterrupted")
    resumed, card = read_model_folder(tmp_path / "interrupted")
    for one, other in zip(uninterrupted, resumed, strict=True):
        np.testing.assert_array_equal(one, other)
    assert [row["epoch"] for row in card["figures"]["curves"]] == [1, 2]


@pytest.mark.slow
def test_finish_writes_the_model_of_the_last_epoch(excerpt: Mnist, tmp_path: Path) -> None:
    config = TrainConfig("lecture", epochs=9, batch=64, real=128, validation=0, drawn=0, rubbish=0)
    train_network(config, cut(excerpt, 10), tmp_path, stop_after=1)

    card = train_network(config, cut(excerpt, 10), tmp_path, finish=True)

    assert card["epochs_done"] == 1
    assert read_model_folder(tmp_path)[1]["weights_sha256"]


@pytest.mark.slow
def test_checkpoint_of_another_run_is_rejected(excerpt: Mnist, tmp_path: Path) -> None:
    config = TrainConfig("lecture", epochs=2, batch=64, real=128, validation=0, drawn=0, rubbish=0)
    train_network(config, cut(excerpt, 10), tmp_path, stop_after=1)

    with pytest.raises(CheckpointError, match="seed"):
        train_network(dataclasses.replace(config, seed=9), cut(excerpt, 10), tmp_path)


@pytest.mark.slow
def test_short_run_learns_and_writes_all_files(excerpt: Mnist, tmp_path: Path) -> None:
    config = dataclasses.replace(SMALL, epochs=6, batch=32, real=600)

    card = train_network(config, excerpt, tmp_path)

    assert card["figures"]["test"]["accuracy"] >= ACCURACY_OF_A_SHORT_RUN
    calibrate_folder(tmp_path, excerpt)
    curves = json.loads((tmp_path / "curves.json").read_text())
    assert curves[-1]["train_loss"] < 0.7 * curves[0]["train_loss"]
    assert (tmp_path / "curves.png").stat().st_size > 1000
    assert list((tmp_path / "summaries").glob("events.*"))
    written = json.loads((tmp_path / CARD).read_text())
    assert written["data_sha256"] == excerpt.sha256
    assert written["data_is_mnist"] is False
    assert 0.2 < written["temperature"] < 10
    assert 0 < written["thresholds"]["strictness"] < 1
    assert DigitReader.load(tmp_path).classify([excerpt.test.images[0]])[0].digit is not None


@pytest.mark.slow
def test_a_run_starts_from_trained_weights(excerpt: Mnist, tmp_path: Path) -> None:
    config, start = load_start(dataclasses.replace(SMALL, epochs=1), BUNDLED_FOLDER)

    started = train_network(config, excerpt, tmp_path / "started", start=start)
    fresh = train_network(dataclasses.replace(SMALL, epochs=1), excerpt, tmp_path / "fresh")

    accuracies = [card["figures"]["test"]["accuracy"] for card in (started, fresh)]
    assert accuracies[0] > 0.98 > accuracies[1] + 0.05
    assert started["config"]["start"] == read_card(BUNDLED_FOLDER)["weights_sha256"]
    trained, _ = read_model_folder(tmp_path / "started")
    assert start is not None
    assert any((one != other).any() for one, other in zip(start.weights, trained, strict=True))
    earlier = read_card(BUNDLED_FOLDER)["figures"]["curves"]
    curves = started["figures"]["curves"]
    assert curves[:-1] == earlier
    assert [row["epoch"] for row in curves] == list(range(1, len(earlier) + 2))
    assert json.loads((tmp_path / "started" / "curves.json").read_text()) == curves
    with pytest.raises(CheckpointError, match="start"):
        train_network(dataclasses.replace(config, start=""), excerpt, tmp_path / "started")


def test_lecture_network_trains_on_all_images_without_negatives() -> None:
    config = configure(DEFAULTS, "lecture", epochs=5, batch=64, seed=2)

    assert (config.epochs, config.batch, config.seed, config.real) == (5, 64, 2, None)
    assert (config.validation, config.drawn, config.rubbish) == (0, 0, 0)


def test_usage_has_the_name_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    own = capsys.readouterr().out
    help_of_service = CliRunner().invoke(commands, ["train", "--help"], prog_name="convserve").output

    assert "Usage: python -m models.train [OPTIONS]" in own
    assert "Usage: convserve train [OPTIONS]" in help_of_service
    assert own.replace("python -m models.train", "convserve train").split() == help_of_service.split()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--index", "1"], "--index needs --workers"),
        (["--workers", "a:1,b:2"], "--workers a:1,b:2 needs --index"),
        (["--workers", "0"], "give 1 or more"),
        (["--workers", "2", "--index", "0"], "and no --index"),
        (["--data", "no-such-folder"], "no-such-folder"),
        (["--start", "no-such-folder", "--data", str(MNIST_EXCERPT)], "no-such-folder is not a model folder"),
        (
            ["--network", "lecture", "--start", str(BUNDLED_FOLDER), "--data", str(MNIST_EXCERPT)],
            "--network is 'lecture': both must be 'bundled'",
        ),
    ],
)
def test_invalid_options_are_explained(options: list[str], message: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=re.escape(message)):
        main([*options, "--out", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


def test_workers_on_this_machine_get_the_other_options() -> None:
    given = ["--out", "o", "--network", "lecture", "--workers", "2", "--finish"]
    found: list[list[str]] = []
    app = typer.Typer()
    app.command()(wraps(train)(lambda context, **_: found.append(list_options(context))))

    CliRunner().invoke(app, given, catch_exceptions=False)

    assert set(found[0]) >= {"--out=o", "--network=lecture", "--finish", "--epochs=20"}
    assert not [option for option in found[0] if option.startswith(("--workers", "--index", "--data"))]


@pytest.mark.slow
def test_command_prints_one_line_per_epoch_and_the_accuracy(tmp_path: Path) -> None:
    """And no start-up messages of TensorFlow."""
    command = [sys.executable, "-m", "models.train", "--network", "lecture", "--epochs", "2"]
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}

    ended = subprocess.run(
        [*command, "--data", str(MNIST_EXCERPT), "--out", str(tmp_path)],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip

    figures = r"loss [0-9.]+ accuracy 0\.\d{4} \d+ s\n"
    assert re.fullmatch(f"epoch 1/2 {figures}epoch 2/2 {figures}", ended.stderr)
    assert re.fullmatch(f"{re.escape(str(tmp_path))}: test accuracy 0\\.\\d{{4}}\n", ended.stdout)
