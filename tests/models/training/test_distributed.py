"""Two TensorFlow processes that train together give the result of a single process."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.training.distributed.cluster_spec import TF_CONFIG, Cluster
from models.training.distributed.launcher import find_free_ports
from models.training.loop import CHECKPOINT
from tests.support.paths import MNIST_EXCERPT as EXCERPT

TIMEOUT_SECONDS = 400
LOSS_SECONDS = 15  # within which a worker reports that another was killed
SAME_IN_64_BITS = 1e-11  # measured 2e-13; with batch norm over each worker's own half, the difference is 1.5
SAME_IN_32_BITS = 1e-4  # measured 1e-6

State = dict[str, Any]


@contextmanager
def start_training(out: Path, *options: str, floatx: str, workers: int = 1) -> Iterator[list[subprocess.Popen[str]]]:
    """The processes, worker 0 first. `out` has the files of worker 0."""
    addresses = tuple(f"127.0.0.1:{port}" for port in find_free_ports(workers))
    with ExitStack() as stack:
        processes = []
        for index in range(workers):
            environment = os.environ | {"CUDA_VISIBLE_DEVICES": "-1", "TF_NUM_INTRAOP_THREADS": "1"}
            if workers > 1:
                environment[TF_CONFIG] = Cluster(addresses, index).to_tf_config()
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "tests.support.trainer", floatx, "--data", str(EXCERPT)),
                    *("--out", str(out if index == 0 else out / f"of-worker-{index}"), *options),
                ],
                env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
            processes.append(stack.enter_context(process))
            stack.callback(process.kill)
        yield processes


def train(out: Path, *options: str, floatx: str, workers: int = 1) -> State:
    with start_training(out, *options, floatx=floatx, workers=workers) as processes:
        for process in processes:
            _, errors = process.communicate(timeout=TIMEOUT_SECONDS)
            assert process.returncode == 0, errors
    return read_state(out)


def read_state(out: Path) -> State:
    """All variables of the last checkpoint, and the losses of each epoch as `history`."""
    with np.load(out / CHECKPOINT) as archive:
        state = {name: archive[name] for name in archive.files}
    note = json.loads(str(state.pop("note")))
    losses = [[value for name, value in row.items() if name.endswith("_loss")] for row in note["history"]]
    return state | {"history": np.array(losses)}


def kill_after_epoch(epoch: int, killed: int, out: Path, *options: str) -> str:
    """Kill one of two workers after the checkpoint of that epoch. Returns the error output of the other."""
    with start_training(out, *options, floatx="float64", workers=2) as processes:
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not (out / CHECKPOINT).exists() or len(read_state(out)["history"]) < epoch:
            assert time.monotonic() < deadline
            assert all(process.poll() is None for process in processes)
            time.sleep(0.05)
        processes[killed].send_signal(signal.SIGKILL)
        other = processes[1 - killed]
        _, errors = other.communicate(timeout=LOSS_SECONDS)
        assert other.returncode == 1
    return errors


def find_difference(one: State, other: State) -> float:
    """The largest difference of any variable or loss, relative to its largest absolute value."""
    assert one.keys() == other.keys()
    return max(float(np.max(np.abs(one[name] - other[name])) / max(np.max(np.abs(one[name])), 1e-30)) for name in one)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_workers_equal_one_and_resume_after_a_loss(tmp_path: Path) -> None:
    # In 64 bits, where rounding errors are negligible.
    options = ("--network", "bundled", "--epochs", "2")
    alone = train(tmp_path / "alone", *options, floatx="float64")
    together = train(tmp_path / "together", *options, floatx="float64", workers=2)

    assert together["network_0"].dtype == np.float64
    assert together["optimizer_0"] == 8  # steps
    assert np.abs(together["optimizer_1"]).max() > 1e-4  # the gradients of the first layer, averaged
    assert find_difference(together, alone) < SAME_IN_64_BITS

    errors = kill_after_epoch(1, 1, tmp_path / "broken", *options)
    assert "worker 1 (127.0.0.1:" in errors
    assert "is lost: it was killed" in errors
    assert "Start all workers again" in errors
    resumed = train(tmp_path / "broken", *options, floatx="float64", workers=2)
    assert find_difference(resumed, together) == 0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_workers_equal_one_in_32_bits(tmp_path: Path) -> None:
    options = ("--network", "lecture", "--epochs", "1")  # the test above trains the bundled network
    alone = train(tmp_path / "alone", *options, floatx="float32")
    together = train(tmp_path / "together", *options, floatx="float32", workers=2)

    assert together["network_0"].dtype == np.float32
    assert find_difference(together, alone) < SAME_IN_32_BITS
