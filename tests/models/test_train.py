import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from models.errors import CheckpointError
from models.model_folder import CARD, WEIGHTS, read_model_folder
from models.train import parse_arguments
from models.training.config import TrainConfig
from models.training.mnist import LabelledImages, Mnist
from models.training.run import train_network

SMALL = TrainConfig(network="bundled", epochs=2, batch=64, real=400, validation=100, drawn=60, rubbish=100, seed=3)
ACCURACY_OF_A_SHORT_RUN = 0.9  # measured 0.9325 (seed 3) and 0.945 (seed 4)


def cut(mnist: Mnist, count: int) -> Mnist:
    test = LabelledImages(mnist.test.images[:count], mnist.test.labels[:count])
    return Mnist(mnist.train, test, mnist.sha256)


@pytest.mark.slow
@pytest.mark.parametrize("network", ["bundled", "lecture"])
def test_a_resumed_run_ends_as_an_unbroken_one(network: str, excerpt: Mnist, tmp_path: Path) -> None:
    config = SMALL if network == "bundled" else TrainConfig(
        network, epochs=2, batch=64, real=300, validation=0, drawn=0, rubbish=0
    )  # fmt: skip
    mnist = cut(excerpt, 50)

    train_network(config, mnist, tmp_path / "unbroken")
    train_network(config, mnist, tmp_path / "broken", stop_after=1)
    assert not (tmp_path / "broken" / WEIGHTS).exists()
    train_network(config, mnist, tmp_path / "broken")

    unbroken, _ = read_model_folder(tmp_path / "unbroken")
    resumed, card = read_model_folder(tmp_path / "broken")
    for one, other in zip(unbroken, resumed, strict=True):
        np.testing.assert_array_equal(one, other)
    assert [row["epoch"] for row in card["figures"]["curves"]] == [1, 2]


@pytest.mark.slow
def test_a_run_can_be_finished_early(excerpt: Mnist, tmp_path: Path) -> None:
    config = TrainConfig("lecture", epochs=9, batch=64, real=128, validation=0, drawn=0, rubbish=0)
    train_network(config, cut(excerpt, 10), tmp_path, stop_after=1)

    card = train_network(config, cut(excerpt, 10), tmp_path, finish=True)

    assert card["epochs_done"] == 1
    assert read_model_folder(tmp_path)[1]["weights_sha256"]


@pytest.mark.slow
def test_a_checkpoint_of_another_run_is_not_gone_on_from(excerpt: Mnist, tmp_path: Path) -> None:
    config = TrainConfig("lecture", epochs=2, batch=64, real=128, validation=0, drawn=0, rubbish=0)
    train_network(config, cut(excerpt, 10), tmp_path, stop_after=1)

    with pytest.raises(CheckpointError, match="seed"):
        train_network(dataclasses.replace(config, seed=9), cut(excerpt, 10), tmp_path)


@pytest.mark.slow
def test_a_short_run_on_real_pixels_learns_and_leaves_all_it_promises(excerpt: Mnist, tmp_path: Path) -> None:
    config = dataclasses.replace(SMALL, epochs=6, batch=32, real=600)

    card = train_network(config, excerpt, tmp_path)

    assert card["figures"]["test"]["accuracy"] >= ACCURACY_OF_A_SHORT_RUN
    curves = json.loads((tmp_path / "curves.json").read_text())
    assert curves[-1]["train_loss"] < 0.7 * curves[0]["train_loss"]
    assert (tmp_path / "curves.png").stat().st_size > 1000
    assert list((tmp_path / "summaries").glob("events.*"))
    written = json.loads((tmp_path / CARD).read_text())
    assert written["data_sha256"] == excerpt.sha256
    assert written["data_is_mnist"] is False
    assert 0.2 < written["temperature"] < 10
    assert {"sure_confidence", "doubt_score", "rubbish_score"} == set(written["thresholds"])


def test_the_lecture_s_networks_train_on_all_images_without_rubbish() -> None:
    run = parse_arguments(["--network", "lecture", "--data", "d", "--out", "o", "--epochs", "5"])

    assert (run.config.epochs, run.config.batch, run.config.validation, run.config.rubbish) == (5, 128, 0, 0)
    assert (run.data, run.out, run.finish) == (Path("d"), Path("o"), False)
