"""The tasks of worker processes. A task has a name, typed params and a typed result."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from app.pool.ipc import IPCError, Reply, Report, TaskFailure
from app.settings import Settings

Params = TypeVar("Params")
Result = TypeVar("Result")


class Answer(NamedTuple, Generic[Result]):
    """The result of a task, and its blobs."""

    result: Result
    blobs: Sequence[bytes] = ()


class Outcome(NamedTuple, Generic[Result]):
    """The answer or the failure of a call, and the worker's report."""

    answer: Answer[Result] | None
    failure: TaskFailure | None
    report: Report


@dataclass(frozen=True)
class Task(Generic[Params, Result]):
    """`run(context, params, blobs, report)` does the work in a worker. `context` is the result of `Registry.start`.

    With `is_batchable`, the result is a list with an item for each blob, and the answer has a blob for each blob.
    Several calls with the same params can then be one request.
    """

    name: str
    params: type[Params]
    result: type[Result]
    run: Callable[[Any, Params, Sequence[bytes], Report], Answer[Result]]
    is_batchable: bool = False
    blob_count: int | None = 1
    """Number of blobs of an answer; None for any number."""

    def decode_params(self, params: bytes | msgspec.Raw) -> Params:
        return msgspec.msgpack.decode(params, type=self.params)

    def read_outcome(self, reply: Reply, blobs: Sequence[bytes], sent_blobs: int) -> Outcome[Result]:
        """Read the reply to a request with `sent_blobs` blobs. Raises IPCError if it does not fit the task."""
        if reply.error:
            return Outcome(None, reply.error, reply.report)
        try:
            result = msgspec.msgpack.decode(reply.result, type=self.result)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise IPCError(f"the result of '{self.name}' is not valid: {error}") from None
        if self.is_batchable:
            if not len(blobs) == len(result) == sent_blobs:  # type: ignore[arg-type]
                raise IPCError(
                    f"the answer of '{self.name}' has {len(result)} results and {len(blobs)} blobs "  # type: ignore[arg-type]
                    f"instead of {sent_blobs}"
                )
        elif self.blob_count not in (None, len(blobs)):
            raise IPCError(f"the answer of '{self.name}' has {len(blobs)} blobs instead of {self.blob_count}")
        return Outcome(Answer(result, blobs), None, reply.report)


@dataclass(frozen=True)
class Registry:
    """The tasks of a worker process."""

    tasks: Mapping[str, Task[Any, Any]]
    start: Callable[[Settings, bytes], Any]
    """Called once, with settings and static data. Returns the context of all tasks. An error ends the process."""
    describe_error: Callable[[Exception], TaskFailure | None]
    """The failure for an exception of a task; None for an unexpected exception."""


def load_registry(module: str) -> Registry:
    """Import a module such as `app.tasks.registry`, and return its `REGISTRY`."""
    registry = import_module(module).REGISTRY
    assert isinstance(registry, Registry)
    return registry
