"""Waiting calls of the same task with the same params are one batch, and no call fails because of another one."""

import asyncio

import pytest

from app.context import Record, current_record, find_record
from app.errors import TaskError, WorkerLostError
from app.pool.microbatch import MAX_BATCH_BLOBS, MAX_BATCHED_BYTES
from app.pool.pool import WorkerPool
from app.settings import Settings
from tests.support.pools import until, wait, with_pool
from tests.support.tasks import COUNT_BATCH, END_ON_REQUEST, Word


async def keep_busy(pool: WorkerPool) -> "asyncio.Task[int]":
    task = asyncio.create_task(wait(pool, b"", 0.3))
    await asyncio.sleep(0.05)
    return task


def test_calls_with_the_same_params_are_one_batch() -> None:
    async def ask(pool: WorkerPool, *blobs: bytes, word: str = "same") -> list[tuple[bytes, str, int]]:
        current_record.set(Record(word))
        results, own_blobs = await pool.run_batched(COUNT_BATCH, Word(word), blobs)
        assert find_record().pixels == sum(len(blob) for blob in blobs)
        assert [step.name for step in find_record().steps] == ["queue"]
        return [(blob, *result) for blob, result in zip(own_blobs, results, strict=True)]

    async def scenario(pool: WorkerPool) -> None:
        assert await ask(pool, b"a") == [(b"a", "same", 1)]  # no call waits for others to join
        busy = await keep_busy(pool)
        asked = [asyncio.create_task(ask(pool, bytes([number]))) for number in range(4)]
        several = asyncio.create_task(ask(pool, b"x", b"y"))
        other = asyncio.create_task(ask(pool, b"z", word="other"))
        large = asyncio.create_task(ask(pool, bytes(MAX_BATCHED_BYTES + 1)))
        many = asyncio.create_task(ask(pool, *[b"m"] * MAX_BATCH_BLOBS))
        await asyncio.sleep(0.05)
        asked.pop(1).cancel()  # its client has disconnected
        await busy
        assert await asyncio.gather(*asked) == [[(bytes([number]), "same", 5)] for number in (0, 2, 3)]
        assert await several == [(b"x", "same", 5), (b"y", "same", 5)]
        assert await other == [(b"z", "other", 1)]
        assert [answer[1:] for answer in await large] == [("same", 1)]
        assert [answer[2] for answer in await many] == [MAX_BATCH_BLOBS] * MAX_BATCH_BLOBS
        assert pool.waiting == 0

    with_pool(Settings(workers=1), scenario)


@pytest.mark.parametrize(("bad", "error"), [(b"end", WorkerLostError), (b"fail", TaskError)])
def test_call_of_a_failed_batch_is_run_again_alone(bad: bytes, error: type[Exception]) -> None:
    async def scenario(pool: WorkerPool) -> None:
        with pytest.raises(error):
            await pool.run_batched(END_ON_REQUEST, Word(), [bad])
        await until(lambda: pool.ready == 1)
        busy = await keep_busy(pool)
        blobs = [b"one", b"two", bad]
        asked = [asyncio.create_task(pool.run_batched(END_ON_REQUEST, Word(), [blob])) for blob in blobs]
        await busy
        one, two, failed = await asyncio.gather(*asked, return_exceptions=True)
        assert not isinstance(one, BaseException)
        assert not isinstance(two, BaseException)
        assert (one.blobs, two.blobs) == ([b"one"], [b"two"])
        assert isinstance(failed, error)
        await until(lambda: pool.ready == 1)

    with_pool(Settings(workers=1, max_wait_seconds=60), scenario)
