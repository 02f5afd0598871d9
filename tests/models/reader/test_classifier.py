"""The verdict of a field follows from two probabilities and the strictness."""

import numpy as np
import pytest

from models.network import NOT_A_DIGIT
from models.reader.reader import DigitReader
from models.training.mnist import Mnist
from models.training.synthetic_digits import draw_other_glyphs


@pytest.mark.parametrize(
    ("strictness", "confidence", "not_a_digit", "verdict"),
    [  # P(this digit) = confidence * (1 - not_a_digit); P(any digit) = 1 - not_a_digit
        (0.90, 0.95, 0.05, "digit"),  # 0.9025
        (0.92, 0.95, 0.05, "unsure"),  # 0.9025 < 0.92 <= 0.95
        (0.96, 0.95, 0.05, "not_a_digit"),  # 0.95 < 0.96
        (0.92, 0.99, 0.50, "not_a_digit"),
        (0.40, 0.99, 0.50, "digit"),
        (0.40, 0.50, 0.10, "digit"),
        (0.60, 0.50, 0.10, "unsure"),
        (0.0, 0.20, 0.9999, "digit"),
        (1.0, 0.99999, 1e-5, "not_a_digit"),
    ],
)
def test_verdicts_computed_by_hand(
    reader: DigitReader, strictness: float, confidence: float, not_a_digit: float, verdict: str
) -> None:
    probabilities = np.full(10, (1 - confidence) / 9)
    probabilities[3] = confidence

    found = reader.classifier.with_strictness(strictness).decide(
        probabilities, float(np.log(not_a_digit / (1 - not_a_digit)))
    )

    assert (found.verdict, found.digit) == (verdict, 3)
    assert found.not_a_digit == pytest.approx(not_a_digit)


def test_strictness_is_the_lowest_probability_of_an_accepted_digit(reader: DigitReader, excerpt: Mnist) -> None:
    """Compared with the eleven logits of the network."""
    fields = np.concatenate([excerpt.test.images, draw_other_glyphs(200, np.random.default_rng(4))])
    fields = fields.astype(np.float32) / np.float32(255)
    logits = reader.classifier.compute_logits(fields).astype(np.float64)
    any_digit = 1 - np.exp(logits[:, NOT_A_DIGIT]) / np.exp(logits).sum(axis=1)
    calibrated = np.exp(logits[:, :10] / reader.classifier.temperature)
    this_digit = any_digit * calibrated.max(axis=1) / calibrated.sum(axis=1)

    accepted = []
    for strictness in (0.01, 0.3, 0.7, 0.9, 0.97, 0.999):
        verdicts = [one.verdict for one in reader.classifier.with_strictness(strictness).classify(fields)]
        clear = np.abs(this_digit - strictness) > 1e-6
        assert ((np.array(verdicts) == "digit") == (this_digit >= strictness))[clear].all()
        assert ((np.array(verdicts) == "not_a_digit") == (any_digit < strictness))[clear].all()
        accepted.append(verdicts.count("digit"))
    assert accepted == sorted(accepted, reverse=True)
    assert accepted[0] > accepted[-1] + 100  # letters are accepted, then refused


def test_another_strictness_leaves_the_classifier_as_it_is(reader: DigitReader) -> None:
    before = reader.classifier.strictness
    strict = reader.classifier.with_strictness(0.5)

    assert (strict.strictness, reader.classifier.strictness) == (0.5, before)
    assert reader.classifier.with_strictness(None) is reader.classifier
    assert strict.reject_score == pytest.approx(0)
    assert np.isfinite([reader.classifier.with_strictness(edge).reject_score for edge in (0.0, 1.0)]).all()
