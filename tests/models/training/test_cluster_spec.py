import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from models.errors import ClusterError, WorkerError
from models.training.distributed.cluster_spec import SINGLE_WORKER, TF_CONFIG, Cluster, check_batch, read_tf_config
from models.training.distributed.launcher import find_free_ports
from models.training.distributed.rendezvous import WorkerConnections, connect


def describe(workers: Any, index: Any = 0, **more: Any) -> str:
    return json.dumps({"cluster": {"worker": workers, **more}, "task": {"type": "worker", "index": index}})


def find_cluster(count: int) -> list[Cluster]:
    workers = tuple(f"127.0.0.1:{port}" for port in find_free_ports(count))
    return [Cluster(workers, index) for index in range(count)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{not json", "not JSON"),
        ("[]", "TF_CONFIG is invalid"),
        ("null", "TF_CONFIG is invalid"),
        (json.dumps({"task": {"type": "worker", "index": 1}}), "cluster: Field required"),
        (json.dumps({"clusters": {"worker": ["a:1"]}, "task": {"index": 0}}), "cluster: Field required"),
        (json.dumps({"cluster": {}, "task": {"index": 0}}), "has no workers"),
        (json.dumps({"cluster": {"worker": ["a:1"]}, "task": {"type": "evaluator", "index": 0}}), "'evaluator'"),
        (json.dumps({"cluster": {"worker": ["a:1"]}, "task": {"type": "worker"}}), "task.index: Field required"),
        (json.dumps({"cluster": {"worker": ["a:1"]}}), "task"),
        (describe("a:1"), "cluster.worker"),
        (describe([]), "has no workers"),
        (describe(["a:1", "b"]), "invalid address 'b' of worker 1"),
        (describe(["a:1", "b:0"]), "port '0'"),
        (describe(["a:1", "b:70000"]), "65535"),
        (describe(["a:1", "b:-1"]), "port '-1'"),
        (describe(["a:1", "b:2222x"]), "port '2222x'"),
        (describe(["a:1", ":2"]), "':2' of worker 1: expected host:port"),
        (describe(["a:1", "grpc://b:2"]), "'grpc://b:2' of worker 1: expected host:port"),
        (describe(["a:1", "b c:2"]), "host 'b c'"),
        (describe(["a:1", "[::1]:2"]), "IPv6"),
        (describe(["a:1", 2]), "cluster.worker.1"),
        (describe(["a:1", "b:2", "a:1"]), "workers 0, 2"),
        (describe(["a:1"], "first"), "task.index"),
        (describe(["a:1", "b:2"], 2), "it must be 0 to 1"),
        (describe(["a:1", "b:2"], -1), "task.index"),
        (describe(["a:1"], ps=["c:3"]), "cluster.ps"),
        (describe(["b:2"], chief=["a:1"]), "cluster.chief"),
    ],
)
def test_invalid_tf_config_is_explained(text: str, message: str) -> None:
    with pytest.raises(ClusterError, match="TF_CONFIG") as caught:
        read_tf_config(text)
    assert message in str(caught.value)


def test_invalid_tf_config_is_reported_before_tensorflow_is_imported(tmp_path: Path) -> None:
    # In a new process, which shows whether TensorFlow was imported.
    program = (
        "import sys, models.train\n"
        "try: models.train.main(['--data', 'no-such-folder', '--out', sys.argv[1]])\n"
        "finally: assert not {'tensorflow', 'keras'} & sys.modules.keys()"
    )
    environment = os.environ | {TF_CONFIG: describe(["a:1", "b:0"])}

    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "out")], env=environment, capture_output=True, text=True
    )

    assert ended.returncode == 1
    assert ended.stderr == "TF_CONFIG: invalid address 'b:0' of worker 1: port '0' is not a number from 1 to 65535\n"
    assert not (tmp_path / "out").exists()


def test_tf_config_round_trip() -> None:
    cluster = Cluster(("a:1", "b:2"), 1)

    assert read_tf_config(cluster.to_tf_config()) == cluster
    assert read_tf_config("") == read_tf_config("{}") == SINGLE_WORKER


def test_indivisible_batch_is_rejected_with_the_nearest_sizes() -> None:
    check_batch(128, 4)
    with pytest.raises(ClusterError, match="126 or 129"):
        check_batch(128, 3)


def test_missing_worker_is_named() -> None:
    chief, other = find_cluster(2)

    with pytest.raises(WorkerError, match=rf"worker 1 .*{other.workers[1]}.* did not connect within 0.3 s"):
        connect(chief, {}, b"", 0.3)
    with pytest.raises(WorkerError, match=r"chief, worker 0 .*could not be reached within 0.3 s"):
        connect(other, {}, b"", 0.3)


def connect_in_threads(clusters: list[Cluster], options: list[dict[str, Any]]) -> list[Any]:
    """For each worker, (connections, the chief's state) or the error message."""
    results: list[Any] = [None] * len(clusters)

    def run(n: int) -> None:
        try:
            results[n] = connect(clusters[n], options[n], b"of the chief" if n == 0 else b"", 10)
        except WorkerError as error:
            results[n] = str(error)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(clusters))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.parametrize(("left", "lost"), [(0, 2), (2, 0)])
def test_workers_get_the_chiefs_state_and_detect_a_lost_worker(left: int, lost: int) -> None:
    results = connect_in_threads(find_cluster(3), [{"seed": 1}] * 3)
    assert [state for _, state in results] == [b"of the chief"] * 3
    connections: WorkerConnections = results[left][0]
    messages: list[str] = []
    connections.on_loss = messages.append
    connections.watch()

    results[lost][0].connections[left].close()

    assert connections.released.wait(10)
    assert f"worker {lost}" in messages[0]


def test_worker_with_other_options_is_rejected_on_both_sides() -> None:
    for message in connect_in_threads(find_cluster(2), [{"seed": 1}, {"seed": 2}]):
        assert "the options of worker 1 differ from the chief's (seed 2 instead of 1)" in message
