"""Small work that waits for a process goes to it together, and nobody's answer hangs on another's image."""

import asyncio
import os
import signal
from collections.abc import Sequence

import pytest

from app.context import Record, current_record, find_record
from app.errors import WorkerLostError
from app.pool.microbatch import MOST_TOGETHER, TOGETHER_BYTES
from app.pool.pool import WorkerPool
from app.settings import Settings
from tests.app.pool.test_pool import until, wait, with_workers


def count_company(items: Sequence[bytes], word: str) -> list[tuple[bytes, str, int]]:
    """Each item, and how many there were; an item is as many pixels as it has bytes."""
    find_record().pixels += sum(len(item) for item in items)
    return [(item, word, len(items)) for item in items]


def end_process_for_one(items: Sequence[bytes]) -> list[bytes]:
    if b"end" in items:
        os.kill(os.getpid(), signal.SIGKILL)
    return list(items)


async def keep_busy(workers: WorkerPool) -> "asyncio.Task[int]":
    task = asyncio.create_task(workers.run(wait, b"", 0.3))
    await asyncio.sleep(0.05)
    return task


def test_what_waits_for_the_same_work_goes_together() -> None:
    async def ask(workers: WorkerPool, *items: bytes, word: str = "same") -> list[tuple[bytes, str, int]]:
        current_record.set(Record(word))
        answers = await workers.run_together(count_company, items, word)
        assert find_record().pixels == sum(len(item) for item in items)
        assert [step.name for step in find_record().steps] == ["queue"]
        return answers

    async def scenario(workers: WorkerPool) -> None:
        assert await ask(workers, b"a") == [(b"a", "same", 1)]  # nobody waits for company
        busy = await keep_busy(workers)
        asked = [asyncio.create_task(ask(workers, bytes([number]))) for number in range(4)]
        several = asyncio.create_task(ask(workers, b"x", b"y"))
        other = asyncio.create_task(ask(workers, b"z", word="other"))
        large = asyncio.create_task(ask(workers, bytes(TOGETHER_BYTES + 1)))
        many = asyncio.create_task(ask(workers, *[b"m"] * MOST_TOGETHER))
        await asyncio.sleep(0.05)
        asked.pop(1).cancel()  # its client has gone
        await busy
        assert await asyncio.gather(*asked) == [[(bytes([number]), "same", 5)] for number in (0, 2, 3)]
        assert await several == [(b"x", "same", 5), (b"y", "same", 5)]
        assert await other == [(b"z", "other", 1)]
        assert [answer[1:] for answer in await large] == [("same", 1)]
        assert [answer[2] for answer in await many] == [MOST_TOGETHER] * MOST_TOGETHER
        assert workers.waiting == 0

    with_workers(Settings(workers=1), scenario)


def test_what_fails_in_company_is_tried_again_alone() -> None:
    async def scenario(workers: WorkerPool) -> None:
        with pytest.raises(TypeError):  # an error of the work itself, alone
            await workers.run_together(end_process_for_one, [b"one"], "too many")
        busy = await keep_busy(workers)
        items = [b"one", b"two", b"end"]
        asked = [asyncio.create_task(workers.run_together(end_process_for_one, [item])) for item in items]
        await busy
        one, two, end = await asyncio.gather(*asked, return_exceptions=True)
        assert (one, two) == ([b"one"], [b"two"])
        assert isinstance(end, WorkerLostError)
        await until(lambda: workers.ready == 1)

    with_workers(Settings(workers=1, max_wait_seconds=60), scenario)
