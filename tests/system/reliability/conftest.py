"""One service in separate processes, shared by the tests that only send requests."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.support.service import RunningService, run_service


@pytest.fixture(scope="package")
def service() -> Iterator[RunningService]:
    with run_service(workers=2) as running:
        yield running


@pytest.fixture(scope="package")
def http(service: RunningService) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=service.url, timeout=120) as client:
        yield client
