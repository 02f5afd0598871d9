"""Who trains together: the workers' addresses, from TF_CONFIG or `--workers`, checked before anything starts."""

import json
import re
import socket
from dataclasses import dataclass

from pydantic import BaseModel, Field, ValidationError

from models.errors import ClusterError

TF_CONFIG = "TF_CONFIG"
EXAMPLE = '{"cluster": {"worker": ["first:2222", "second:2222"]}, "task": {"type": "worker", "index": 0}}'


@dataclass(frozen=True)
class Share:
    """A worker's part of every batch: the rows `index`, `index + count`, and so on."""

    index: int = 0
    count: int = 1


WHOLE = Share()


@dataclass(frozen=True)
class Cluster:
    """The workers, each as host:port, and which of them this process is. Worker 0, the chief, writes the files."""

    workers: tuple[str, ...]
    index: int

    @property
    def is_chief(self) -> bool:
        return self.index == 0

    @property
    def share(self) -> Share:
        return Share(self.index, len(self.workers))

    def name_worker(self, index: int) -> str:
        return f"worker {index} ({self.workers[index]})"

    def to_tf_config(self) -> str:
        return json.dumps({"cluster": {"worker": self.workers}, "task": {"type": "worker", "index": self.index}})


ALONE = Cluster(("this process",), 0)


class _Task(BaseModel):
    type: str = "worker"
    index: int = Field(ge=0)


class _TfConfig(BaseModel):
    cluster: dict[str, list[str]]
    task: _Task


def read_tf_config(text: str) -> Cluster:
    """The cluster that TF_CONFIG describes; ALONE where it is empty. Raises ClusterError."""
    try:
        document = json.loads(text or "{}")
    except ValueError as error:
        raise ClusterError(f"TF_CONFIG is not JSON ({error}); it should be like {EXAMPLE}") from None
    if document == {}:
        return ALONE
    try:
        config = _TfConfig.model_validate(document)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, problem['loc'])) or 'the whole'}: {problem['msg']}" for problem in error.errors()
        )
        raise ClusterError(f"TF_CONFIG is wrong ({wrong}); it should be like {EXAMPLE}") from None
    others = sorted(config.cluster.keys() - {"worker"})
    if others or config.task.type != "worker":
        raise ClusterError(
            f"TF_CONFIG has {', '.join([*(f'cluster.{name}' for name in others), f'task.type {config.task.type!r}'])}: "
            "name every machine in cluster.worker, the chief first, and give task.type 'worker'"
        )
    return form_cluster(config.cluster.get("worker", []), config.task.index, "TF_CONFIG")


def form_cluster(workers: list[str], index: int, source: str) -> Cluster:
    """A cluster of these addresses; `source` is where they were given. Raises ClusterError."""
    if not workers:
        raise ClusterError(f"{source} names no worker; give at least one as host:port")
    for number, address in enumerate(workers):
        try:
            split_address(address)
        except ValueError as error:
            raise ClusterError(f"{source}: worker {number} is {address!r}, {error}") from None
    for address in workers:
        places = [number for number, other in enumerate(workers) if other == address]
        if len(places) > 1:
            raise ClusterError(
                f"{source}: {address} stands for workers {', '.join(map(str, places))}; "
                "each worker needs its own host or its own port"
            )
    if not 0 <= index < len(workers):
        raise ClusterError(
            f"{source}: the index of this worker is {index}; with {len(workers)} workers it is 0 to {len(workers) - 1}"
        )
    return Cluster(tuple(workers), index)


def split_address(address: str) -> tuple[str, int]:
    """(host, port) of `host:port`; raises ValueError that says what is wrong with it."""
    host, colon, port = address.rpartition(":")
    if not colon or not host or "/" in host:
        raise ValueError("which is not host:port, as in trainer-1.example:2222")
    if host.startswith("[") or ":" in host:
        raise ValueError("an IPv6 address, which TensorFlow's collectives do not take; give a name or an IPv4 address")
    if not re.fullmatch(r"[\w.-]+", host):
        raise ValueError(f"whose host {host!r} is neither a name nor an IPv4 address")
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536:
        raise ValueError(f"whose port {port!r} is not a number from 1 to 65535")
    return host, int(port)


def check_batch(batch: int, count: int) -> None:
    """Raises ClusterError when `count` workers cannot take equal parts of a batch."""
    if batch % count:
        fitting = [size for size in (batch // count * count, (batch // count + 1) * count) if size]
        raise ClusterError(
            f"a batch of {batch} cannot be shared equally by {count} workers: "
            f"give --batch {' or '.join(map(str, fitting))} (the same on every worker), or another number of workers"
        )


def check_port(cluster: Cluster) -> None:
    """Raises ClusterError when something else listens on this worker's port."""
    _, port = split_address(cluster.workers[cluster.index])
    try:
        socket.create_server(("", port)).close()
    except OSError as error:
        raise ClusterError(
            f"this process is {cluster.name_worker(cluster.index)} but cannot listen on port {port}: "
            f"{error.strerror}. End what uses it, or give another port on every worker"
        ) from None
