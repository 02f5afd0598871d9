"""The digit reader: images in, readings out, by the bundled network and what stands before and behind it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.calibration import score_rubbish, softmax
from models.errors import ModelFolderError
from models.model_folder import Weights, read_model_folder
from models.network import DIGITS, FIELD, build_bundled_network
from models.reader.inference import Inference
from models.reader.page import PageReading, read_page
from models.reader.preprocess import Preparation, Steps, prepare_image

BUNDLED_FOLDER = Path(__file__).parent.parent / "bundled"
READER_VERSION = "1"  # of the cards this reader understands
ALTERNATIVE_PROBABILITY = 0.01  # less is not worth naming
SCORE_WEIGHT = 1.0  # of the network's word against the preparation's prior, when readings are compared

Fields = NDArray[np.float32]  # (n, 28, 28) in 0..1


@dataclass(frozen=True)
class Alternative:
    digit: int
    probability: float


@dataclass(frozen=True)
class Judgement:
    """What the network says of one field. `rubbish_score` is log odds: the higher, the less of a digit."""

    verdict: str  # "digit", "unsure" or "not_a_digit"
    digit: int
    confidence: float  # calibrated: of digits given with 0.9, nine in ten are right
    probabilities: tuple[float, ...]  # ten, given that it is a digit
    rubbish_score: float

    @property
    def not_a_digit(self) -> float:
        """The probability of the network's eleventh output, 0..1."""
        return 1 / (1 + math.exp(min(max(-self.rubbish_score, -700.0), 700.0)))


@dataclass(frozen=True)
class Reading:
    """The answer for one image; `digit`, `box` and `steps` are None when it is blank."""

    verdict: str  # "digit", "unsure", "not_a_digit" or "blank"
    digit: int | None
    confidence: float
    probabilities: tuple[float, ...]
    alternatives: tuple[Alternative, ...]
    box: tuple[int, int, int, int] | None  # left, top, width, height in pixels of the image
    steps: Steps | None
    model: str
    seen: Fields | None = None  # (28, 28), what the network saw
    stages: dict[str, NDArray[np.uint8]] = field(default_factory=dict)  # grey images before it
    not_a_digit: float = 1.0  # probability, 0..1
    other_pieces: int = 0  # beside the digit, of its size: with any it is "unsure" which one is meant


class DigitReader:
    """A loaded model; one serves all threads."""

    def __init__(self, weights: Sequence[NDArray[np.float32]], card: dict[str, Any]) -> None:
        self.card = card
        self.model: str = card["version"]
        self.temperature = float(card["temperature"])
        self.sure_confidence = float(card["thresholds"]["sure_confidence"])
        self.doubt_score = float(card["thresholds"]["doubt_score"])
        self.rubbish_score = float(card["thresholds"]["rubbish_score"])
        self._weights = list(weights)
        self._inference = Inference(weights)

    @cached_property
    def network(self) -> Any:
        """The same as a keras.Model, for what looks inside."""
        network = build_bundled_network()
        network.set_weights(self._weights)
        network.trainable = False
        return network

    @classmethod
    def load(cls, folder: Path = BUNDLED_FOLDER) -> "DigitReader":
        """Read a model folder and check its hash; raises ModelFolderError."""
        weights, card = read_weights(folder)
        try:
            return cls(weights, card)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFolderError(f"{folder} is damaged: {error}") from error

    def warm_up(self) -> None:
        """Read once, so that the first request does not wait for it."""
        self.compute_logits(np.zeros((1, FIELD, FIELD), np.float32))

    def compute_logits(self, fields: Fields) -> NDArray[np.float32]:
        """Logits (n, 11) of fields (n, 28, 28)."""
        return self._inference.compute_logits(fields)

    def judge_fields(self, fields: Fields) -> list[Judgement]:
        """The network's word on each of (n, 28, 28)."""
        logits = self.compute_logits(fields)
        scores = score_rubbish(logits)
        probabilities = softmax(logits[:, :DIGITS] / self.temperature)
        return [self._judge(row, float(score)) for row, score in zip(probabilities, scores, strict=True)]

    def _judge(self, probabilities: NDArray[np.float64], score: float) -> Judgement:
        digit = int(probabilities.argmax())
        confidence = float(probabilities[digit])
        if score > self.rubbish_score:
            verdict = "not_a_digit"
        else:
            sure = confidence >= self.sure_confidence and score <= self.doubt_score
            verdict = "digit" if sure else "unsure"
        return Judgement(verdict, digit, confidence, tuple(float(p) for p in probabilities), score)

    def classify(
        self, images: Sequence[NDArray[Any]], polarity: str = "auto", keep_stages: bool = False
    ) -> list[Reading]:
        """Read images of one digit each, all in one batch; raises ImageError.

        An image is (height, width[, 1..4]) uint8, uint16 or float in 0..1, turned as its EXIF says.
        `polarity` is "auto", "dark" or "light" (the ink's).
        """
        prepared = [prepare_image(image, polarity, keep_stages) for image in images]
        fields = [one.field for readings in prepared for one in readings]
        judged = iter(self.judge_fields(np.stack(fields)) if fields else [])
        return [self._choose([(one, next(judged)) for one in readings]) for readings in prepared]

    def read(self, image: NDArray[Any], polarity: str = "auto") -> PageReading:
        """Read all digits of an image, line by line; raises ImageError. Takes what `classify` takes."""
        return read_page(self, image, polarity)

    def _choose(self, readings: list[tuple[Preparation, Judgement]]) -> Reading:
        """The reading that looks most like a digit, by the network and by the preparation's prior."""
        if not readings:
            return Reading("blank", None, 0.0, (0.0,) * DIGITS, (), None, None, self.model)
        prepared, judged = max(readings, key=lambda one: one[0].prior - SCORE_WEIGHT * one[1].rubbish_score)
        verdict = "unsure" if judged.verdict == "digit" and prepared.other_pieces else judged.verdict
        return Reading(
            verdict,
            judged.digit,
            judged.confidence,
            judged.probabilities,
            list_alternatives(judged),
            prepared.steps.box,
            prepared.steps,
            self.model,
            prepared.field,
            prepared.stages,
            judged.not_a_digit,
            prepared.other_pieces,
        )


def read_weights(folder: Path, first: int | None = None) -> tuple[Weights, dict[str, Any]]:
    """What `read_model_folder` reads, of a folder that this reader takes; raises ModelFolderError."""
    weights, card = read_model_folder(folder, first)
    if card.get("network") != "bundled" or str(card.get("version")) != READER_VERSION:
        raise ModelFolderError(
            f"{folder} holds the network {card.get('network')!r} of version {card.get('version')!r}; "
            f"this reader takes 'bundled' of version {READER_VERSION!r}"
        )
    return weights, card


def list_alternatives(judged: Judgement) -> tuple[Alternative, ...]:
    """The other digits it may be, the likeliest first."""
    order = sorted(range(DIGITS), key=lambda digit: -judged.probabilities[digit])
    return tuple(
        Alternative(digit, judged.probabilities[digit])
        for digit in order[1:]
        if judged.probabilities[digit] >= ALTERNATIVE_PROBABILITY
    )
