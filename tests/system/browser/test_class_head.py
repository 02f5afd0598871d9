"""The softmax layer that the browser trains: the same numbers as those of models.class_head."""

import json
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from models.class_head import ModelReference, decode_class_file, find_leave_one_out_errors, train_head
from tests.models.test_class_head import LABELS, draw_features

MODEL = ModelReference("1", "ab" * 32)
TRAIN = """async ({ features, classes, count, drawing, labels }) => {
  const { classify, leaveEachOut, trainHead } = await import("/static/js/classes/class-head.js");
  const { encodeClassFile } = await import("/static/js/classes/class-file.js");
  const examples = features.map((one) => Float32Array.from(one));
  const head = trainHead(examples, classes, count);
  const model = { version: "1", weights_sha256: "ab".repeat(32) };
  return {
    weights: head.weights.map((row) => [...row]), bias: [...head.bias],
    leftOut: [...leaveEachOut(examples, classes, count)],
    probabilities: drawing.map((one) => [...classify(head, one)]),
    file: encodeClassFile({ ...head, labels, model }),
  };
}"""


def train_in_browser(page: Page, features: Any, classes: Any, drawing: Any) -> dict[str, Any]:
    answer: dict[str, Any] = page.evaluate(
        TRAIN,
        {
            "features": features.tolist(), "classes": [int(one) for one in classes], "count": len(LABELS),
            "drawing": drawing.tolist(), "labels": LABELS,
        },
    )  # fmt: skip
    return answer


@pytest.mark.parametrize("noise", [0.5, 4.0])
def test_head_is_that_of_the_service(modules: Page, noise: float) -> None:
    """Classes far apart, and classes that overlap."""
    features, classes = draw_features(30, noise=noise)
    drawing, _ = draw_features(20, seed=1, noise=noise)
    answer = train_in_browser(modules, features, classes, drawing)
    head = train_head(features, classes, LABELS, MODEL)
    assert np.abs(np.array(answer["weights"]) - head.weights).max() < 1e-9
    assert np.abs(np.array(answer["bias"]) - head.bias).max() < 1e-9
    assert np.abs(np.array(answer["probabilities"]) - head.classify(drawing)).max() < 1e-9
    assert np.abs(head.weights).max() > 0.1


def test_leaving_one_out_finds_the_classes_of_the_service(modules: Page) -> None:
    features, classes = draw_features(24, noise=6.0)
    classes[4] = (classes[4] + 1) % 3
    found = train_in_browser(modules, features, classes, features[:1])["leftOut"]
    wrong = [number for number, one in enumerate(found) if one != classes[number]]
    assert wrong == find_leave_one_out_errors(features, classes, len(LABELS))
    assert 4 in wrong
    assert len(wrong) > 1
    for left in wrong:  # and it is taken for the class that a head of all others finds
        kept = np.arange(len(classes)) != left
        head = train_head(features[kept], classes[kept], LABELS, MODEL)
        assert found[left] == head.classify(features[left : left + 1]).argmax()


def test_no_ink_gives_finite_probabilities(modules: Page) -> None:
    features, classes = draw_features(15)
    answer = train_in_browser(modules, features, classes, np.zeros((1, 1024)))
    assert np.sum(answer["probabilities"]) == pytest.approx(1)


def test_exported_file_is_read_by_the_service(modules: Page) -> None:
    features, classes = draw_features(30)
    file = train_in_browser(modules, features, classes, features[:1])["file"]
    head = decode_class_file(file.encode())
    assert head.labels == LABELS
    assert head.model == MODEL
    expected = train_head(features, classes, LABELS, MODEL)
    assert np.abs(head.classify(features) - expected.classify(features)).max() < 1e-4
    decimals = [len(str(one).partition(".")[2]) for one in json.loads(file)["weights"][0] if "e" not in str(one)]
    assert max(decimals) == 6
