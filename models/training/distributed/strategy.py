"""TensorFlow's distribution strategy for the workers of a run."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kernels.quiet_tensorflow import import_tensorflow
from models.errors import WorkerError
from models.training.distributed.cluster_spec import TF_CONFIG, Cluster
from models.training.distributed.rendezvous import WorkerConnections


def create_strategy(cluster: Cluster) -> Any:
    """The tf.distribute strategy of the workers. Must precede every other TensorFlow operation of the process.

    Raises WorkerError if a worker has several devices.
    """
    tf = import_tensorflow()

    if len(cluster.workers) == 1:
        return tf.distribute.get_strategy()
    os.environ[TF_CONFIG] = cluster.to_tf_config()
    ring = tf.distribute.experimental.CommunicationImplementation.RING  # the only one for CPUs
    options = tf.distribute.experimental.CommunicationOptions(implementation=ring)
    strategy = tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
    if strategy.num_replicas_in_sync != len(cluster.workers):
        raise WorkerError(
            f"{len(cluster.workers)} workers have {strategy.num_replicas_in_sync} devices, but a worker trains on one. "
            "Start one worker for each GPU, and make only that GPU visible to it (CUDA_VISIBLE_DEVICES)"
        )
    return strategy


@contextmanager
def report_lost_worker(connections: WorkerConnections) -> Iterator[None]:
    """Replace a TensorFlow error by the name of the lost worker, its usual cause in a distributed run."""
    tf = import_tensorflow()

    try:
        yield
    except tf.errors.OpError as error:
        connections.wait_for_loss()
        if not connections.connections:
            raise
        raise WorkerError(f"the distributed run failed: {error.message.splitlines()[0]}") from error
