"""A call of a task, from the queue to its outcome."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from app.context import StepTime, find_record
from app.pool.task import Outcome, Task


class Call:
    """`params` are encoded. `is_large`: whether it waits in the queue of large uploads.

    A call has one future and no asyncio task of its own: each task costs a small image 20 µs and more.
    """

    def __init__(
        self, task: Task[Any, Any], params: bytes, blobs: Sequence[bytes], *, is_large: bool, may_be_batched: bool
    ) -> None:
        self.task, self.params, self.blobs = task, params, blobs
        self.is_large = is_large
        self.may_be_batched = may_be_batched
        self.request_id = find_record().id
        self.since_ns = time.time_ns()
        self.since = time.monotonic()
        self.begun: float | None = None
        """When it was sent to a worker, on the clock of `since`; None while it waits."""
        self.is_alone = True
        """Whether its batch has no other call."""
        self.done: asyncio.Future[Outcome[Any]] = asyncio.get_running_loop().create_future()
        """Cancelled if the client has disconnected."""

    def can_join(self, other: "Call") -> bool:
        """Whether both can be one request to a worker."""
        return self.may_be_batched and (self.task.name, self.params) == (other.task.name, other.params)

    def finish(self, outcome: Outcome[Any]) -> None:
        if not self.done.done():
            self.done.set_result(outcome)

    def fail(self, error: BaseException) -> None:
        if not self.done.done():
            self.done.set_exception(error)

    def measure_wait(self) -> StepTime:
        """The wait for a worker, up to now if it has not ended."""
        return StepTime("queue", self.since_ns, (self.begun or time.monotonic()) - self.since)
