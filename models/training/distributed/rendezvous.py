"""The connections between the chief and the other workers: over them they meet, and one breaks when a worker dies.

TensorFlow alone lets the workers that are left wait for a dead one, or fails with a page of its own insides.
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

from models.errors import WorkerError
from models.training.distributed.cluster_spec import Cluster, check_port, split_address

HELLO_BYTES = 65_536  # at most; a stranger on the port may send anything
HELLO_SECONDS = 5
RETRY_SECONDS = 0.2
LOSS_SECONDS = 10  # for which a broken connection may come later than TensorFlow's own error
DONE = b"done"
# A machine that loses power says nothing: probe after 10 s of silence, every 5 s, and give up after 3.
KEEPALIVE = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}


class Lifeline:
    """Open connections to the workers (on the chief) or to the chief (on the others), by worker number."""

    def __init__(self, cluster: Cluster, connections: dict[int, Connection]) -> None:
        self.cluster, self.connections = cluster, connections
        self.released = threading.Event()
        self.on_loss: Callable[[str], None] = end_process

    def watch(self) -> None:
        """From now on end this process, with a message, when a worker is lost."""
        threading.Thread(target=self._watch, name="lifeline", daemon=True).start()

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
                    f"{self.cluster.name_worker(worker_of[ready])} is gone: it was killed, failed (see its output) or "
                    "lost the network. Start all workers again with the same options to go on from the last finished "
                    "epoch"
                )
            self.released.set()

    @contextmanager
    def limit(self, seconds: float, what: str) -> Iterator[None]:
        """End this process when the block takes longer, saying that there was no `what` in that time."""
        timer = threading.Timer(seconds, lambda: self.on_loss(f"no {what} within {seconds:g} s"))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def await_loss(self) -> None:
        """After an error of TensorFlow's: wait for the connection that broke, so that the message names the worker."""
        if self.connections:
            self.released.wait(LOSS_SECONDS)

    def part(self) -> None:
        """At the end: the chief, whose files are written, lets the others go; they wait for that."""
        if self.cluster.is_chief:
            self.released.set()
            for connection in self.connections.values():
                try:
                    connection.send_bytes(DONE)
                except OSError:
                    continue  # it has gone; nothing is left for it to do
        else:
            self.released.wait()


def end_process(message: str) -> None:
    """Not sys.exit: the main thread may wait in TensorFlow for the lost worker, for ever."""
    print(message, file=sys.stderr, flush=True)
    os._exit(1)


def meet(cluster: Cluster, options: dict[str, Any], state: bytes, wait_seconds: float) -> tuple[Lifeline, bytes]:
    """Wait until all workers are there, with the same options; returns the lifeline and the chief's `state`.

    Raises WorkerError when one does not come or has other options, ClusterError when a port is taken.
    """
    if len(cluster.workers) == 1:
        return Lifeline(cluster, {}), state
    check_port(cluster)
    deadline = time.monotonic() + wait_seconds
    hello = {"workers": list(cluster.workers), "index": cluster.index, "options": options}
    if not cluster.is_chief:
        return _join_chief(cluster, hello, deadline, wait_seconds)
    present: dict[int, Connection] = {}
    try:
        _gather_workers(cluster, hello, present, deadline)
    except WorkerError as error:
        for connection in present.values():
            connection.send_bytes(json.dumps({"error": str(error)}).encode())
        raise
    except TimeoutError:
        missing = [cluster.name_worker(index) for index in range(1, len(cluster.workers)) if index not in present]
        message = (
            f"{' and '.join(missing)} did not come within {wait_seconds:g} s. Start every worker with its own index, "
            f"and let them reach the chief at {cluster.workers[0]}"
        )
        for connection in present.values():
            connection.send_bytes(json.dumps({"error": message}).encode())
        raise WorkerError(message) from None
    for connection in present.values():
        connection.send_bytes(json.dumps({"error": None}).encode())
        connection.send_bytes(state)
    return Lifeline(cluster, present), state


def _gather_workers(cluster: Cluster, hello: dict[str, Any], present: dict[int, Connection], deadline: float) -> None:
    with socket.create_server(("", split_address(cluster.workers[0])[1])) as listener:
        while len(present) < len(cluster.workers) - 1:
            listener.settimeout(max(deadline - time.monotonic(), 0.001))
            connection = _wrap(listener.accept()[0])
            try:
                other = json.loads(connection.recv_bytes(HELLO_BYTES)) if connection.poll(HELLO_SECONDS) else None
            except (OSError, EOFError, ValueError):
                other = None
            if not isinstance(other, dict) or not isinstance(other.get("index"), int):
                connection.close()  # a stranger on the port
                continue
            index = other["index"]
            earlier = present.get(index)
            if index == 0 or (earlier is not None and not _is_closed(earlier)):
                present[-1] = connection  # to be told, too
                raise WorkerError(f"two processes are worker {index}; give each its own index")
            present[index] = connection
            _compare(cluster, index, hello, other)


def _compare(cluster: Cluster, index: int, hello: dict[str, Any], other: dict[str, Any]) -> None:
    """The chief's hello against that of worker `index`, as JSON."""
    mine = json.loads(json.dumps({"workers": hello["workers"], **hello["options"]}))
    theirs = {"workers": other.get("workers"), **other.get("options", {})}
    differing = sorted(key for key in mine.keys() | theirs.keys() if mine.get(key) != theirs.get(key))
    if differing:
        told = "; ".join(f"{key} {theirs.get(key)!r} where the chief has {mine.get(key)!r}" for key in differing)
        raise WorkerError(f"worker {index} was started with another {told}: give every worker the same")


def _join_chief(
    cluster: Cluster, hello: dict[str, Any], deadline: float, wait_seconds: float
) -> tuple[Lifeline, bytes]:
    reason = "it did not answer"
    while time.monotonic() < deadline:
        try:
            address = split_address(cluster.workers[0])
            connection = _wrap(socket.create_connection(address, max(deadline - time.monotonic(), 0.001)))
            connection.send_bytes(json.dumps(hello).encode())
            # The chief tells who did not come; it may have begun to wait a little later than this worker.
            if connection.poll(max(deadline - time.monotonic(), 0) + HELLO_SECONDS):
                answer = json.loads(connection.recv_bytes(HELLO_BYTES))
                if answer["error"]:
                    raise WorkerError(f"the chief says: {answer['error']}")
                return Lifeline(cluster, {0: connection}), connection.recv_bytes()
        except (OSError, EOFError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error) or "it closed the connection"
            time.sleep(RETRY_SECONDS)
    raise WorkerError(
        f"the chief, {cluster.name_worker(0)}, could not be reached within {wait_seconds:g} s ({reason}). "
        "Start it, and let this machine reach that port"
    )


def _wrap(peer: socket.socket) -> Connection:
    peer.settimeout(None)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE.items():
        if hasattr(socket, name):
            peer.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return Connection(peer.detach())


def _is_closed(connection: Connection) -> bool:
    try:
        return connection.poll(0) and not connection.recv_bytes(HELLO_BYTES)
    except (OSError, EOFError):
        return True
