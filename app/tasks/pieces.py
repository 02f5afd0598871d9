"""A training as a series of short tasks, so that its steps can be shown, it can be cancelled, and other requests get
their share of the workers. Each task takes a state and returns the next one, in any worker."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol, TypeVar

from app.errors import OverloadedError
from app.pool.task import Answer, Task

CALL_SECONDS = 0.2
"""Duration of the training in one task."""
MAX_SECONDS = 60
"""Limit for the whole training. Afterwards, its current state is the result."""
MAX_EVENTS = 10_000
"""Of one task."""

Params = TypeVar("Params")
Result = TypeVar("Result")


class Runner(Protocol):
    """Runs tasks: a `Pool`, or this process for the command line."""

    async def run(self, task: Task[Params, Result], params: Params, blobs: Sequence[bytes] = ()) -> Answer[Result]: ...


class Event(NamedTuple):
    """An event of a training: `start`, `step`, or `lesson` with the result. The document is JSON."""

    name: str
    document: str


class State(Protocol):
    @property
    def step(self) -> int: ...


AnyState_co = TypeVar("AnyState_co", bound=State, covariant=True)


class Progress(Protocol[AnyState_co]):
    """The result of a task that continues a training."""

    @property
    def state(self) -> AnyState_co: ...
    @property
    def has_converged(self) -> bool: ...
    @property
    def steps(self) -> Sequence[str]:
        """The documents of `step` events, as JSON."""
        ...


AnyProgress = TypeVar("AnyProgress", bound=Progress[State])


async def continue_in_pieces(
    proceed: Callable[[AnyProgress, Sequence[bytes]], Awaitable[Answer[AnyProgress]]],
    progress: AnyProgress,
    blobs: Sequence[bytes],
    max_steps: int,
) -> AsyncIterator[Answer[AnyProgress]]:
    """Call `proceed` with its last progress and blobs, until convergence, `max_steps` or MAX_SECONDS.

    Yields each answer. Waits while the queue is full.
    """
    started = time.monotonic()
    while not progress.has_converged and progress.state.step < max_steps and time.monotonic() - started < MAX_SECONDS:
        try:
            progress, blobs = await proceed(progress, blobs)
        except OverloadedError as error:
            await asyncio.sleep(error.retry_after_s)
            continue
        yield Answer(progress, blobs)
