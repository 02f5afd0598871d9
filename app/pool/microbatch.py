"""Small requests for the same work, which go to a worker process as one call."""

import asyncio
from collections.abc import Sequence
from typing import Any

from app.context import find_record
from app.pool.ipc import Report
from app.pool.task import Answer, Outcome, Task

MAX_BATCHED_BYTES = 32_000
"""Of the blobs of one request; larger requests are not batched."""
MAX_BATCH_BLOBS = 64


class BatchableCall:
    """A call of a batchable task. `done` gets its part of the outcome of the batch."""

    def __init__(self, task: Task[Any, Any], params: bytes, blobs: Sequence[bytes]) -> None:
        self.task, self.params, self.blobs = task, params, blobs
        self.request_id = find_record().id
        self.is_alone = True
        """Whether no other call was in its batch."""
        self.done: asyncio.Future[Outcome[Any]] = asyncio.get_running_loop().create_future()

    def can_join(self, other: "BatchableCall") -> bool:
        return (self.task.name, self.params) == (other.task.name, other.params)

    def finish(self, outcome: Outcome[Any]) -> None:
        if not self.done.done():  # otherwise its client has disconnected
            self.done.set_result(outcome)

    def fail(self, error: BaseException) -> None:
        if isinstance(error, asyncio.CancelledError):
            self.done.cancel()
        elif not self.done.done():
            self.done.set_exception(error)


def split_outcome(outcome: Outcome[Any], calls: Sequence[BatchableCall]) -> None:
    """Finish each call with its part. Pixels are shared out by the number of blobs; steps count for every call."""
    start, count = 0, sum(len(call.blobs) for call in calls)
    for call in calls:
        part = slice(start, start + len(call.blobs))
        pixels = outcome.report.pixels * len(call.blobs) // max(count, 1)
        report = Report(pixels, dict(outcome.report.backends), outcome.report.steps)
        answer = outcome.answer and Answer(outcome.answer.result[part], outcome.answer.blobs[part])
        call.finish(Outcome(answer, outcome.failure, report))
        start = part.stop
