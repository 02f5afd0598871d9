"""Connect the workers to the chief before training, and detect the loss of a worker during training.

TensorFlow alone leaves the other workers waiting for a lost one, or fails with a stack trace that does not name it.
"""

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from typing import Any

from rich.console import Console

from models.errors import WorkerError
from models.training.distributed.cluster_spec import Cluster, check_port, split_address

HELLO_BYTES = 65_536  # limit: any process can connect to the port and send data
HELLO_SECONDS = 5
RETRY_SECONDS = 0.2
LOSS_SECONDS = 10  # a connection may break this much later than TensorFlow reports an error
DONE = b"done"
KEEPALIVE = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
"""A machine without power sends nothing: probe after 10 s of silence, every 5 s, and give up after 3 probes."""


class WorkerConnections:
    """Open connections by worker index: to all workers on the chief, to the chief on the others."""

    def __init__(self, cluster: Cluster, connections: dict[int, Connection]) -> None:
        self.cluster, self.connections = cluster, connections
        self.released = threading.Event()
        self.on_loss: Callable[[str], None] = end_process

    def watch(self) -> None:
        """From now on, end this process with a message when a worker is lost."""
        threading.Thread(target=self._watch, name="worker connections", daemon=True).start()

    def _watch(self) -> None:
        worker_of = {connection: index for index, connection in self.connections.items()}
        for ready in wait(list(worker_of)) if worker_of else []:
            assert isinstance(ready, Connection)
            try:
                done = ready.recv_bytes(HELLO_BYTES) == DONE
            except (OSError, EOFError):
                done = False
            if not done and not self.released.is_set():
                self.on_loss(
                    f"{self.cluster.name_worker(worker_of[ready])} is lost: it was killed, failed (see its output) or "
                    "lost its network connection. Start all workers again with the same options to resume after the "
                    "last finished epoch"
                )
            self.released.set()

    @contextmanager
    def limit(self, seconds: float, goal: str) -> Iterator[None]:
        """End this process if the block takes longer; the message says that there was no `goal` in this time."""
        timer = threading.Timer(seconds, lambda: self.on_loss(f"no {goal} within {seconds:g} s"))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def wait_for_loss(self) -> None:
        """After a TensorFlow error, wait for the broken connection, so that the message names the lost worker."""
        if self.connections:
            self.released.wait(LOSS_SECONDS)

    def release(self) -> None:
        """End of the run: the chief, after writing its files, sends DONE; the other workers wait for it."""
        if self.cluster.is_chief:
            self.released.set()
            for connection in self.connections.values():
                try:
                    connection.send_bytes(DONE)
                except OSError:
                    continue  # the worker has already exited
        else:
            self.released.wait()


def end_process(message: str) -> None:
    """Exit at once. sys.exit would not do: the main thread may be waiting in TensorFlow for the lost worker."""
    Console(stderr=True).show_cursor()  # which a progress bar hides
    print(message, file=sys.stderr, flush=True)
    os._exit(1)


def connect(
    cluster: Cluster, options: dict[str, Any], state: bytes, wait_seconds: float
) -> tuple[WorkerConnections, bytes]:
    """Wait until all workers are connected and have the same options. Returns (connections, the chief's `state`).

    Raises WorkerError if a worker does not connect or has other options, and ClusterError if a port is in use.
    """
    if len(cluster.workers) == 1:
        return WorkerConnections(cluster, {}), state
    check_port(cluster)
    deadline = time.monotonic() + wait_seconds
    hello = {"workers": list(cluster.workers), "index": cluster.index, "options": options}
    if not cluster.is_chief:
        return connect_to_chief(cluster, hello, deadline, wait_seconds)
    present: dict[int, Connection] = {}
    try:
        accept_workers(cluster, hello, present, deadline)
    except WorkerError as error:
        answer_hello(present, str(error))
        raise
    except TimeoutError:
        missing = [cluster.name_worker(index) for index in range(1, len(cluster.workers)) if index not in present]
        message = (
            f"{' and '.join(missing)} did not connect within {wait_seconds:g} s. Start every worker with its own "
            f"index, and make sure that it can reach the chief at {cluster.workers[0]}"
        )
        answer_hello(present, message)
        raise WorkerError(message) from None
    answer_hello(present, None)
    for connection in present.values():
        connection.send_bytes(state)
    return WorkerConnections(cluster, present), state


def answer_hello(present: dict[int, Connection], error: str | None) -> None:
    """Accept the connected workers, or send them the error that ends the run."""
    for connection in present.values():
        connection.send_bytes(json.dumps({"error": error}).encode())


def accept_workers(cluster: Cluster, hello: dict[str, Any], present: dict[int, Connection], deadline: float) -> None:
    """On the chief: add the connection of every other worker to `present`. Raises WorkerError or TimeoutError."""
    with socket.create_server(("", split_address(cluster.workers[0])[1])) as listener:
        while len(present) < len(cluster.workers) - 1:
            listener.settimeout(max(deadline - time.monotonic(), 0.001))
            connection = wrap(listener.accept()[0])
            try:
                other = json.loads(connection.recv_bytes(HELLO_BYTES)) if connection.poll(HELLO_SECONDS) else None
            except (OSError, EOFError, ValueError):
                other = None
            if not isinstance(other, dict) or not isinstance(other.get("index"), int):
                connection.close()  # not a worker
                continue
            index = other["index"]
            earlier = present.get(index)
            if index == 0 or (earlier is not None and not is_closed(earlier)):
                present[-1] = connection  # so that this worker gets the error as well
                raise WorkerError(f"two processes are worker {index}; give each worker its own index")
            present[index] = connection
            compare_options(index, hello, other)


def compare_options(index: int, chief: dict[str, Any], worker: dict[str, Any]) -> None:
    """Compare the hello of the chief with that of worker `index`. Raises WorkerError."""
    expected = json.loads(json.dumps({"workers": chief["workers"], **chief["options"]}))
    found = {"workers": worker.get("workers"), **worker.get("options", {})}
    differing = sorted(key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key))
    if differing:
        differences = "; ".join(f"{key} {found.get(key)!r} instead of {expected.get(key)!r}" for key in differing)
        raise WorkerError(
            f"the options of worker {index} differ from the chief's ({differences}): give every worker the same options"
        )


def connect_to_chief(
    cluster: Cluster, hello: dict[str, Any], deadline: float, wait_seconds: float
) -> tuple[WorkerConnections, bytes]:
    """On the other workers: connect, retrying until the deadline. Raises WorkerError."""
    reason = "no answer"
    while time.monotonic() < deadline:
        try:
            address = split_address(cluster.workers[0])
            connection = wrap(socket.create_connection(address, max(deadline - time.monotonic(), 0.001)))
            connection.send_bytes(json.dumps(hello).encode())
            # The chief names the missing workers; its own deadline may be a little later than this worker's.
            if connection.poll(max(deadline - time.monotonic(), 0) + HELLO_SECONDS):
                answer = json.loads(connection.recv_bytes(HELLO_BYTES))
                if answer["error"]:
                    raise WorkerError(f"the chief reports: {answer['error']}")
                return WorkerConnections(cluster, {0: connection}), connection.recv_bytes()
        except (OSError, EOFError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error) or "the connection was closed"
            time.sleep(RETRY_SECONDS)
    raise WorkerError(
        f"the chief, {cluster.name_worker(0)}, could not be reached within {wait_seconds:g} s ({reason}). "
        "Start it, and make sure that this machine can reach its port"
    )


def wrap(peer: socket.socket) -> Connection:
    peer.settimeout(None)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE.items():
        if hasattr(socket, name):
            peer.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return Connection(peer.detach())


def is_closed(connection: Connection) -> bool:
    try:
        return connection.poll(0) and not connection.recv_bytes(HELLO_BYTES)
    except (OSError, EOFError):
        return True
