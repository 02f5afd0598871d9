"""The service on Ray Serve, on two nodes: the same answers as elsewhere, and few losses with a replica or a node."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2
import pytest

from tests.app.cluster.conftest import TwoNodes, wait_until
from tests.support.images import draw_noise, encode
from tests.support.paths import ROOT
from tests.support.service import run_service

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
CLIENTS = 8
HTTP_TESTS = [
    "problems",
    "damaged_images",
    "filter_kernels",
    "filter_parameters",
    "filter_route",
    "digits_route",
    "gallery_route",
    "kernels_route",
    "explain_route",
    "learn_route",
]
HTTP_TESTS += ["size_route", "home_route", "page_routes", "documentation"]


class Load:
    """Clients that send requests in a loop, each as soon as it has its response."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.replies: list[tuple[int, float]] = []
        """Status, 0 for a lost connection; and seconds."""
        self._stop = threading.Event()
        self._image = encode(draw_noise(300, 400, seed=1))

    def send(self) -> None:
        with httpx2.Client(base_url=self.address, timeout=60) as client:
            while not self._stop.is_set():
                started = time.monotonic()
                try:
                    reply = client.post("/filter/gaussian?sigma=2", files={"file": ("a.png", self._image)})
                    status = reply.status_code
                except httpx2.HTTPError:
                    status = 0
                self.replies.append((status, time.monotonic() - started))

    @property
    def statuses(self) -> Counter[int]:
        return Counter(status for status, _ in self.replies)

    def describe(self) -> str:
        return f"{dict(self.statuses)}, slowest {max(seconds for _, seconds in self.replies):.2f} s"

    def wait_for(self, more: int) -> None:
        goal = len(self.replies) + more
        wait_until(lambda: len(self.replies) >= goal, 240)


@contextmanager
def load(address: str) -> Iterator[Load]:
    """Load until the body ends. Waits until every request has its response."""
    running = Load(address)
    with ThreadPoolExecutor(CLIENTS) as threads:
        clients = [threads.submit(running.send) for _ in range(CLIENTS)]
        try:
            running.wait_for(3 * CLIENTS)
            yield running
        finally:
            running._stop.set()
    for client in clients:
        client.result()


def find_replica(deployment: str) -> int:
    """The process id of a replica of the service with the default limits."""
    title = f"ray::ServeReplica:convserve:{deployment}"
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # the process has ended
            if command.read_text().startswith(title):
                return int(command.parent.name)
    raise AssertionError(f"no process has the title {title}")


def count_running(deployment: str) -> int:
    from ray import serve

    status = serve.status().applications["convserve"].deployments[deployment]
    return status.replica_states.get("RUNNING", 0)


def has_all_replicas() -> bool:
    return all(count_running(deployment) >= 2 for deployment in ("http", "filters", "digits"))


def test_the_tests_of_the_routes_pass_on_ray(two_nodes: TwoNodes) -> None:
    files = [f"tests/app/api/test_{name}.py" for name in HTTP_TESTS]
    there = ["--at", two_nodes.address, "--limited-at", f"{two_nodes.address}/limited"]
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", "-m", "not slow", *files, *there]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-5000:]
    passed = re.search(r"(\d+) passed", result.stdout)
    assert passed
    assert int(passed[1]) > 700


def test_a_killed_replica_loses_no_request(two_nodes: TwoNodes) -> None:
    with load(two_nodes.address) as running:
        os.kill(find_replica("filters"), signal.SIGKILL)
        noticed_s = wait_until(lambda: count_running("filters") < 2, 240)
        healed_s = wait_until(has_all_replicas, 600)
        running.wait_for(CLIENTS)
    print(f"{running.describe()}; noticed after {noticed_s:.1f} s, replaced after another {healed_s:.1f} s")
    assert set(running.statuses) == {200}


def test_a_lost_node_fails_only_the_requests_on_it_and_is_replaced(two_nodes: TwoNodes) -> None:
    with load(two_nodes.address) as running:
        two_nodes.remove_second()
        noticed_s = wait_until(lambda: count_running("filters") < 2, 240)  # a replica was on it
        two_nodes.add_second()
        healed_s = wait_until(has_all_replicas, 600)
        lost = running.statuses.total() - running.statuses[200]
        running.wait_for(5 * CLIENTS)
    print(f"{running.describe()}; noticed after {noticed_s:.1f} s, replaced after another {healed_s:.1f} s")
    assert lost <= CLIENTS, running.statuses  # each client had at most one request there
    assert running.statuses.total() - running.statuses[200] == lost


def test_the_command_finishes_accepted_requests_before_it_stops() -> None:
    command = ("-m", "app", "serve", "--on", "ray", "--port", "{port}")
    with (
        run_service(command, workers=1, deadline_seconds=60, graceful_seconds=60) as service,
        ThreadPoolExecutor(3) as threads,
    ):
        image = encode(draw_noise(1500, 1500, seed=1))
        with httpx2.Client(base_url=service.url, timeout=100) as client:
            send = lambda _: client.post("/filter/gaussian?sigma=9", files={"file": ("a.png", image)})  # noqa: E731
            replies = threads.map(send, range(3))
            wait_until(lambda: client.get("/readyz").json()["busy"] > 0, 240)
            service.process.send_signal(signal.SIGTERM)
            for reply in replies:
                assert reply.status_code == 200, reply.text
        assert service.process.wait(60) == 0
