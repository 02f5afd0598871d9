"""Calls of tasks and their replies as byte strings, the only arguments and results of remote calls on Ray.

The format is that of `app/pool/ipc.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from msgspec import Raw

from app.errors import DeadlineError, OverloadedError, UnfinishedError, WorkerLostError
from app.pool.ipc import (
    IPCError,
    Reply,
    Report,
    Request,
    TaskFailure,
    decode_reply,
    decode_request,
    encode,
    pack_message,
    split_blobs,
    unpack_message,
)
from app.pool.task import Outcome, Task
from app.tasks.errors import SLUGS, describe_error

MAX_MESSAGE_BYTES = 2**40
"""No limit: Ray limits its messages itself."""

UNFINISHED: Mapping[str, type[UnfinishedError]] = {
    SLUGS[kind]: kind for kind in (OverloadedError, DeadlineError, WorkerLostError)
}
"""By slug: the errors of the pool of a replica."""

Params = TypeVar("Params")
Result = TypeVar("Result")


def pack_call(task: Task[Params, Any], params: Params, blobs: Sequence[bytes], request_id: str) -> bytes:
    lengths = [len(blob) for blob in blobs]
    return pack_message(encode(Request(0, request_id, task.name, Raw(encode(params)), lengths)), blobs)


def read_call(message: bytes) -> tuple[Request, list[bytes]]:
    envelope, blobs = unpack_message(message, MAX_MESSAGE_BYTES)
    request = decode_request(envelope)
    return request, split_blobs(blobs, request.blob_lengths)


def pack_outcome(outcome: Outcome[Any]) -> bytes:
    if outcome.answer is None:
        return pack_message(encode(Reply(0, error=outcome.failure, report=outcome.report)), [])
    blobs = outcome.answer.blobs
    lengths = [len(blob) for blob in blobs]
    reply = Reply(0, Raw(encode(outcome.answer.result)), report=outcome.report, blob_lengths=lengths)
    return pack_message(encode(reply), blobs)


def pack_error(error: UnfinishedError) -> bytes:
    """An exception raised in a replica would arrive as an exception of Ray, with a traceback as its message."""
    return pack_outcome(Outcome(None, TaskFailure(*describe_error(error)), Report()))


def read_reply(task: Task[Any, Result], message: bytes, sent_blobs: int) -> Outcome[Result]:
    """Raises the UnfinishedError that a replica packed, and WorkerLostError for an invalid reply."""
    try:
        envelope, blobs = unpack_message(message, MAX_MESSAGE_BYTES)
        reply = decode_reply(envelope)
        if reply.error and reply.error.slug in UNFINISHED:
            retry_after_s = reply.error.fields.get("retry_after_s")
            raise UNFINISHED[reply.error.slug](reply.error.message, int(retry_after_s or 1))
        return task.read_outcome(reply, split_blobs(blobs, reply.blob_lengths), sent_blobs)
    except IPCError as error:
        raise WorkerLostError(f"A replica sent an invalid reply: {error}. The request can be tried again.") from None
