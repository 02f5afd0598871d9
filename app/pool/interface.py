"""The interface between the routes and the workers, on one machine or on Ray."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from app.context import find_record
from app.errors import TaskError
from app.pool.ipc import TaskFailure
from app.pool.task import Answer, Outcome, Task

Params = TypeVar("Params")
Result = TypeVar("Result")
Item = TypeVar("Item")


class Pool(Protocol):
    """`app.pool.pool.WorkerPool`, or `app.cluster.pool.RayPool` on Ray."""

    slots: int
    """Target number of workers."""
    replaced: int
    """Workers that were stopped or lost, and replaced, since the start."""

    @property
    def ready(self) -> int:
        """Workers that have started, busy or idle."""

    @property
    def busy(self) -> int: ...
    @property
    def pids(self) -> list[int]: ...
    @property
    def waiting(self) -> int:
        """Calls in the queue."""

    @property
    def waiting_small(self) -> int: ...
    @property
    def waiting_large(self) -> int: ...
    @property
    def oldest_wait_s(self) -> float: ...

    async def start(self) -> None: ...
    async def close(self) -> None: ...

    async def run(self, task: Task[Params, Result], params: Params, blobs: Sequence[bytes] = ()) -> Answer[Result]:
        """Run a task in a worker. Raises TaskError for an error of the task, and UnfinishedError."""

    async def run_batched(
        self, task: Task[Params, list[Item]], params: Params, blobs: Sequence[bytes]
    ) -> Answer[list[Item]]:
        """Run a batchable task, possibly in a batch with other calls. Raises what `run` raises."""


def unwrap(outcome: Outcome[Result]) -> Answer[Result]:
    """The answer of an outcome. Adds the report to the record of the request. Raises TaskError for a failure."""
    find_record().add_report(outcome.report)
    if outcome.answer is None:
        assert outcome.failure is not None
        raise make_task_error(outcome.failure)
    return outcome.answer


def make_task_error(failure: TaskFailure) -> TaskError:
    return TaskError(failure.slug, failure.message, failure.fields)
