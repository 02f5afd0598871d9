"""Execute a job in worker processes of this machine. An image that crashes its worker affects no other image."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator
from itertools import chain

from app.archive.items import Item, ItemOutcome
from app.archive.job import Job
from app.archive.messages import ARCHIVE_ITEMS, ItemsParams, JobMessage, describe_job
from app.errors import DeadlineError, OverloadedError, StartError, TaskError, WorkerLostError
from app.pool.pool import WorkerPool
from app.settings import Settings
from app.tasks.context import load_static_data
from kernels.errors import KernelFileError
from models.errors import ModelFolderError

MAX_SECONDS = 3600.0
"""For one image, and for the wait for a worker. No client waits, so it is longer than in the service."""


def run_locally(job: Job, fingerprint: str, chunks: Iterable[list[Item]], processes: int) -> Iterator[ItemOutcome]:
    """Yield outcomes in the order in which they finish. Starts processes only for work. Raises StartError."""
    waiting = iter(chunks)
    first = next(waiting, None)
    if first is None:
        return
    with asyncio.Runner() as runner:
        finished = process_chunks(job, fingerprint, chain([first], waiting), processes)

        async def wait_for_next() -> list[ItemOutcome] | None:
            return await anext(finished, None)

        try:
            while (outcomes := runner.run(wait_for_next())) is not None:
                yield from outcomes
        finally:
            runner.run(finished.aclose())


async def process_chunks(
    job: Job, fingerprint: str, chunks: Iterable[list[Item]], processes: int
) -> AsyncGenerator[list[ItemOutcome], None]:
    pool = await start_pool(job.settings, load_worker_data(job.settings), processes)
    message = describe_job(job)
    running: set[asyncio.Task[list[ItemOutcome]]] = set()
    try:
        for items in chunks:
            running.add(asyncio.create_task(process_chunk(pool, message, fingerprint, items)))
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


def load_worker_data(settings: Settings) -> bytes:
    """What every worker process gets at its start. Raises StartError if the digit model or the kernels file is bad."""
    try:
        return load_static_data(settings)
    except (ModelFolderError, KernelFileError) as error:
        raise StartError(str(error)) from error


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


async def process_chunk(pool: WorkerPool, job: JobMessage, fingerprint: str, items: list[Item]) -> list[ItemOutcome]:
    """Process a chunk. If its worker is lost or exceeds the deadline, retry each image alone to find the culprit.

    Raises StartError if there are no workers left or the job itself fails.
    """
    try:
        return (await pool.run(ARCHIVE_ITEMS, ItemsParams(job, fingerprint, items))).result
    except OverloadedError as error:
        raise StartError("the worker processes ended and cannot start again; the log above has the reason.") from error
    except TaskError as error:
        raise StartError(f"the job failed: {error}") from error
    except (WorkerLostError, DeadlineError) as error:
        if len(items) > 1:
            return [outcome for item in items for outcome in await process_chunk(pool, job, fingerprint, [item])]
        if isinstance(error, DeadlineError):
            reason = f"it took longer than {MAX_SECONDS:g} s"
        else:
            reason = "its worker process ended: a crash, or not enough memory"
        return [ItemOutcome(items[0].name, "failed", reason)]
