"""A registry whose only task `filter` fails unexpectedly: `WorkerPool(settings, "tests.support.failing_filter")`."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from app.pool.ipc import Report
from app.pool.task import Answer, Registry
from app.settings import Settings
from app.tasks.filter import FILTER, FilterParams, FilterResult
from app.tasks.registry import REGISTRY as SERVICE


def start(settings: Settings, static: bytes) -> None:
    pass


def fail(context: Any, params: FilterParams, blobs: Sequence[bytes], report: Report) -> Answer[FilterResult]:
    raise RuntimeError("secret-password in /etc/secret.py")


REGISTRY = Registry({FILTER.name: replace(FILTER, run=fail)}, start, SERVICE.describe_error)
