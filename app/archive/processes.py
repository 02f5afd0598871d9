"""An archive in the service's worker processes: an image that kills one costs no other image."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator
from itertools import chain

from app.archive.job import Item, ItemOutcome, Job
from app.archive.messages import ARCHIVE_ITEMS, ItemsParams, JobMessage, describe_job
from app.errors import DeadlineError, OverloadedError, StartError, TaskError, WorkerLostError
from app.pool.pool import WorkerPool
from app.settings import Settings
from app.tasks.context import load_static_data

MAX_SECONDS = 3600.0
"""For one image, and to wait for a process: no client waits for a reply."""


def run_locally(job: Job, mark: str, chunks: Iterable[list[Item]], processes: int) -> Iterator[ItemOutcome]:
    """Outcomes as they come. Processes start only when there is something to do. Raises StartError."""
    waiting = iter(chunks)
    first = next(waiting, None)
    if first is None:
        return
    with asyncio.Runner() as runner:
        finished = work_through(job, mark, chain([first], waiting), processes)

        async def wait_for_some() -> list[ItemOutcome] | None:
            return await anext(finished, None)

        try:
            while (outcomes := runner.run(wait_for_some())) is not None:
                yield from outcomes
        finally:
            runner.run(finished.aclose())


async def work_through(
    job: Job, mark: str, chunks: Iterable[list[Item]], processes: int
) -> AsyncGenerator[list[ItemOutcome], None]:
    pool = await start_pool(job.settings, load_static_data(job.settings), processes)
    message = describe_job(job)
    running: set[asyncio.Task[list[ItemOutcome]]] = set()
    try:
        for items in chunks:
            running.add(asyncio.create_task(process_chunk(pool, message, mark, items)))
            if len(running) > processes:  # one chunk waits in the queue, so that no process is idle
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    yield task.result()
        for task in running:
            yield await task
    finally:
        for task in running:
            task.cancel()
        await pool.close()


async def start_pool(settings: Settings, static: bytes, processes: int) -> WorkerPool:
    """Raises StartError."""
    limits = {"workers": processes, "max_waiting": processes + 1, "max_waiting_large": processes + 1}
    timeouts = {"deadline_seconds": MAX_SECONDS, "max_wait_seconds": MAX_SECONDS}
    pool = WorkerPool(settings.model_copy(update=limits | timeouts), "app.archive.registry", static)
    try:
        await pool.start()
    except Exception as error:
        raise StartError(f"no worker process can start: {str(error) or type(error).__name__}") from error
    return pool


async def process_chunk(pool: WorkerPool, job: JobMessage, mark: str, items: list[Item]) -> list[ItemOutcome]:
    """A chunk whose worker is lost or too slow is processed again, one image at a time, to find the one at fault."""
    try:
        return (await pool.run(ARCHIVE_ITEMS, ItemsParams(job, mark, items))).result
    except OverloadedError as error:
        raise StartError("the worker processes have ended and do not start again, see above") from error
    except TaskError as error:
        raise StartError(f"the job failed: {error}") from error
    except (WorkerLostError, DeadlineError) as error:
        if len(items) > 1:
            return [outcome for item in items for outcome in await process_chunk(pool, job, mark, [item])]
        died = "the process that worked on it died: a crash, or not enough memory"
        late = f"it took longer than {MAX_SECONDS:g} s"
        return [ItemOutcome(items[0].name, "failed", late if isinstance(error, DeadlineError) else died)]
