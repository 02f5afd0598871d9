"""Calibrate a trained model folder: `python -m models.calibrate FOLDER --data DIR`.

Held-out digits are written into images of several kinds (`models.training.written_images`), and the whole reader reads
them. One half of the images gives the temperature; the other half gives the calibration error of each kind and the
table of strictness. Training does this at its end. The command repeats it for a folder whose weights stay.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from models.calibration import fit_temperature, measure_calibration_error, softmax
from models.errors import ModelError, ModelFolderError
from models.model_folder import read_model_folder, save_card
from models.network import DIGITS
from models.reader.reader import DigitReader
from models.training.card import MODEL_VERSION, describe_accuracy
from models.training.config import DataOption
from models.training.data import split_validation
from models.training.mnist import LabelledImages, Mnist, load_mnist
from models.training.written_images import (
    LINE_LENGTHS,
    SINGLE_IMAGES,
    vary_digits,
    vary_non_digits,
    write_line,
)
from models.types import Labels, Values

STRICTNESS = 0.9
"""Of the written card. docs/engineering/digit-accuracy.md has the trade-off behind it."""
STRICTNESS_TABLE = (0.5, 0.7, 0.8, 0.85, 0.9, 0.95, 0.97, 0.98, 0.99)
MAX_IMAGES = 1000  # of each kind; of lines, digits
CHUNK = 256  # images per call of the reader
LINES = "lines"
NON_DIGITS = "not a digit"
MIN_PROBABILITY = 1e-12


@dataclass(frozen=True)
class ReadImages:
    """What the reader answers without calibration, for images of one kind that it takes for digits."""

    logits: NDArray[np.float64]  # (n, 10), up to a constant for each row
    not_a_digit: NDArray[np.float64]  # (n,) in 0..1
    labels: Labels  # (n,)
    count: int  # of images, with those that are blank or have other pieces

    def take(self, start: int) -> "ReadImages":
        """Every second one, from `start`, 0 or 1."""
        return ReadImages(
            self.logits[start::2], self.not_a_digit[start::2], self.labels[start::2], (self.count + 1 - start) // 2
        )

    def compute_confidences(self, temperature: float) -> NDArray[np.float64]:
        return np.asarray(softmax(self.logits / temperature).max(axis=1))

    @property
    def correct(self) -> NDArray[np.bool_]:
        return np.asarray(self.logits.argmax(axis=1) == self.labels)

    def count_accepted(self, temperature: float, strictness: float) -> int:
        return int((self.compute_confidences(temperature) * (1 - self.not_a_digit) >= strictness).sum())


def calibrate_folder(folder: Path, mnist: Mnist) -> dict[str, Any]:
    """Write temperature, strictness and calibration to the card of a model folder, and return the card.

    The digits are those that the training run has held out. Raises ModelError.
    """
    weights, card = read_model_folder(folder)
    if card["network"] != "bundled":
        raise ModelFolderError(f"{folder} has the network {card['network']!r}: only 'bundled' is calibrated")
    held_out = split_validation(mnist.train, card["config"]["validation"])[1]
    card |= calibrate(weights, held_out, card["config"]["seed"])
    save_card(folder, card)
    return card


def calibrate(weights: Sequence[Values], held_out: LabelledImages, seed: int) -> dict[str, Any]:
    """The part of a card that depends on calibration, for weights and digits (n, 28, 28) held out of training."""
    generator = np.random.default_rng([seed, 13])
    plain = {"version": MODEL_VERSION, "temperature": 1.0, "thresholds": {"strictness": STRICTNESS}}
    reader = DigitReader(weights, plain)
    count = min(MAX_IMAGES, len(held_out.images))
    kinds = {name: read_single_images(reader, name, held_out, count, generator) for name in SINGLE_IMAGES}
    kinds[LINES] = read_lines(reader, held_out, count, generator)
    non_digits = read_non_digits(reader, held_out, count // 2, generator)  # each is looked at as a page, too
    fitted = [read.take(0) for read in kinds.values()]
    temperature = fit_temperature(
        np.concatenate([read.logits for read in fitted]), np.concatenate([read.labels for read in fitted])
    )
    return {
        "version": MODEL_VERSION,
        "temperature": temperature,
        "thresholds": {"strictness": STRICTNESS},
        "calibration": {
            "on": "half of the images of digits held out of training; the other half gives the temperature",
            **describe_calibration({name: read.take(1) for name, read in kinds.items()}, temperature),
        },
        "strictness": [
            {"strictness": strictness}
            | {
                name: round(read.count_accepted(temperature, strictness) / max(read.count, 1), 4)
                for name, read in {**kinds, NON_DIGITS: non_digits}.items()
            }
            for strictness in STRICTNESS_TABLE
        ],
    }


def describe_calibration(kinds: dict[str, ReadImages], temperature: float) -> dict[str, Any]:
    """Expected calibration error of all kinds together, and with the accuracy for each kind."""
    confidences = {name: read.compute_confidences(temperature) for name, read in kinds.items()}
    return {
        "expected_error": measure_calibration_error(
            np.concatenate(list(confidences.values())), np.concatenate([read.correct for read in kinds.values()])
        ),
        "kinds": {
            name: {
                "accuracy": describe_accuracy(read.correct),
                "expected_error": measure_calibration_error(confidences[name], read.correct),
            }
            for name, read in kinds.items()
        },
    }


def read_single_images(
    reader: DigitReader, kind: str, pool: LabelledImages, count: int, generator: np.random.Generator
) -> ReadImages:
    labels, inks = vary_digits(pool, count, generator)
    return read_images(reader, [SINGLE_IMAGES[kind](ink, generator) for ink in inks], labels)


def read_non_digits(
    reader: DigitReader, pool: LabelledImages, count: int, generator: np.random.Generator
) -> ReadImages:
    """Characters that are not digits, in images of all kinds."""
    inks = vary_non_digits(pool, count, generator)
    draw = list(SINGLE_IMAGES.values())
    images = [draw[number % len(draw)](ink, generator) for number, ink in enumerate(inks)]
    return read_images(reader, images, np.full(len(images), -1, np.int32))


def read_images(reader: DigitReader, images: Sequence[NDArray[np.uint8]], labels: Labels) -> ReadImages:
    """Images of one character each."""
    readings = [one for start in range(0, len(images), CHUNK) for one in reader.classify(images[start : start + CHUNK])]
    whole = [number for number, one in enumerate(readings) if one.digit is not None and not one.other_pieces]
    return ReadImages(
        take_logs([readings[number].probabilities for number in whole]),
        np.array([readings[number].not_a_digit for number in whole]),
        labels[whole],
        len(images),
    )


def read_lines(reader: DigitReader, pool: LabelledImages, count: int, generator: np.random.Generator) -> ReadImages:
    """Lines of digits, about `count` digits in all. A line in which digits are lost or added is left out: it does not
    tell which answer belongs to which digit.
    """
    labels, inks = vary_digits(pool, count, generator)
    kept, wanted = [], []
    start = 0
    while start < count:
        stop = start + int(generator.integers(LINE_LENGTHS[0], LINE_LENGTHS[1] + 1))
        page = reader.read(write_line(list(inks[start:stop]), generator))
        digits = [one for one in page.digits if one.line == 0 and one.verdict != "not_a_digit"]
        if len(page.lines) == 1 and len(digits) == len(labels[start:stop]):
            kept += digits
            wanted += labels[start:stop].tolist()
        start = stop
    return ReadImages(
        take_logs([one.probabilities for one in kept]),
        np.array([one.not_a_digit for one in kept]),
        np.array(wanted, np.int32),
        count,
    )


def take_logs(probabilities: Sequence[tuple[float, ...]]) -> NDArray[np.float64]:
    """Logits (n, 10), up to a constant for each row, of probabilities at the temperature 1."""
    return np.log(np.maximum(np.array(probabilities).reshape(-1, DIGITS), MIN_PROBABILITY))


def main(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Model folder, whose card is changed.")],
    data: DataOption = None,
) -> None:
    """Calibrate a trained digit network."""
    try:
        card = calibrate_folder(folder, load_mnist(data))
    except ModelError as error:
        sys.exit(str(error))
    print(f"{folder}: temperature {card['temperature']:.3f}")
    for name, kind in card["calibration"]["kinds"].items():
        right, gap = kind["accuracy"]["accuracy"], kind["expected_error"]
        print(f"{name}: accuracy {right:.4f}, expected calibration error {100 * gap:.2f} %")
    print(f"all: expected calibration error {100 * card['calibration']['expected_error']:.2f} %")
    for row in card["strictness"]:
        print(", ".join(f"{name} {value}" for name, value in row.items()))


if __name__ == "__main__":
    typer.run(main)
