"""The service as a client meets it. TensorFlow is warmed up once for all tests.

`pytest tests/app --at URL` asks a service that runs elsewhere, wherever and on whatever it does: the tests that use
`client` run against it and no others. `--limited-at URL` does the same for `limited_client`.
"""

import os
import threading
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from app.main import create_app
from app.pool.process import Worker
from app.settings import Settings

LIMITS: dict[str, Any] = {
    "max_upload_bytes": 20_000,
    "max_pixels": 1000,
    "max_multiply_adds": 100_000,
    "max_gallery_kernels": 3,
    "max_map_values": 5000,
}
"""That small images reach."""
SHARING = ("browser", "cluster", "deploy", "interoperability", "reliability")
"""Folders with fixtures of their own for all their files."""
SAVE_SECONDS = 10


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--at", metavar="URL", help="run the tests of `client` against the service there")
    parser.addoption("--limited-at", metavar="URL", help=f"those of `limited_client`; it has the limits {LIMITS}")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    options = {"client": "at", "limited_client": "limited_at"}
    there = {fixture for fixture, option in options.items() if config.getoption(option)}
    if there:
        used = [options.keys() & set(getattr(item, "fixturenames", ())) for item in items]
        config.hook.pytest_deselected(
            items=[item for item, its in zip(items, used, strict=True) if not (its and its <= there)]
        )
        items[:] = [item for item, its in zip(items, used, strict=True) if its and its <= there]

    # What takes longest comes first, so that no process is alone with it at the end.
    items.sort(key=lambda item: item.path.parent.name not in SHARING)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `-n`, tests that share a service run in one process: those of a file, or of a folder in `SHARING`.

    Not `--dist loadgroup`: pytest 9.2 does not let xdist 3.8 put a group into a test's name, and nobody is told.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ShareServices(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            path = PurePosixPath(nodeid.partition("::")[0])
            return str(path.parent if path.parent.name in SHARING else path)

    return ShareServices(config, log)


@pytest.fixture(scope="session", autouse=True)
def save_coverage_of_workers() -> Iterator[None]:
    """A worker that is killed loses its coverage data. When coverage is measured, it has time to exit by itself."""

    def stop(worker: Worker) -> None:
        worker.channel.transport.abort()
        killer = threading.Timer(SAVE_SECONDS, worker.process.kill)
        killer.daemon = True
        killer.start()

    with pytest.MonkeyPatch.context() as patch:
        if "COVERAGE_PROCESS_CONFIG" in os.environ:
            patch.setattr(Worker, "stop", stop)
        yield


@pytest.fixture(scope="session")
def client(request: pytest.FixtureRequest) -> Iterator[httpx2.Client]:
    """A service with the default limits; in this process, an exception that no handler knows fails the test."""
    yield from connect(request.config.getoption("at"), Settings(workers=2))


@pytest.fixture(scope="session")
def limited_client(request: pytest.FixtureRequest) -> Iterator[httpx2.Client]:
    """A service with limits that small images reach."""
    yield from connect(request.config.getoption("limited_at"), Settings(**LIMITS, workers=1))


def connect(address: str | None, settings: Settings) -> Iterator[httpx2.Client]:
    if address:
        with httpx2.Client(base_url=address, follow_redirects=True, timeout=60) as client:
            yield client
    else:
        with TestClient(create_app(settings)) as client:
            yield client
