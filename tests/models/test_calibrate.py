"""Calibration on written images, with the bundled network and held-out digits of the excerpt."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models import calibrate
from models.errors import ModelFolderError
from models.model_folder import CARD, read_model_folder, save_model_folder
from models.reader.reader import DigitReader
from models.reader.weights import BUNDLED_FOLDER
from models.training.mnist import LabelledImages, Mnist
from models.training.written_images import (
    SINGLE_IMAGES,
    Image,
    vary_digits,
    vary_non_digits,
    write_line,
)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate, "MAX_IMAGES", 120)


@pytest.mark.parametrize("kind", SINGLE_IMAGES)
def test_written_digits_can_be_read_and_differ_from_the_paper(kind: str, reader: DigitReader, excerpt: Mnist) -> None:
    labels, inks = vary_digits(excerpt.test, 60, np.random.default_rng(1))
    images = [SINGLE_IMAGES[kind](ink, np.random.default_rng([2, n])) for n, ink in enumerate(inks)]

    readings = reader.classify(images)

    assert np.mean([one.digit == label for one, label in zip(readings, labels, strict=True)]) >= 0.85
    assert all(image.dtype == np.uint8 and image.ndim == 2 for image in images)
    again = SINGLE_IMAGES[kind](inks[0], np.random.default_rng([2, 0]))
    np.testing.assert_array_equal(images[0], again)
    empty = [SINGLE_IMAGES[kind](np.zeros((28, 28), np.float32), np.random.default_rng([2, n])) for n in range(20)]
    assert np.mean([differ(image, blank) for image, blank in zip(images, empty, strict=False)]) > 0.95


def differ(one: Image, other: Image) -> bool:
    return one.shape != other.shape or bool((one != other).any())


def test_a_written_line_has_its_digits_from_left_to_right(reader: DigitReader, excerpt: Mnist) -> None:
    generator = np.random.default_rng(6)
    labels, inks = vary_digits(excerpt.test, 40, generator)
    texts = ["".join(map(str, labels[start : start + 4])) for start in range(0, 40, 4)]

    read = [reader.read(write_line(list(inks[start : start + 4]), generator)).text for start in range(0, 40, 4)]

    assert np.mean([one == text for one, text in zip(read, texts, strict=True)]) >= 0.5


def test_non_digits_are_seldom_accepted(reader: DigitReader, excerpt: Mnist) -> None:
    generator = np.random.default_rng(3)
    inks = vary_non_digits(excerpt.test, 80, generator)
    readings = reader.classify([SINGLE_IMAGES["photographs"](ink, generator) for ink in inks])

    assert len(inks) > 60
    assert np.mean([one.verdict == "digit" for one in readings]) < 0.15


@pytest.mark.slow
def test_the_temperature_of_logits_three_times_as_large_is_three_times_as_high(few: None, excerpt: Mnist) -> None:
    weights, _ = read_model_folder(BUNDLED_FOLDER)
    overconfident: list[NDArray[np.floating]] = [*weights]
    digits = np.r_[np.full(10, 3.0), 1.0]  # the score of "not a digit" stays about the same
    overconfident[-2], overconfident[-1] = weights[-2] * digits, weights[-1] * digits

    plain = calibrate.calibrate(weights, excerpt.test, seed=1)
    tripled = calibrate.calibrate([np.asarray(one, np.float32) for one in overconfident], excerpt.test, seed=1)

    # Not exactly: the reader also chooses by logits which part of an image it reads.
    assert tripled["temperature"] / plain["temperature"] == pytest.approx(3, rel=0.3)


@pytest.mark.slow
def test_the_card_gets_the_calibration_of_every_kind_and_the_weights_stay(
    few: None, excerpt: Mnist, tmp_path: Path
) -> None:
    shutil.copytree(BUNDLED_FOLDER, tmp_path / "model")
    before = json.loads((tmp_path / "model" / CARD).read_text())
    held_out = LabelledImages(excerpt.test.images[:200], excerpt.test.labels[:200])
    mnist = Mnist(LabelledImages(excerpt.train.images, excerpt.train.labels), held_out, excerpt.sha256)
    (tmp_path / "model" / CARD).write_text(json.dumps(before | {"config": before["config"] | {"validation": 150}}))

    card = calibrate.calibrate_folder(tmp_path / "model", mnist)

    written = json.loads((tmp_path / "model" / CARD).read_text())
    assert written == card
    assert written["weights_sha256"] == before["weights_sha256"]
    assert 0.5 < card["temperature"] < 5
    assert set(card["calibration"]["kinds"]) == {*SINGLE_IMAGES, "lines"}
    for name in (*SINGLE_IMAGES, "lines", "not a digit"):
        shares = [row[name] for row in card["strictness"]]
        assert shares == sorted(shares, reverse=True)
    assert all(row["photographs"] > row["not a digit"] for row in card["strictness"])
    assert DigitReader.load(tmp_path / "model").classifier.temperature == card["temperature"]


def test_only_the_bundled_network_is_calibrated(excerpt: Mnist, tmp_path: Path) -> None:
    weights, card = read_model_folder(BUNDLED_FOLDER)
    save_model_folder(tmp_path, list(weights), card | {"network": "lecture"})

    with pytest.raises(ModelFolderError, match="'lecture': only 'bundled' is calibrated"):
        calibrate.calibrate_folder(tmp_path, excerpt)
