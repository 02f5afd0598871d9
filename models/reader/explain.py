"""What the digit network sees in a field and what its answer hangs on: feature maps, occlusion, input gradient.

Occlusion and gradient are about one number, the log odds of the answered digit: log(p / (1 - p)) of its
calibrated probability. Unlike the probability it still moves where the network is all but certain.
"""

import threading
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from models.network import DIGITS, FIELD
from models.reader.reader import DigitReader

PATCH = 6  # pixels a side that are covered at once: about two strokes wide
STEP = 2  # pixels from patch to patch, and the side of the square that a result stands for
GRID = FIELD // STEP

Kind = Literal["conv", "pool", "dense", "output"]
Values = NDArray[np.float32]

# Name, kind and how many layers of `build_bundled_network` it is made of.
STAGES: tuple[tuple[str, Kind, int], ...] = (
    ("conv1", "conv", 3),  # convolution, batch norm, relu
    ("pool1", "pool", 1),
    ("conv2", "conv", 3),
    ("pool2", "pool", 1),
    ("dense", "dense", 5),  # flatten, matmul, batch norm, relu, dropout (which does nothing here)
    ("output", "output", 1),
)


@dataclass(frozen=True)
class Stage:
    """What comes out of one stage of the network: (height, width, maps), or (units,) behind the flattening.

    Maps and the dense units are after batch norm and relu, so 0 is "not found" and there is no upper limit;
    the output is logits.
    """

    name: str
    kind: Kind
    values: Values


@dataclass(frozen=True)
class Explanation:
    """The field (28, 28), what each stage made of it, and two maps of the log odds of `digit`."""

    field: Values
    digit: int
    log_odds: float
    stages: tuple[Stage, ...]
    occlusion: Values
    """(14, 14): by how much the log odds fall when the 6x6 patch around each 2x2 square is covered with paper."""
    gradient: Values
    """(28, 28): the derivative of the log odds by the ink of each pixel; at a kink of the network one of them."""


class Explainer:
    """Explains the fields that a reader reads; one serves all threads."""

    def __init__(self, reader: DigitReader) -> None:
        import tensorflow as tf

        if sum(count for _, _, count in STAGES) != len(reader.network.layers):
            raise AssertionError(f"{len(reader.network.layers)} layers are not those of {STAGES}")
        self.reader = reader
        self._lock = threading.Lock()  # tracing is not safe in two threads at once
        self._traced = tf.function(self._look, autograph=False)

    def explain(self, field: Values, digit: int) -> Explanation:
        """Explain why `field`, (28, 28) in 0..1, is or is not taken for `digit`."""
        with self._lock:
            stages, log_odds, gradient = self._traced(field[None, ..., None].astype(np.float32), np.int32(digit))
        return Explanation(
            field,
            digit,
            float(log_odds),
            tuple(
                Stage(name, kind, np.asarray(values[0])) for (name, kind, _), values in zip(STAGES, stages, strict=True)
            ),
            self.occlude(field, digit),
            np.asarray(gradient[0, ..., 0]),
        )

    def occlude(self, field: Values, digit: int) -> Values:
        """(14, 14): the log odds of `digit` less those with a patch covered, patch by patch, as one batch."""
        logits = self.reader.compute_logits(np.concatenate([field[None], cover_patches(field)]))
        log_odds = self.find_log_odds(logits, digit)
        return (log_odds[0] - log_odds[1:]).astype(np.float32).reshape(GRID, GRID)

    def find_log_odds(self, logits: Values, digit: int) -> NDArray[np.float64]:
        """(n,): the calibrated log odds of `digit` against the other nine, of logits (n, 11)."""
        calibrated = logits[:, :DIGITS].astype(np.float64) / self.reader.temperature
        others = np.delete(calibrated, digit, axis=1)
        peak = others.max(axis=1)
        return calibrated[:, digit] - peak - np.log(np.exp(others - peak[:, None]).sum(axis=1))

    def _look(self, fields: Any, digit: Any) -> tuple[list[Any], Any, Any]:
        """(what each stage gives, log odds, their gradient) of fields (1, 28, 28, 1)."""
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(fields)
            seen, stages = fields, []
            for _, _, layers in self._group_layers():
                for layer in layers:
                    seen = layer(seen, training=False)
                stages.append(seen)
            calibrated = seen[0, :DIGITS] / self.reader.temperature
            others = tf.boolean_mask(calibrated, tf.range(DIGITS) != digit)
            log_odds = calibrated[digit] - tf.reduce_logsumexp(others)
        return stages, log_odds, tape.gradient(log_odds, fields)

    def _group_layers(self) -> list[tuple[str, Kind, list[Any]]]:
        """The network's layers stage by stage."""
        layers = iter(self.reader.network.layers)
        return [(name, kind, [next(layers) for _ in range(count)]) for name, kind, count in STAGES]


def cover_patches(field: Values) -> Values:
    """(196, 28, 28): the field with the patch around each 2x2 square set to paper, row by row."""
    margin = (PATCH - STEP) // 2
    covered = np.repeat(field[None], GRID * GRID, axis=0)
    for number in range(GRID * GRID):
        top, left = (STEP * index for index in divmod(number, GRID))
        covered[number, max(top - margin, 0) : top + STEP + margin, max(left - margin, 0) : left + STEP + margin] = 0
    return covered
