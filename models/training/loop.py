"""The training loop: optimizer steps, evaluation, and checkpoints.

Keras' fit is not used: it fails under MultiWorkerMirroredStrategy (keras-team/keras#20585).
"""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.atomic_file import replace_file
from models.errors import CheckpointError
from models.training.reporting import History
from models.types import Values

CHECKPOINT = "checkpoint.npz"
EMA_DECAY = 0.999  # of the moving average of the weights, per step
EVALUATION_BATCH = 500  # images


class TrainingLoop:
    """A network, its optimizer and the moving average of its weights.

    `network` is callable as `network(images, training)` and has the attributes `variables`, `trainable_variables`,
    `get_weights` and `set_weights` of a keras.Model. With several workers, create the loop in the strategy's scope:
    then every variable exists before the first step.
    """

    def __init__(self, network: Any, optimizer: Any, averaged: bool) -> None:
        import tensorflow as tf

        self.strategy = tf.distribute.get_strategy()
        self.network, self.optimizer = network, optimizer
        optimizer.build(network.trainable_variables)
        self.averages: list[Any] = (
            [tf.Variable(weight, trainable=False) for weight in network.get_weights()] if averaged else []
        )
        self.steps = 0
        self._step = tf.function(self._run_step_on_all_workers)
        self._logits = tf.function(lambda images: network(images, training=False), reduce_retracing=True)

    def train_step(self, images: NDArray[np.float32], labels: NDArray[np.int32]) -> tuple[float, int]:
        """Update the weights by one batch. Returns (sum of the losses, number of correct answers) of the whole batch.

        `images` and `labels` are this worker's shard of the batch.
        """
        self.steps += 1
        # A smaller decay in the first steps, so that the average forgets the initial values.
        decay = min(EMA_DECAY, (1 + self.steps) / (10 + self.steps))
        loss, correct = self._step(images, labels, np.float32(decay))
        return float(loss), int(correct)

    def _run_step_on_all_workers(self, images: Any, labels: Any, decay: Any) -> tuple[Any, Any]:
        losses, correct = self.strategy.run(self._run_step, (images, labels, decay))
        return self.strategy.reduce("SUM", losses, axis=None), self.strategy.reduce("SUM", correct, axis=None)

    def _run_step(self, images: Any, labels: Any, decay: Any) -> tuple[Any, Any]:
        import tensorflow as tf

        values = [variable.value for variable in self.network.trainable_variables]
        with tf.GradientTape() as tape:
            logits = self.network(images, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            # apply_gradients adds the workers' gradients: each worker contributes its part of the batch's mean loss.
            loss = tf.reduce_mean(losses) / self.strategy.num_replicas_in_sync
        gradients = tape.gradient(loss, values)
        self.optimizer.apply_gradients(zip(gradients, self.network.trainable_variables, strict=True))
        for average, weight in zip(self.averages, self._list_weights() if self.averages else [], strict=True):
            average.assign(average * tf.cast(decay, average.dtype) + weight * tf.cast(1 - decay, weight.dtype))
        correct = tf.reduce_sum(tf.cast(tf.argmax(logits, axis=1, output_type=tf.int32) == labels, tf.int32))
        return tf.reduce_sum(losses), correct

    def _list_weights(self) -> list[Any]:
        return [variable.value for variable in self.network.weights]

    def start_from(self, weights: Sequence[Values]) -> None:
        """Continue from trained weights, with a new optimizer. Raises ValueError if the shapes differ."""
        self.network.set_weights(weights)
        for average, weight in zip(self.averages, weights, strict=True):
            average.assign(weight)

    def get_final_weights(self) -> list[Values]:
        """The moving averages of the weights if the loop keeps them, otherwise the current weights."""
        if self.averages:
            return [average.numpy() for average in self.averages]
        return list(self.network.get_weights())

    def compute_logits(self, images: NDArray[np.float32], weights: list[Values] | None = None) -> Values:
        """Logits (n, outputs) of images (n, 28, 28, 1), by `weights` or else the final weights."""
        kept = self.network.get_weights()
        self.network.set_weights(weights if weights is not None else self.get_final_weights())
        parts = [
            self._logits(images[start : start + EVALUATION_BATCH]).numpy()
            for start in range(0, len(images), EVALUATION_BATCH)
        ]
        self.network.set_weights(kept)
        return np.concatenate(parts)

    def save_checkpoint(self, folder: Path, configuration: dict[str, Any], history: History) -> None:
        """Save the whole state of the run. If writing is interrupted, the previous checkpoint remains."""
        note = json.dumps({"configuration": configuration, "history": history, "steps": self.steps})
        arrays: dict[str, Any] = {"note": np.array(note), **self._collect_state()}
        with replace_file(folder / CHECKPOINT) as file:
            np.savez(file, **arrays)

    def load_checkpoint(self, checkpoint: bytes, configuration: dict[str, Any]) -> History:
        """Restore the result of `read_checkpoint`. Raises CheckpointError if it has another configuration."""
        with np.load(io.BytesIO(checkpoint), allow_pickle=False) as archive:
            note = json.loads(str(archive["note"]))
            if note["configuration"] != configuration:
                differing = sorted(
                    key
                    for key in {*note["configuration"], *configuration}
                    if note["configuration"].get(key) != configuration.get(key)
                )
                raise CheckpointError(f"the checkpoint belongs to a run with another {', '.join(differing)}")
            for name, variable in self._list_state().items():
                variable.assign(archive[name])
        self.steps = note["steps"]
        history: History = note["history"]
        return history

    def _list_state(self) -> dict[str, Any]:
        groups = {
            "network": self.network.variables,
            "optimizer": self.optimizer.variables,
            "average": self.averages,
        }
        return {f"{name}_{n}": variable for name, group in groups.items() for n, variable in enumerate(group)}

    def _collect_state(self) -> dict[str, NDArray[Any]]:
        return {name: variable.numpy() for name, variable in self._list_state().items()}


def read_checkpoint(folder: Path) -> bytes:
    """The content of the checkpoint in `folder`, or nothing if there is none."""
    path = folder / CHECKPOINT
    return path.read_bytes() if path.exists() else b""
