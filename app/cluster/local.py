"""Connect a command to Ray: start Ray on this machine, or join a cluster."""

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

from app.cluster.serving import APP_NAME, SPARE_CORES, build_application
from app.settings import AccessSettings, Settings

IDLE_POLL_SECONDS = 0.1


@contextmanager
def connect_ray(cores: int, address: str = "local") -> Iterator[None]:
    """Start Ray on this machine for this number of cores, or join the cluster at an address."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would send them to its developers
    options: dict[str, Any] = {"num_cpus": cores, "include_dashboard": False} if address == "local" else {}
    ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False, **options)
    try:
        yield
    finally:
        ray.shutdown()


def serve_on_ray(settings: Settings, access: AccessSettings) -> None:
    """Serve until SIGTERM or SIGINT, then finish the accepted requests."""
    stop = threading.Event()

    def request_stop(number: int, frame: FrameType | None) -> None:
        stop.set()

    with connect_ray(settings.workers + SPARE_CORES):
        serve.start(http_options={"host": settings.host, "port": settings.port})
        serve.run(build_application(settings, access), name=APP_NAME, route_prefix="/")
        print(f"convserve on Ray: http://{settings.host}:{settings.port}/", flush=True)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, request_stop)
        stop.wait()
        wait_until_idle(settings)
        serve.shutdown()


def wait_until_idle(settings: Settings) -> None:
    """Wait for the accepted requests, at most `graceful_seconds`.

    Ray would stop the replicas for HTTP together with the replicas that process their requests.
    """
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)
    end = time.monotonic() + settings.graceful_seconds
    while time.monotonic() < end:
        reply = httpx.get(f"http://{host}:{settings.port}/readyz", timeout=settings.graceful_seconds)
        if reply.status_code == 200 and reply.json()["busy"] + reply.json()["waiting"] == 0:
            return
        time.sleep(IDLE_POLL_SECONDS)
