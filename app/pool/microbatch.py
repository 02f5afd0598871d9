"""Micro-batching: small calls of the same task with the same params go to a worker as one request."""

from collections.abc import Sequence
from typing import Any

from app.pool.call import Call
from app.pool.interface import make_task_error
from app.pool.ipc import Report
from app.pool.task import Answer, Outcome

MAX_BATCHED_BYTES = 32_000
"""Of the blobs of one call. Larger calls are not batched."""
MAX_BATCH_BLOBS = 64


def finish_batch(outcome: Outcome[Any], calls: Sequence[Call]) -> None:
    """Finish each call with its part of the outcome. All calls of several fail if the task failed."""
    if len(calls) == 1:
        calls[0].finish(outcome)
    elif outcome.failure:
        for call in calls:
            call.fail(make_task_error(outcome.failure))
    else:
        split_outcome(outcome, calls)


def split_outcome(outcome: Outcome[Any], calls: Sequence[Call]) -> None:
    """Pixels are divided by the number of blobs. The times of the batch are reported for every call."""
    start, count = 0, sum(len(call.blobs) for call in calls)
    for call in calls:
        part = slice(start, start + len(call.blobs))
        pixels = outcome.report.pixels * len(call.blobs) // max(count, 1)
        report = Report(pixels, dict(outcome.report.backends), outcome.report.steps)
        answer = outcome.answer and Answer(outcome.answer.result[part], outcome.answer.blobs[part])
        call.finish(Outcome(answer, outcome.failure, report))
        start = part.stop
