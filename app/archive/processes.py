"""An archive in the service's worker processes: an image that kills one costs no other image."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator
from itertools import chain

from app.archive.job import Job, Outcome, Task, do_tasks
from app.errors import DeadlineError, OverloadedError, StartError, WorkerLostError
from app.pool.pool import WorkerPool

LONGEST_SECONDS = 3600.0
"""For one image, and to wait for a process. Nobody waits for an answer here: more than a request may take."""


def run_locally(job: Job, mark: str, chunks: Iterable[list[Task]], processes: int) -> Iterator[Outcome]:
    """Outcomes as they come. Processes start only when there is something to do. Raises StartError."""
    waiting = iter(chunks)
    first = next(waiting, None)
    if first is None:
        return
    with asyncio.Runner() as runner:
        finished = work_through(job, mark, chain([first], waiting), processes)

        async def wait_for_some() -> list[Outcome] | None:
            return await anext(finished, None)

        try:
            while (outcomes := runner.run(wait_for_some())) is not None:
                yield from outcomes
        finally:
            runner.run(finished.aclose())


async def work_through(
    job: Job, mark: str, chunks: Iterable[list[Task]], processes: int
) -> AsyncGenerator[list[Outcome], None]:
    workers = await start_processes(job, processes)
    running: set[asyncio.Task[list[Outcome]]] = set()
    try:
        for tasks in chunks:
            running.add(asyncio.create_task(do_chunk(workers, job, mark, tasks)))
            if len(running) > processes:  # the one over waits, so that no process does
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    yield task.result()
        for task in running:
            yield await task
    finally:
        for task in running:
            task.cancel()
        await workers.close()


async def start_processes(job: Job, processes: int) -> WorkerPool:
    """Raises StartError."""
    limits = {"workers": processes, "max_waiting": processes + 1, "max_waiting_large": processes + 1}
    patience = {"deadline_seconds": LONGEST_SECONDS, "max_wait_seconds": LONGEST_SECONDS}
    workers = WorkerPool(job.settings.model_copy(update=limits | patience))
    try:
        await workers.start()
    except Exception as error:
        raise StartError(f"no worker process can start: {str(error) or type(error).__name__}") from error
    return workers


async def do_chunk(workers: WorkerPool, job: Job, mark: str, tasks: list[Task]) -> list[Outcome]:
    """Images that a process dies of, or cannot finish, are found by doing the chunk once more, one by one."""
    try:
        return await workers.run(do_tasks, job, mark, tasks)
    except OverloadedError as error:
        raise StartError("the worker processes have died and do not start again, see above") from error
    except (WorkerLostError, DeadlineError) as error:
        if len(tasks) > 1:
            return [outcome for task in tasks for outcome in await do_chunk(workers, job, mark, [task])]
        died = "the process that worked on it died: a crash, or not enough memory"
        late = f"it took longer than {LONGEST_SECONDS:g} s"
        return [Outcome(tasks[0].name, "failed", late if isinstance(error, DeadlineError) else died)]
