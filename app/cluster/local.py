"""Ray on this machine, started for one command."""

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import httpx
import ray
from ray import serve

from app.cluster.serving import APP_NAME, HELPER_CORES, build_application
from app.settings import AccessSettings, Settings


@contextmanager
def run_ray(cores: int, address: str = "local") -> Iterator[None]:
    """Start Ray here, where it may place work for so many cores, or join the cluster at an address."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would tell its makers
    here: dict[str, Any] = {"num_cpus": cores, "include_dashboard": False} if address == "local" else {}
    ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False, **here)
    try:
        yield
    finally:
        ray.shutdown()


def serve_here(settings: Settings, access: AccessSettings) -> None:
    """Serve until SIGTERM or SIGINT; what has been asked by then is answered."""
    stop = threading.Event()

    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        stop.set()

    with run_ray(settings.workers + HELPER_CORES):
        serve.start(http_options={"host": settings.host, "port": settings.port})
        serve.run(build_application(settings, access), name=APP_NAME, route_prefix="/")
        print(f"convserve on Ray: http://{settings.host}:{settings.port}/", flush=True)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, ask_to_stop)
        stop.wait()
        wait_until_idle(settings)
        serve.shutdown()


def wait_until_idle(settings: Settings) -> None:
    """Ray would stop the replicas that work and those that talk HTTP at once, and what waits between them is lost."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)
    end = time.monotonic() + settings.graceful_seconds
    while time.monotonic() < end:
        reply = httpx.get(f"http://{host}:{settings.port}/readyz", timeout=settings.graceful_seconds)
        if reply.status_code == 200 and reply.json()["busy"] + reply.json()["waiting"] == 0:
            return
        time.sleep(0.1)
