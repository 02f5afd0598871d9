"""Start several workers on this machine, one process each, connected over the loopback interface."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack

from models.training.distributed.cluster_spec import TF_CONFIG, Cluster

GRACE_SECONDS = 30  # after the first failure, for the other workers to print their messages and exit
POLL_SECONDS = 0.2


def run_local_workers(count: int, arguments: list[str]) -> int:
    """Train with `count` processes. Returns the exit status of the first one that failed, or 0.

    `arguments` are the options of `python -m models.train` for one worker.
    """
    workers = tuple(f"127.0.0.1:{port}" for port in find_free_ports(count))
    command = [sys.executable, "-m", "models.train", *arguments]
    processes: list[subprocess.Popen[bytes]] = []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        for index in range(count):
            environment = {**os.environ, TF_CONFIG: Cluster(workers, index).to_tf_config()}
            processes.append(subprocess.Popen(command, env=environment))
        return wait_for_processes(processes)
    finally:
        for process in processes:
            process.kill()
            process.wait()


def wait_for_processes(processes: list[subprocess.Popen[bytes]]) -> int:
    failed, deadline = 0, float("inf")
    while any(process.poll() is None for process in processes) and time.monotonic() < deadline:
        codes = [code for process in processes if (code := process.poll())]
        if codes and not failed:
            failed, deadline = codes[0], time.monotonic() + GRACE_SECONDS
        time.sleep(POLL_SECONDS)
    failed = failed or next((code for process in processes if (code := process.poll())), 0)
    return failed if failed >= 0 else 128 - failed  # for a signal, the status that a shell reports


def find_free_ports(count: int) -> list[int]:
    """Ports that are free now; another process may take one before it is used."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
