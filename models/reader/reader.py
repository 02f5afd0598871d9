"""The digit reader: preprocessing, the bundled network and the choice of the answer in one object."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from models.errors import ModelFolderError
from models.network import DIGITS, FIELD, build_bundled_network
from models.reader.classifier import FieldClassifier
from models.reader.half_precision import encode_half_precision
from models.reader.page import count_digits, prefer_single_digit, read_page
from models.reader.preprocess import Preparation, prepare_image
from models.reader.results import Alternative, Classification, PageReading, Reading
from models.reader.weights import BUNDLED_FOLDER, read_weights
from models.types import Pixels, Values

MIN_ALTERNATIVE = 0.01  # probability, for an alternative to be listed
SCORE_WEIGHT = 1.0  # of the network's score against the prior, in the comparison of interpretations


class DigitReader:
    """A loaded model. Thread-safe."""

    def __init__(self, weights: Sequence[Values], card: dict[str, Any]) -> None:
        self.card = card
        self.model: str = card["version"]
        self.classifier = FieldClassifier(weights, card)
        self._weights = list(weights)

    @cached_property
    def network(self) -> Any:
        """The network as a keras.Model, for access to its layers."""
        network = build_bundled_network()
        network.set_weights(self._weights)
        network.trainable = False
        return network

    @classmethod
    def load(cls, folder: Path = BUNDLED_FOLDER) -> "DigitReader":
        """Load a model folder and verify its hash. Raises ModelFolderError."""
        weights, card = read_weights(folder)
        try:
            return cls(weights, card)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFolderError(f"{folder} is damaged: {error}") from error

    def encode_half_precision(self) -> bytes:
        """The network as a safetensors file with float16 kernels, for browsers."""
        return encode_half_precision(self._weights, self.card)

    def warm_up(self) -> None:
        """Run the network once, so that the first request does not pay for its initialization."""
        self.classifier.compute_logits(np.zeros((1, FIELD, FIELD), np.float32))

    def classify(
        self, images: Sequence[Pixels], polarity: str = "auto", keep_stages: bool = False,
        strictness: float | None = None,
    ) -> list[Reading]:  # fmt: skip
        """Read images of one digit each, in one batch. Raises InvalidImageError.

        Images are upright (EXIF orientation applied). `polarity` is "auto", "dark" or "light" (of the ink).
        `keep_stages` adds grey images of the preprocessing. An image that is not one digit but has several is "unsure".
        `strictness`, 0..1, is the probability that a digit needs to be accepted, by default that of the card.
        """
        classifier = self.classifier.with_strictness(strictness)
        readings = self._classify_each(classifier, images, polarity, keep_stages)
        return [
            self._look_for_several(classifier, image, one, polarity)
            for image, one in zip(images, readings, strict=True)
        ]

    def _classify_each(
        self, classifier: FieldClassifier, images: Sequence[Pixels], polarity: str, keep_stages: bool = False
    ) -> list[Reading]:
        prepared = [prepare_image(image, polarity, keep_stages) for image in images]
        fields = [one.field for preparations in prepared for one in preparations]
        classified = iter(classifier.classify(np.stack(fields)) if fields else [])
        return [self._choose([(one, next(classified)) for one in preparations]) for preparations in prepared]

    def read(self, image: Pixels, polarity: str = "auto", strictness: float | None = None) -> PageReading:
        """Read all digits of an image, line by line. Same arguments and exceptions as `classify`."""
        classifier = self.classifier.with_strictness(strictness)
        page = read_page(classifier, image, self.model, polarity)
        return prefer_single_digit(self._classify_each(classifier, [image], polarity)[0], page)

    def _look_for_several(self, classifier: FieldClassifier, image: Pixels, reading: Reading, polarity: str) -> Reading:
        """The reading, or "unsure" with the number of other digits if the image is a page of digits."""
        if reading.verdict != "not_a_digit" or reading.steps is None or reading.steps.as_is:
            return reading
        count = count_digits(classifier, image, polarity)
        if count < 2:
            return reading
        return replace(reading, verdict="unsure", other_pieces=max(count - 1, reading.other_pieces))

    def _choose(self, candidates: list[tuple[Preparation, Classification]]) -> Reading:
        """The interpretation that is most likely a digit, by the network's score and the prior."""
        if not candidates:
            return Reading("blank", None, 0.0, (0.0,) * DIGITS, (), None, None, self.model)
        prepared, classified = max(candidates, key=lambda one: one[0].prior - SCORE_WEIGHT * one[1].not_a_digit_score)
        verdict = "unsure" if classified.verdict == "digit" and prepared.other_pieces else classified.verdict
        if prepared.is_texture:
            verdict = "not_a_digit"
        return Reading(
            verdict,
            classified.digit,
            classified.confidence,
            classified.probabilities,
            list_alternatives(classified),
            prepared.steps.box,
            prepared.steps,
            self.model,
            prepared.field,
            prepared.stages,
            classified.not_a_digit,
            prepared.other_pieces,
        )


def list_alternatives(classified: Classification) -> tuple[Alternative, ...]:
    """The other likely digits, the most likely first."""
    order = sorted(range(DIGITS), key=lambda digit: -classified.probabilities[digit])
    return tuple(
        Alternative(digit, classified.probabilities[digit])
        for digit in order[1:]
        if classified.probabilities[digit] >= MIN_ALTERNATIVE
    )
