"""Worker pools with the tasks of `tests/support/tasks.py`."""

import asyncio
from collections.abc import Awaitable, Callable

from app.pool.pool import WorkerPool
from app.settings import Settings
from tests.support.tasks import (
    END_PROCESS,
    GET_PID,
    WAIT,
    WRITE_NOTE,
    Note,
    Nothing,
    Seconds,
)

TASKS = "tests.support.tasks"


def with_pool(settings: Settings, scenario: Callable[[WorkerPool], Awaitable[None]]) -> None:
    async def run() -> None:
        pool = WorkerPool(settings, TASKS)
        await pool.start()
        try:
            await scenario(pool)
        finally:
            await pool.close()

    asyncio.run(run())


async def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def get_pid(pool: WorkerPool) -> int:
    return (await pool.run(GET_PID, Nothing())).result


async def wait(pool: WorkerPool, upload: bytes, seconds: float) -> int:
    return (await pool.run(WAIT, Seconds(seconds), [upload])).result


async def end_process(pool: WorkerPool) -> None:
    await pool.run(END_PROCESS, Nothing())


async def write_note(pool: WorkerPool, path: str, name: str, upload: bytes) -> None:
    await pool.run(WRITE_NOTE, Note(path, name), [upload])
