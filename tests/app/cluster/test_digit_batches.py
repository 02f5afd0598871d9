"""Digits of several clients form one batch, and each client gets its own answer. Ray decides what is in a batch."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import msgspec
import pytest

from app.cluster.messages import pack_call, read_reply
from app.cluster.serving import Digits
from app.errors import UnfinishedError, WorkerLostError
from app.pool.ipc import Report, TaskFailure
from app.pool.task import Answer, Outcome, Task
from app.tasks.classify import CLASSIFY
from app.tasks.options import ClassifyParams, ReadingOptions


class RecordingPool:
    """Returns the blobs that it gets. The blob `deadly` ends the worker."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[bytes]]] = []

    async def call(self, task: Task[Any, Any], params: bytes, blobs: Sequence[bytes]) -> Outcome[Any]:
        polarity = msgspec.msgpack.decode(params, type=ClassifyParams).reading.polarity
        self.calls.append((task.name, list(blobs)))
        if b"deadly" in blobs:
            raise WorkerLostError("ended")
        failures = [TaskFailure("corrupt-image", "cut") if blob == b"bad" else None for blob in blobs]
        return Outcome(Answer(failures, [blob + polarity.encode() for blob in blobs]), None, Report(pixels=7))


def classify(*requests: tuple[bytes, str]) -> tuple[list[Any], RecordingPool]:
    digits = object.__new__(Digits)  # __init__ is a coroutine for Ray and starts a process
    pool = RecordingPool()
    digits.pool = pool  # type: ignore[assignment]
    messages = [
        pack_call(CLASSIFY, ClassifyParams(ReadingOptions(cast(Any, polarity))), [image], f"id-{image!r}")
        for image, polarity in requests
    ]
    batched = cast(Any, Digits.classify).__wrapped__  # Ray calls it with a batch
    replies = asyncio.run(batched(digits, messages))
    return [read(reply) for reply in replies], pool


def read(reply: bytes) -> Outcome[Any] | Exception:
    try:
        return read_reply(CLASSIFY, reply, 1)
    except UnfinishedError as error:
        return error


def test_calls_with_the_same_params_share_a_batch_and_each_gets_its_own_answer() -> None:
    outcomes, pool = classify((b"1", "auto"), (b"2", "dark"), (b"bad", "auto"), (b"3", "auto"))
    assert [list(outcome.answer.blobs) for outcome in outcomes if outcome.answer] == [
        [b"1auto"], [b"2dark"], [b"badauto"], [b"3auto"],
    ]  # fmt: skip
    failures = [outcome.answer.result[0] for outcome in outcomes if outcome.answer]
    assert [failure and failure.slug for failure in failures] == [None, None, "corrupt-image", None]
    assert pool.calls == [("classify", [b"1", b"bad", b"3"]), ("classify", [b"2"])]
    assert sum(outcome.report.pixels for outcome in outcomes) == 14  # a batch is measured once


def test_an_image_that_ends_the_worker_fails_only_its_own_request() -> None:
    outcomes, _ = classify((b"1", "auto"), (b"deadly", "auto"), (b"2", "auto"))
    assert [list(outcomes[index].answer.blobs) for index in (0, 2)] == [[b"1auto"], [b"2auto"]]
    assert isinstance(outcomes[1], WorkerLostError)
    assert str(outcomes[1]) == "ended"


def test_an_invalid_reply_is_a_lost_worker() -> None:
    with pytest.raises(WorkerLostError, match="invalid reply"):
        read_reply(CLASSIFY, b"no reply", 1)
