"""Micro-batching: small calls of the same task with the same params go to a worker as one request."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any

from app.context import find_record
from app.pool.interface import make_task_error
from app.pool.ipc import Report
from app.pool.task import Answer, Outcome, Task

MAX_BATCHED_BYTES = 32_000
"""Of the blobs of one call. Larger calls are not batched."""
MAX_BATCH_BLOBS = 64


class BatchableCall:
    """A call of a batchable task. The result of `done` is its part of the outcome of the batch."""

    def __init__(self, task: Task[Any, Any], params: bytes, blobs: Sequence[bytes]) -> None:
        self.task, self.params, self.blobs = task, params, blobs
        self.request_id = find_record().id
        self.is_alone = True
        """Whether its batch has no other call."""
        self.done: asyncio.Future[Outcome[Any]] = asyncio.get_running_loop().create_future()

    def can_join(self, other: "BatchableCall") -> bool:
        return (self.task.name, self.params) == (other.task.name, other.params)

    def finish(self, outcome: Outcome[Any]) -> None:
        if not self.done.done():  # it is done if the client has disconnected
            self.done.set_result(outcome)

    def fail(self, error: BaseException) -> None:
        if isinstance(error, asyncio.CancelledError):
            self.done.cancel()
        elif not self.done.done():
            self.done.set_exception(error)


async def finish_batch(pending: Awaitable[Outcome[Any]], calls: Sequence[BatchableCall]) -> None:
    """Wait for the outcome of a batch, and finish its calls. All calls fail if the batch fails."""
    try:
        outcome = await pending
    except BaseException as error:
        for call in calls:
            call.fail(error)
        return
    if outcome.failure and len(calls) > 1:
        for call in calls:
            call.fail(make_task_error(outcome.failure))
        return
    split_outcome(outcome, calls)


def split_outcome(outcome: Outcome[Any], calls: Sequence[BatchableCall]) -> None:
    """Finish each call with its part of the outcome.

    Pixels are divided by the number of blobs. The times of the batch are reported for every call.
    """
    start, count = 0, sum(len(call.blobs) for call in calls)
    for call in calls:
        part = slice(start, start + len(call.blobs))
        pixels = outcome.report.pixels * len(call.blobs) // max(count, 1)
        report = Report(pixels, dict(outcome.report.backends), outcome.report.steps)
        answer = outcome.answer and Answer(outcome.answer.result[part], outcome.answer.blobs[part])
        call.finish(Outcome(answer, outcome.failure, report))
        start = part.stop
