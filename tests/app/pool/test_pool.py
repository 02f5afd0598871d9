"""Worker processes are stopped at their deadline and replaced when they are lost; the queue sheds load."""

import asyncio
import os
import signal

import pytest

from app.context import Record, current_record
from app.errors import DeadlineError, OverloadedError, TaskError, WorkerLostError
from app.pool.ipc import INTERNAL_ERROR
from app.pool.pool import WorkerPool
from app.settings import Settings
from tests.support.pools import end_process, get_pid, until, wait, with_pool, write_note
from tests.support.tasks import (
    BURN,
    ECHO,
    FAIL,
    REJECT,
    Nothing,
    Seconds,
)


def test_task_runs_in_another_process_and_its_error_is_raised() -> None:
    async def scenario(pool: WorkerPool) -> None:
        assert await get_pid(pool) not in (os.getpid(), os.getppid())
        with pytest.raises(TaskError, match="sigma is -1") as caught:
            await pool.run(REJECT, Nothing())
        assert (caught.value.slug, caught.value.fields) == ("bad-parameter", {"parameter": "sigma"})

    with_pool(Settings(workers=1), scenario)


def test_unexpected_error_is_logged_with_the_request_id(
    capfd: pytest.CaptureFixture[str],
) -> None:
    async def scenario(pool: WorkerPool) -> None:
        current_record.set(Record("request-5"))
        with pytest.raises(TaskError) as caught:
            await pool.run(FAIL, Nothing())
        assert caught.value.slug == INTERNAL_ERROR
        assert "secret" not in str(caught.value)

    with_pool(Settings(workers=1), scenario)
    logged = capfd.readouterr().err
    assert "the task 'fail' failed [request-5]" in logged
    assert "Traceback" in logged
    assert "ZeroDivisionError: a secret of the implementation" in logged


@pytest.mark.parametrize("sizes", [[], [0], [1, 0, 7], [20_000], [5_000_000, 3], [9_000_000]])
def test_blobs_of_any_size_arrive_unchanged(sizes: list[int]) -> None:
    """Blobs in the frame, in shared memory, and copied in a thread."""

    async def scenario(pool: WorkerPool) -> None:
        for _ in range(2):
            blobs = [os.urandom(size) for size in sizes]
            assert (await pool.run(ECHO, Nothing(), blobs)).blobs == blobs

    with_pool(Settings(workers=1, max_waiting_large=1), scenario)


def test_work_past_its_deadline_is_stopped() -> None:
    async def scenario(pool: WorkerPool) -> None:
        process = await get_pid(pool)
        with pytest.raises(DeadlineError, match=r"0\.5 s \(CONVSERVE_DEADLINE_SECONDS\)"):
            await pool.run(BURN, Seconds(60))
        await until(lambda: not os.path.exists(f"/proc/{process}"), 1)
        await until(lambda: pool.ready == 1)  # its replacement is warm
        assert await get_pid(pool) != process
        assert pool.replaced == 1

    with_pool(Settings(workers=1, deadline_seconds=0.5), scenario)


def test_killed_worker_fails_only_its_own_work_and_is_replaced() -> None:
    async def scenario(pool: WorkerPool) -> None:
        beside = asyncio.create_task(wait(pool, b"beside", 0.3))
        await asyncio.sleep(0.05)
        with pytest.raises(WorkerLostError, match="can be tried again"):
            await end_process(pool)
        assert await beside == 6
        await until(lambda: pool.ready == 2)
        idle = await get_pid(pool)
        os.kill(idle, signal.SIGKILL)  # while it waits for work
        await until(lambda: pool.replaced == 2)
        assert await asyncio.gather(*(wait(pool, b"12", 0) for _ in range(8))) == [2] * 8

    with_pool(Settings(workers=2), scenario)


def test_close_waits_for_a_worker_that_was_just_lost() -> None:
    async def scenario() -> None:
        pool = WorkerPool(Settings(workers=1), "tests.support.tasks")
        await pool.start()
        (pid,) = pool.pids
        os.kill(pid, signal.SIGKILL)
        while not pool.replaced:
            await asyncio.sleep(0)  # the task that replaces it has not begun
        await pool.close()
        with pytest.raises(ProcessLookupError):  # otherwise it is a zombie
            os.kill(pid, 0)

    asyncio.run(scenario())


def test_full_queue_rejects_at_once() -> None:
    async def scenario(pool: WorkerPool) -> None:
        running = [asyncio.create_task(wait(pool, b"", 0.5)) for _ in range(4)]
        await until(lambda: pool.waiting == 3)
        with pytest.raises(OverloadedError, match=r"3 uploads are waiting already \(CONVSERVE_MAX_WAITING\)") as caught:
            await get_pid(pool)
        assert caught.value.retry_after_s >= 1
        large = asyncio.create_task(wait(pool, bytes(2000), 0))  # in a queue of its own
        await until(lambda: pool.waiting == 4)
        with pytest.raises(OverloadedError, match=r"1 large uploads are waiting already"):
            pool.reserve(2000)
        assert await asyncio.gather(*running, large) == [0, 0, 0, 0, 2000]
        assert (pool.busy, pool.waiting) == (0, 0)

    with_pool(Settings(workers=1, max_waiting=3, max_waiting_large=1, large_upload_bytes=1000), scenario)


def test_wait_is_limited() -> None:
    async def scenario(pool: WorkerPool) -> None:
        running = asyncio.create_task(wait(pool, b"", 1))
        await asyncio.sleep(0)
        with pytest.raises(OverloadedError, match=r"none became free within 0\.1 s \(CONVSERVE_MAX_WAIT_SECONDS\)"):
            await get_pid(pool)
        assert pool.waiting == 0
        await running
        assert await wait(pool, b"1", 0) == 1

    with_pool(Settings(workers=1, max_wait_seconds=0.1), scenario)


def test_cancelled_call_leaves_the_queue_and_keeps_the_worker() -> None:
    async def scenario(pool: WorkerPool) -> None:
        running = asyncio.create_task(wait(pool, b"", 0.3))
        given_up = [asyncio.create_task(wait(pool, b"", 30)) for _ in range(5)]
        await until(lambda: pool.waiting == 5)
        for task in given_up:
            task.cancel()
        running.cancel()  # work that has begun is finished
        await until(lambda: pool.waiting == 0)
        assert pool.busy == 1
        assert await wait(pool, b"1", 0) == 1
        assert pool.replaced == 0

    with_pool(Settings(workers=1), scenario)


def test_small_and_large_uploads_take_turns(tmp_path: os.PathLike[str]) -> None:
    """In a single queue, all twenty large uploads would be done before the first small one."""
    order = os.path.join(tmp_path, "order")

    async def scenario(pool: WorkerPool) -> None:
        first = asyncio.create_task(wait(pool, bytes(5000), 0.1))
        await asyncio.sleep(0)
        large = [asyncio.create_task(write_note(pool, order, "large", bytes(5000))) for _ in range(20)]
        await until(lambda: pool.waiting == 20)
        small = [asyncio.create_task(write_note(pool, order, "small", b"")) for _ in range(5)]
        await asyncio.gather(first, *large, *small)

    with_pool(Settings(workers=1, large_upload_bytes=1000, max_waiting_large=20), scenario)
    with open(order) as file:
        names = file.read().split()
    assert len(names) == 25
    assert names[:10].count("small") == 5


def test_slots_are_reserved_for_uploads_that_are_being_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise many uploads would be read for each slot, and all but one rejected afterwards."""

    async def scenario(pool: WorkerPool) -> None:
        running = asyncio.create_task(wait(pool, b"", 1))
        await until(lambda: pool.busy == 1)
        monkeypatch.setattr("app.pool.queue.RESERVATION_SECONDS", 1)
        give_up = [pool.reserve(10) for _ in range(3)]
        with pytest.raises(OverloadedError, match="3 uploads are waiting already"):
            pool.reserve(10)
        give_up[0]()  # its upload was rejected
        pool.reserve(10)
        with pytest.raises(OverloadedError):
            pool.reserve(10)
        first = asyncio.create_task(wait(pool, b"", 0))  # the last of the three uploads has been read
        await until(lambda: pool.waiting == 1)
        with pytest.raises(OverloadedError):
            pool.reserve(10)
        await asyncio.gather(running, first)
        await asyncio.sleep(1.1)  # the other reservations expire
        for _ in range(3):
            pool.reserve(10)

    with_pool(Settings(workers=1, max_waiting=3), scenario)


def test_one_worker_is_kept_free_after_a_small_upload() -> None:
    """Two large uploads use both workers, but only one of them after a small upload."""

    async def scenario(pool: WorkerPool) -> None:
        large = [asyncio.create_task(wait(pool, bytes(2000), 0.5)) for _ in range(2)]
        await until(lambda: pool.busy == 2)
        await asyncio.gather(*large)
        await wait(pool, b"", 0)
        large = [asyncio.create_task(wait(pool, bytes(2000), 2)) for _ in range(2)]
        await asyncio.sleep(0.2)
        assert (pool.busy, pool.waiting) == (1, 1)
        async with asyncio.timeout(1):
            await wait(pool, b"", 0)
        await until(lambda: pool.waiting == 0)
        await asyncio.gather(*large)

    with_pool(Settings(workers=2, large_upload_bytes=1000), scenario)
