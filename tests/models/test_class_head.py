"""Classes of a user's own: training against SciPy's minimizer, and the class file."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax

from models.class_head import (
    DECAY,
    FEATURES,
    MAX_CLASSES,
    ClassHead,
    ModelReference,
    decode_class_file,
    encode_class_file,
    find_leave_one_out_errors,
    normalize_features,
    train_head,
)
from models.errors import ClassFileError

MODEL = ModelReference("1", "ab" * 32)
LABELS = ("A", "star", "tick")


def draw_features(count: int, seed: int = 0, noise: float = 0.5) -> tuple[Any, Any]:
    """Features of three classes around three centres, and their classes."""
    generator = np.random.default_rng(seed)
    centres = np.random.default_rng(9).exponential(1, (3, FEATURES))
    classes = np.arange(count) % 3
    features = np.maximum(centres[classes] + generator.normal(0, noise, (count, FEATURES)), 0)
    return (features * generator.uniform(0.2, 5, (count, 1))).astype(np.float32), classes


def measure_loss(parameters: Any, examples: Any, classes: Any) -> float:
    weights, bias = parameters[:-3].reshape(3, FEATURES), parameters[-3:]
    logarithms = log_softmax(examples @ weights.T + bias, axis=1)
    return float(-logarithms[np.arange(len(classes)), classes].mean() + DECAY / 2 * (weights**2).sum())


def test_training_finds_the_minimum_of_the_loss() -> None:
    features, classes = draw_features(30)
    examples = normalize_features(features)
    head = train_head(features, classes, LABELS, MODEL)
    found = measure_loss(np.concatenate([head.weights.ravel(), head.bias]), examples, classes)

    def gradient(parameters: Any) -> Any:
        weights, bias = parameters[:-3].reshape(3, FEATURES), parameters[-3:]
        errors = (np.exp(log_softmax(examples @ weights.T + bias, axis=1)) - np.eye(3)[classes]) / len(classes)
        return np.concatenate([(errors.T @ examples + DECAY * weights).ravel(), errors.sum(axis=0)])

    start = np.zeros(3 * FEATURES + 3)
    best = minimize(measure_loss, start, (examples, classes), "L-BFGS-B", lambda x, *_: gradient(x), tol=1e-12)
    assert best.fun < 0.5 * measure_loss(start, examples, classes)
    assert best.fun - 1e-9 <= found <= 1.01 * best.fun


def test_new_examples_are_classified_whatever_the_length_of_their_features() -> None:
    head = train_head(*draw_features(30), LABELS, MODEL)
    features, classes = draw_features(300, seed=1)
    probabilities = head.classify(features)
    assert probabilities.sum(axis=1) == pytest.approx(1)
    assert np.array_equal(probabilities.argmax(axis=1), classes)
    assert np.abs(head.classify(7 * features) - probabilities).max() < 1e-6


def test_an_example_with_the_wrong_label_is_a_leave_one_out_error() -> None:
    features, classes = draw_features(30)
    assert find_leave_one_out_errors(features, classes, 3) == []
    classes[4] = (classes[4] + 1) % 3
    assert find_leave_one_out_errors(features, classes, 3) == [4]


def test_no_ink_gives_the_bias_and_no_nan() -> None:
    head = train_head(*draw_features(30), LABELS, MODEL)
    assert np.isfinite(head.classify(np.zeros((1, FEATURES), np.float32))).all()


def test_the_file_gives_the_same_probabilities() -> None:
    head = train_head(*draw_features(30), LABELS, MODEL)
    again = decode_class_file(encode_class_file(head))
    features, _ = draw_features(100, seed=1)
    assert again.labels == LABELS
    assert np.abs(again.classify(features) - head.classify(features)).max() < 1e-4
    assert len(encode_class_file(head)) < 50_000


def change_file(**changes: Any) -> bytes:
    head = train_head(*draw_features(30), LABELS, MODEL)
    return json.dumps(json.loads(encode_class_file(head)) | changes).encode()


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"format": 2}, "format 2"),
        ({"labels": ["A"]}, "length >= 2"),
        ({"labels": [str(number) for number in range(MAX_CLASSES + 1)]}, "length <= 10"),
        ({"labels": ["A", "A", "b"]}, "the label 'A' twice"),
        ({"labels": ["A", "", "b"]}, "$.labels[1]"),
        ({"labels": ["A", "b"]}, "2 labels, 3 rows of weights and 3 biases"),
        ({"weights": [[0.0] * 1023] * 3}, "$.weights[0]"),
        ({"weights": [[1e300] * 1024] * 3}, "$.weights[0][0]"),
        ({"bias": ["0", 0, 0]}, "$.bias[0]"),
        ({"extra": 1}, "unknown field `extra`"),
    ],
)
def test_faults_are_named(changes: dict[str, Any], part: str) -> None:
    with pytest.raises(ClassFileError) as caught:
        decode_class_file(change_file(**changes))
    assert part in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_what_is_no_class_file_is_rejected(content: bytes) -> None:
    with pytest.raises(ClassFileError, match="class file is not valid"):
        decode_class_file(content)


def test_another_model_is_rejected_with_both_versions() -> None:
    head: ClassHead = train_head(*draw_features(30), LABELS, MODEL)
    head.check_model({"version": "1", "weights_sha256": "ab" * 32})
    other = replace(head, model=ModelReference("2", "ab" * 32))
    with pytest.raises(ClassFileError, match="version '2'; this service has '1'"):
        other.check_model({"version": "1", "weights_sha256": "ab" * 32})
