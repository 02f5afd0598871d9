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
    ("text", "told"),
    [
        ("{not json", "not JSON"),
        ("[]", "TF_CONFIG is wrong"),
        ("null", "TF_CONFIG is wrong"),
        (json.dumps({"task": {"type": "worker", "index": 1}}), "cluster: Field required"),
        (json.dumps({"clusters": {"worker": ["a:1"]}, "task": {"index": 0}}), "cluster: Field required"),
        (json.dumps({"cluster": {}, "task": {"index": 0}}), "names no worker"),
        (json.dumps({"cluster": {"worker": ["a:1"]}, "task": {"type": "evaluator", "index": 0}}), "'evaluator'"),
        (json.dumps({"cluster": {"worker": ["a:1"]}, "task": {"type": "worker"}}), "task.index: Field required"),
        (json.dumps({"cluster": {"worker": ["a:1"]}}), "task"),
        (describe("a:1"), "cluster.worker"),
        (describe([]), "names no worker"),
        (describe(["a:1", "b"]), "worker 1 is 'b'"),
        (describe(["a:1", "b:0"]), "port '0'"),
        (describe(["a:1", "b:70000"]), "65535"),
        (describe(["a:1", "b:-1"]), "port '-1'"),
        (describe(["a:1", "b:2222x"]), "port '2222x'"),
        (describe(["a:1", ":2"]), "':2', which is not host:port"),
        (describe(["a:1", "grpc://b:2"]), "'grpc://b:2', which is not host:port"),
        (describe(["a:1", "b c:2"]), "host 'b c'"),
        (describe(["a:1", "[::1]:2"]), "IPv6"),
        (describe(["a:1", 2]), "cluster.worker.1"),
        (describe(["a:1", "b:2", "a:1"]), "workers 0, 2"),
        (describe(["a:1"], "first"), "task.index"),
        (describe(["a:1", "b:2"], 2), "it is 0 to 1"),
        (describe(["a:1", "b:2"], -1), "task.index"),
        (describe(["a:1"], ps=["c:3"]), "cluster.ps"),
        (describe(["b:2"], chief=["a:1"]), "cluster.chief"),
    ],
)
def test_a_wrong_tf_config_says_what_is_wrong(text: str, told: str) -> None:
    with pytest.raises(ClusterError, match="TF_CONFIG") as caught:
        read_tf_config(text)
    assert told in str(caught.value)


def test_a_wrong_tf_config_is_told_before_anything_starts(tmp_path: Path) -> None:
    # In a process of its own, to see that it did not even import TensorFlow.
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
    assert ended.stderr == ("TF_CONFIG: worker 1 is 'b:0', whose port '0' is not a number from 1 to 65535\n")
    assert not (tmp_path / "out").exists()


def test_tf_config_is_read_and_written_as_tensorflow_does() -> None:
    cluster = Cluster(("a:1", "b:2"), 1)

    assert read_tf_config(cluster.to_tf_config()) == cluster
    assert read_tf_config("") == read_tf_config("{}") == SINGLE_WORKER


def test_a_batch_that_cannot_be_shared_names_those_that_can() -> None:
    check_batch(128, 4)
    with pytest.raises(ClusterError, match="126 or 129"):
        check_batch(128, 3)


def test_a_worker_that_does_not_come_is_named() -> None:
    chief, other = find_cluster(2)

    with pytest.raises(WorkerError, match=rf"worker 1 .*{other.workers[1]}.* did not come within 0.3 s"):
        connect(chief, {}, b"", 0.3)
    with pytest.raises(WorkerError, match=r"chief, worker 0 .*could not be reached within 0.3 s"):
        connect(other, {}, b"", 0.3)


def meet_in_threads(clusters: list[Cluster], options: list[dict[str, Any]]) -> list[Any]:
    """What each got: its lifeline and the chief's state, or the error's message."""
    got: list[Any] = [None] * len(clusters)

    def run(n: int) -> None:
        try:
            got[n] = connect(clusters[n], options[n], b"of the chief" if n == 0 else b"", 10)
        except WorkerError as error:
            got[n] = str(error)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(clusters))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got


@pytest.mark.parametrize(("left", "lost"), [(0, 2), (2, 0)])
def test_workers_get_the_chief_s_state_and_notice_a_lost_one(left: int, lost: int) -> None:
    got = meet_in_threads(find_cluster(3), [{"seed": 1}] * 3)
    assert [state for _, state in got] == [b"of the chief"] * 3
    lifeline: WorkerConnections = got[left][0]
    told: list[str] = []
    lifeline.on_loss = told.append
    lifeline.watch()

    got[lost][0].connections[left].close()

    assert lifeline.released.wait(10)
    assert f"worker {lost}" in told[0]


def test_a_worker_with_other_options_is_refused_on_both_sides() -> None:
    for told in meet_in_threads(find_cluster(2), [{"seed": 1}, {"seed": 2}]):
        assert "worker 1 was started with another seed 2 where the chief has 1" in told
