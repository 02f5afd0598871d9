"""The training loop: one step, an epoch, an evaluation, and checkpoints to go on from.

A loop of its own and not Keras' fit: fit fails under MultiWorkerMirroredStrategy (keras-team/keras#20585).
"""

import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import CheckpointError, WorkerError
from models.training.distributed.cluster_spec import TF_CONFIG, Cluster
from models.training.distributed.rendezvous import Lifeline
from models.training.reporting import History

CHECKPOINT = "checkpoint.npz"
EMA_DECAY = 0.999
EVALUATION_BATCH = 500


class TrainingLoop:
    """A network, its optimizer and the moving average of its weights, stepped through batches.

    `network` is called as `network(images, training)` and has `variables`, `trainable_variables`,
    `get_weights` and `set_weights`, as a keras.Model has. Under a strategy of several workers the loop is made in its
    scope, so that every variable is there before the first step, and each worker steps through its part of the batch.
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
        self._step = tf.function(self._run_shared_step)
        self._logits = tf.function(lambda images: network(images, training=False), reduce_retracing=True)

    def train_step(self, images: NDArray[np.float32], labels: NDArray[np.int32]) -> tuple[float, int]:
        """(summed loss, number right) of one whole batch, after which the weights have moved.

        Given are this worker's images and labels of it: all of them where there is one worker.
        """
        self.steps += 1
        # Short at first, so that the average does not remember the initial values.
        decay = min(EMA_DECAY, (1 + self.steps) / (10 + self.steps))
        loss, right = self._step(images, labels, np.float32(decay))
        return float(loss), int(right)

    def _run_shared_step(self, images: Any, labels: Any, decay: Any) -> tuple[Any, Any]:
        losses, right = self.strategy.run(self._run_step, (images, labels, decay))
        return self.strategy.reduce("SUM", losses, axis=None), self.strategy.reduce("SUM", right, axis=None)

    def _run_step(self, images: Any, labels: Any, decay: Any) -> tuple[Any, Any]:
        import tensorflow as tf

        values = [variable.value for variable in self.network.trainable_variables]
        with tf.GradientTape() as tape:
            logits = self.network(images, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            # apply_gradients adds the workers' gradients: of the mean over the whole batch, this worker's summand.
            loss = tf.reduce_mean(losses) / self.strategy.num_replicas_in_sync
        gradients = tape.gradient(loss, values)
        self.optimizer.apply_gradients(zip(gradients, self.network.trainable_variables, strict=True))
        for average, weight in zip(self.averages, self._list_weights() if self.averages else [], strict=True):
            average.assign(average * tf.cast(decay, average.dtype) + weight * tf.cast(1 - decay, weight.dtype))
        right = tf.reduce_sum(tf.cast(tf.argmax(logits, axis=1, output_type=tf.int32) == labels, tf.int32))
        return tf.reduce_sum(losses), right

    def _list_weights(self) -> list[Any]:
        return [variable.value for variable in self.network.weights]

    def get_final_weights(self) -> list[NDArray[np.float32]]:
        """The averaged weights where there are any, else the last ones."""
        if self.averages:
            return [average.numpy() for average in self.averages]
        return list(self.network.get_weights())

    def compute_logits(
        self, images: NDArray[np.float32], weights: list[NDArray[np.float32]] | None = None
    ) -> NDArray[np.float32]:
        """Logits (n, outputs) of images (n, 28, 28, 1) by the final weights or those given."""
        kept = self.network.get_weights()
        self.network.set_weights(weights if weights is not None else self.get_final_weights())
        parts = [
            self._logits(images[start : start + EVALUATION_BATCH]).numpy()
            for start in range(0, len(images), EVALUATION_BATCH)
        ]
        self.network.set_weights(kept)
        return np.concatenate(parts)

    def save_checkpoint(self, folder: Path, configuration: dict[str, Any], history: History) -> None:
        """Keep all that the run needs to go on; a kill while writing leaves the one before."""
        note = json.dumps({"configuration": configuration, "history": history, "steps": self.steps})
        part = folder / f"{CHECKPOINT}.part.npz"
        arrays: dict[str, Any] = {"note": np.array(note), **self._collect_state()}
        np.savez(part, **arrays)
        os.replace(part, folder / CHECKPOINT)

    def load_checkpoint(self, checkpoint: bytes, configuration: dict[str, Any]) -> History:
        """Go on from what `read_checkpoint` gave; raises CheckpointError when it is of another run."""
        with np.load(io.BytesIO(checkpoint), allow_pickle=False) as archive:
            note = json.loads(str(archive["note"]))
            if note["configuration"] != configuration:
                differing = sorted(
                    key
                    for key in {*note["configuration"], *configuration}
                    if note["configuration"].get(key) != configuration.get(key)
                )
                raise CheckpointError(f"the checkpoint is of a run with another {', '.join(differing)}")
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
    """The checkpoint in `folder`, empty where there is none."""
    path = folder / CHECKPOINT
    return path.read_bytes() if path.exists() else b""


def connect_workers(cluster: Cluster) -> Any:
    """The tf.distribute strategy of these workers. Before any other TensorFlow operation of the process."""
    import tensorflow as tf

    if len(cluster.workers) == 1:
        return tf.distribute.get_strategy()
    os.environ[TF_CONFIG] = cluster.to_tf_config()
    ring = tf.distribute.experimental.CommunicationImplementation.RING  # the one for CPUs
    options = tf.distribute.experimental.CommunicationOptions(implementation=ring)
    strategy = tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
    if strategy.num_replicas_in_sync != len(cluster.workers):
        raise WorkerError(
            f"{len(cluster.workers)} workers have {strategy.num_replicas_in_sync} devices: a worker trains on one; "
            "start a worker for each GPU and show it that one alone (CUDA_VISIBLE_DEVICES)"
        )
    return strategy


@contextmanager
def tell_lost_worker(lifeline: Lifeline) -> Iterator[None]:
    """TensorFlow's errors among several workers mostly are a lost one: let the lifeline say which."""
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:
        lifeline.await_loss()
        if not lifeline.connections:
            raise
        raise WorkerError(f"the workers could not go on together: {error.message.splitlines()[0]}") from error
