"""Classify 28x28 fields with the bundled network, calibrated probabilities and the thresholds of its card."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.calibration import score_not_a_digit, softmax
from models.network import DIGITS
from models.reader.inference import Inference
from models.reader.results import Classification
from models.types import Fields, Values


class FieldClassifier:
    """A trained network with its calibration. Thread-safe.

    Raises KeyError, TypeError or ValueError if the card lacks a value or the weights have other shapes.
    """

    def __init__(self, weights: Sequence[Values], card: dict[str, Any]) -> None:
        thresholds = card["thresholds"]
        self.temperature = float(card["temperature"])
        self.sure_confidence = float(thresholds["sure_confidence"])  # below: "unsure"
        self.doubt_score = float(thresholds["doubt_score"])  # log odds of "not a digit"; above: "unsure"
        self.reject_score = float(thresholds["rubbish_score"])  # the same; above: "not_a_digit"
        self._inference = Inference(weights)

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
        return [self._apply_thresholds(p, float(score)) for p, score in zip(probabilities, scores, strict=True)]

    def _apply_thresholds(self, probabilities: NDArray[np.float64], score: float) -> Classification:
        digit = int(probabilities.argmax())
        confidence = float(probabilities[digit])
        if score > self.reject_score:
            verdict = "not_a_digit"
        elif confidence >= self.sure_confidence and score <= self.doubt_score:
            verdict = "digit"
        else:
            verdict = "unsure"
        return Classification(verdict, digit, confidence, tuple(float(p) for p in probabilities), score)
