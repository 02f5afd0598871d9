"""The service as a client meets it. TensorFlow is warmed up once for all tests."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from app.main import create_app
from app.settings import Settings


@pytest.fixture(scope="session")
def client() -> Iterator[TestClient]:
    """A service with the default limits; an exception that no handler knows fails the test."""
    with TestClient(create_app(Settings(workers=2))) as client:
        yield client


@pytest.fixture(scope="session")
def limited_client() -> Iterator[TestClient]:
    """A service with limits that small pictures reach."""
    settings = Settings(
        max_upload_bytes=20_000, max_pixels=1000, max_multiply_adds=100_000, max_gallery_kernels=3, workers=1
    )
    with TestClient(create_app(settings)) as client:
        yield client
