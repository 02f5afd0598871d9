"""The workers of a distributed run, from TF_CONFIG or `--workers`, validated before the run starts."""

import json
import re
import socket
from dataclasses import dataclass

from pydantic import BaseModel, Field, ValidationError

from models.errors import ClusterError
from models.sharding import Shard

TF_CONFIG = "TF_CONFIG"
EXAMPLE = '{"cluster": {"worker": ["first:2222", "second:2222"]}, "task": {"type": "worker", "index": 0}}'


@dataclass(frozen=True)
class Cluster:
    """The workers as host:port, and the index of this process. Worker 0, the chief, writes the files."""

    workers: tuple[str, ...]
    index: int

    @property
    def is_chief(self) -> bool:
        return self.index == 0

    @property
    def shard(self) -> Shard:
        return Shard(self.index, len(self.workers))

    def name_worker(self, index: int) -> str:
        return f"worker {index} ({self.workers[index]})"

    def to_tf_config(self) -> str:
        return json.dumps({"cluster": {"worker": self.workers}, "task": {"type": "worker", "index": self.index}})


SINGLE_WORKER = Cluster(("this process",), 0)


class TfTask(BaseModel):
    type: str = "worker"
    index: int = Field(ge=0)


class TfConfig(BaseModel):
    cluster: dict[str, list[str]]
    task: TfTask


def read_tf_config(text: str) -> Cluster:
    """The cluster in a value of TF_CONFIG; SINGLE_WORKER if the value is empty. Raises ClusterError."""
    try:
        document = json.loads(text or "{}")
    except ValueError as error:
        raise ClusterError(f"TF_CONFIG is not JSON ({error}). Example: {EXAMPLE}") from None
    if document == {}:
        return SINGLE_WORKER
    try:
        config = TfConfig.model_validate(document)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc'])) or 'document'}: {problem['msg']}" for problem in error.errors()
        )
        raise ClusterError(f"TF_CONFIG is invalid ({problems}). Example: {EXAMPLE}") from None
    unsupported = [f"cluster.{name}" for name in sorted(config.cluster.keys() - {"worker"})]
    if config.task.type != "worker":
        unsupported.append(f"task.type {config.task.type!r}")
    if unsupported:
        raise ClusterError(
            f"TF_CONFIG has {', '.join(unsupported)}, which is not supported. "
            "List every machine in cluster.worker, the chief first, and set task.type to 'worker'"
        )
    return form_cluster(config.cluster.get("worker", []), config.task.index, TF_CONFIG)


def form_cluster(workers: list[str], index: int, source: str) -> Cluster:
    """Validate the addresses and the index; `source` is the name of their origin in messages. Raises ClusterError."""
    if not workers:
        raise ClusterError(f"{source} has no workers; give at least one as host:port")
    for number, address in enumerate(workers):
        try:
            split_address(address)
        except ValueError as error:
            raise ClusterError(f"{source}: invalid address {address!r} of worker {number}: {error}") from None
    for address in workers:
        numbers = [number for number, other in enumerate(workers) if other == address]
        if len(numbers) > 1:
            raise ClusterError(
                f"{source}: workers {', '.join(map(str, numbers))} have the same address {address}; "
                "each worker needs its own host or port"
            )
    if not 0 <= index < len(workers):
        raise ClusterError(
            f"{source}: the index of this worker is {index}, but with {len(workers)} workers "
            f"it must be 0 to {len(workers) - 1}"
        )
    return Cluster(tuple(workers), index)


def split_address(address: str) -> tuple[str, int]:
    """(host, port) of `host:port`. Raises ValueError with the reason."""
    host, colon, port = address.rpartition(":")
    if not colon or not host or "/" in host:
        raise ValueError("expected host:port, as in trainer-1.example:2222")
    if host.startswith("[") or ":" in host:
        raise ValueError("TensorFlow's collectives do not support IPv6; give a name or an IPv4 address")
    if not re.fullmatch(r"[\w.-]+", host):
        raise ValueError(f"host {host!r} is neither a name nor an IPv4 address")
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536:
        raise ValueError(f"port {port!r} is not a number from 1 to 65535")
    return host, int(port)


def check_batch(batch: int, count: int) -> None:
    """Raise ClusterError unless `count` workers can take equal shards of a batch."""
    if batch % count:
        fitting = [size for size in (batch // count * count, (batch // count + 1) * count) if size]
        raise ClusterError(
            f"a batch of {batch} images cannot be divided equally among {count} workers: "
            f"give --batch {' or '.join(map(str, fitting))} (the same on every worker), or another number of workers"
        )


def check_port(cluster: Cluster) -> None:
    """Raise ClusterError if this worker's port is in use."""
    _, port = split_address(cluster.workers[cluster.index])
    try:
        socket.create_server(("", port)).close()
    except OSError as error:
        raise ClusterError(
            f"this process is {cluster.name_worker(cluster.index)}, but it cannot listen on port {port}: "
            f"{error.strerror}. Stop the process that uses the port, or give another port on every worker"
        ) from None
