"""Explain the network's answer for a field: feature maps, occlusion map, input gradient.

Occlusion and gradient refer to one number, the log odds of the digit: log(p / (1 - p)) of its calibrated probability.
Unlike the probability, the log odds do not saturate when the network is nearly certain.
"""

import threading
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from models.network import DIGITS, FIELD
from models.reader.reader import DigitReader
from models.types import Field, Fields, Values

PATCH = 6  # pixels a side of the covered patch: about two strokes
STEP = 2  # pixels between patches, and the side of the square that one result covers
GRID = FIELD // STEP

Kind = Literal["conv", "pool", "dense", "output"]

STAGES: tuple[tuple[str, Kind, int], ...] = (
    ("conv1", "conv", 3),  # convolution, batch norm, relu
    ("pool1", "pool", 1),
    ("conv2", "conv", 3),
    ("pool2", "pool", 1),
    ("dense", "dense", 5),  # flatten, matmul, batch norm, relu, dropout (inactive in inference)
    ("output", "output", 1),
)
"""Name, kind and number of layers of `build_bundled_network` in each stage."""


@dataclass(frozen=True)
class StageOutput:
    """The output of one stage of the network: (height, width, maps), or (units,) after flattening.

    Maps and dense units are values after batch norm and relu: 0 means "not found", and there is no upper limit.
    The values of the output stage are logits.
    """

    name: str
    kind: Kind
    values: Values


@dataclass(frozen=True)
class Explanation:
    """The field, the output of each stage, and two maps of the log odds of `digit`."""

    field: Field
    digit: int
    log_odds: float
    stages: tuple[StageOutput, ...]
    occlusion: Values
    """(14, 14): the decrease of the log odds when paper covers the 6x6 patch around each 2x2 square."""
    gradient: Values
    """(28, 28): the derivative of the log odds by the ink of each pixel; at a kink of the network, one of several."""


class Explainer:
    """Explains the answers of a reader. Thread-safe."""

    def __init__(self, reader: DigitReader) -> None:
        import tensorflow as tf

        if sum(count for _, _, count in STAGES) != len(reader.network.layers):
            raise AssertionError(f"the network has {len(reader.network.layers)} layers, which do not match {STAGES}")
        self.reader = reader
        self._lock = threading.Lock()  # tracing is not thread-safe
        self._traced = tf.function(self._run_stages, autograph=False)

    def explain(self, field: Field, digit: int) -> Explanation:
        """Explain how much the network takes `field` for `digit`, and why."""
        with self._lock:
            outputs, log_odds, gradient = self._traced(field[None, ..., None].astype(np.float32), np.int32(digit))
        stages = tuple(
            StageOutput(name, kind, np.asarray(values[0]))
            for (name, kind, _), values in zip(STAGES, outputs, strict=True)
        )
        occlusion = self.occlude(field, digit)
        return Explanation(field, digit, float(log_odds), stages, occlusion, np.asarray(gradient[0, ..., 0]))

    def occlude(self, field: Field, digit: int) -> Values:
        """(14, 14): the log odds of `digit` minus those with a patch covered, for each patch, in one batch."""
        logits = self.reader.classifier.compute_logits(np.concatenate([field[None], cover_patches(field)]))
        log_odds = self.find_log_odds(logits, digit)
        return (log_odds[0] - log_odds[1:]).astype(np.float32).reshape(GRID, GRID)

    def find_log_odds(self, logits: Values, digit: int) -> NDArray[np.float64]:
        """(n,): the calibrated log odds of `digit` against the other nine digits, for logits (n, 11)."""
        calibrated = logits[:, :DIGITS].astype(np.float64) / self.reader.classifier.temperature
        others = np.delete(calibrated, digit, axis=1)
        peak = others.max(axis=1)
        return calibrated[:, digit] - peak - np.log(np.exp(others - peak[:, None]).sum(axis=1))

    def _run_stages(self, fields: Any, digit: Any) -> tuple[list[Any], Any, Any]:
        """(output of each stage, log odds, gradient of the log odds) for fields (1, 28, 28, 1)."""
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(fields)
            values, outputs = fields, []
            layers = iter(self.reader.network.layers)
            for _, _, count in STAGES:
                for _ in range(count):
                    values = next(layers)(values, training=False)
                outputs.append(values)
            calibrated = values[0, :DIGITS] / self.reader.classifier.temperature
            others = tf.boolean_mask(calibrated, tf.range(DIGITS) != digit)
            log_odds = calibrated[digit] - tf.reduce_logsumexp(others)
        return outputs, log_odds, tape.gradient(log_odds, fields)


def cover_patches(field: Field) -> Fields:
    """(196, 28, 28): the field with the patch around each 2x2 square set to paper, row by row."""
    margin = (PATCH - STEP) // 2
    covered = np.repeat(field[None], GRID * GRID, axis=0)
    for number in range(GRID * GRID):
        top, left = (STEP * index for index in divmod(number, GRID))
        covered[number, max(top - margin, 0) : top + STEP + margin, max(left - margin, 0) : left + STEP + margin] = 0
    return covered
