"""The record of a request: the HTTP process and the worker fill it in; log line and metrics are made from it."""

import re
import time
import uuid
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Annotated, Protocol

from msgspec import Meta, Struct

UNMATCHED = "unmatched"
"""The route of a request that matches none."""
CLIENT_GONE = 499
"""nginx's status for a client that disconnected before the response."""
REQUEST_ID_HEADER = "X-Request-ID"
REQUEST_ID = re.compile(r"[A-Za-z0-9._:/=+@-]{1,128}", re.ASCII)


Name = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9.+-]{1,40}\Z")]
"""Of a step or a backend. Both end up in response headers."""


class StepTime(Struct, frozen=True, array_like=True):
    """One step of the work: `queue`, `decode`, `convolve`, `encode`, `classify` or `learn`."""

    name: Name
    started_ns: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    """Since 1970."""
    seconds: Annotated[float, Meta(ge=0, le=1e6)]


class WorkReport(Protocol):
    """What a worker process measured while it did a task (`app.pool.ipc.Report`)."""

    pixels: int
    backends: dict[str, str]
    steps: list[StepTime]


@dataclass
class Record:
    """One request. It never holds the content of the request, such as images or query strings."""

    id: str
    trace_id: str | None = None
    """None if tracing is off."""
    method: str = ""
    client: str = ""
    route: str = UNMATCHED
    status: int = CLIENT_GONE
    problem: str | None = None
    """The slug of the problem type, or the status phrase with hyphens."""
    received_bytes: int = 0
    sent_bytes: int = 0
    pixels: int = 0
    """Decoded pixels: width × height × frames."""
    kernels: tuple[str, ...] = ()
    """Catalogue names, or `custom`."""
    steps: list[StepTime] = field(default_factory=list)
    backends: dict[str, str] = field(default_factory=dict)
    """The library or code path of each step that has several with the same result."""
    started: float = field(default_factory=time.perf_counter)

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.started

    def add_step(self, step: StepTime) -> None:
        """Consecutive steps of the same name are merged."""
        if self.steps and self.steps[-1].name == step.name:
            last = self.steps.pop()
            step = StepTime(step.name, last.started_ns, last.seconds + step.seconds)
        self.steps.append(step)

    def add_report(self, report: "WorkReport") -> None:
        """Add what a worker process measured."""
        self.pixels += report.pixels
        self.backends |= report.backends
        for step in report.steps:
            self.add_step(step)


current_record: ContextVar[Record | None] = ContextVar("current_record", default=None)


def find_record() -> Record:
    """The record of the current request; outside of a request, a new one that is discarded."""
    return current_record.get() or Record("")


class TimedStep:
    """Context manager that records the duration of its body."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        self.started_ns = time.time_ns()
        self.started = time.perf_counter()

    def __exit__(self, *error: object) -> None:
        find_record().add_step(StepTime(self.name, self.started_ns, time.perf_counter() - self.started))


def choose_request_id(sent: str) -> str:
    """The id sent in X-Request-ID if it is safe in logs and headers, otherwise a new one."""
    return sent if REQUEST_ID.fullmatch(sent) else uuid.uuid4().hex
