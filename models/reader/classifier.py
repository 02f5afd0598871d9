"""Classify 28x28 fields with the bundled network, calibrated probabilities and a strictness, by default its card's."""

import copy
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.calibration import score_not_a_digit, softmax
from models.network import DIGITS
from models.reader.inference import Inference
from models.reader.results import Classification
from models.types import Fields, Values

MIN_STRICTNESS = 1e-9  # of the reject score, which would be infinite at 0 and 1


class FieldClassifier:
    """A trained network with its calibration. Thread-safe.

    Raises KeyError, TypeError or ValueError if the card lacks a value or the weights have other shapes.
    """

    def __init__(self, weights: Sequence[Values], card: dict[str, Any]) -> None:
        self.temperature = float(card["temperature"])
        self.strictness = float(card["thresholds"]["strictness"])
        self._inference = Inference(weights)

    def with_strictness(self, strictness: float | None) -> "FieldClassifier":
        """The same network with another strictness, 0..1; None keeps the card's."""
        if strictness is None:
            return self
        other = copy.copy(self)
        other.strictness = strictness
        return other

    @property
    def reject_score(self) -> float:
        """Log odds of "not a digit" above which the verdict is "not_a_digit"."""
        share = min(max(self.strictness, MIN_STRICTNESS), 1 - MIN_STRICTNESS)
        return math.log((1 - share) / share)

    def compute_logits(self, fields: Fields) -> Values:
        """Logits (n, 11)."""
        return self._inference.compute_logits(fields)

    def compute_features(self, fields: Fields) -> Values:
        """Features (n, 1024) for classes of a user's own (`models.class_head`)."""
        return self._inference.compute_features(fields)

    def classify(self, fields: Fields) -> list[Classification]:
        logits = self.compute_logits(fields)
        scores = score_not_a_digit(logits)
        probabilities = softmax(logits[:, :DIGITS] / self.temperature)
        return [self.decide(p, float(score)) for p, score in zip(probabilities, scores, strict=True)]

    def decide(self, probabilities: NDArray[np.float64], score: float) -> Classification:
        """The verdict on a field with the probabilities (10,) of the digits and the score of "not a digit".

        "digit" if the field shows the likeliest digit with a probability of at least the strictness, "not_a_digit" if
        it shows any digit with a smaller probability, else "unsure".
        """
        digit = int(probabilities.argmax())
        found = Classification(
            "unsure", digit, float(probabilities[digit]), tuple(float(p) for p in probabilities), score
        )
        if found.goodness >= self.strictness:
            return replace(found, verdict="digit")
        return replace(found, verdict="not_a_digit") if 1 - found.not_a_digit < self.strictness else found
