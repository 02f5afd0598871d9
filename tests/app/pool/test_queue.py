"""The order of the queue, without worker processes."""

import asyncio
from collections import Counter

import pytest

from app.errors import OverloadedError
from app.pool.call import Call
from app.pool.queue import Queue
from app.settings import Settings
from tests.support.tasks import GET_PID

SMALL_S, LARGE_S = 0.01, 0.3


def work(is_large: bool) -> Call:
    return Call(GET_PID, b"", [], is_large=is_large, may_be_batched=False)


def serve_for(seconds: float, queue: Queue, small_s: float = SMALL_S, large_s: float = LARGE_S) -> Counter[bool]:
    """Worker time of each queue, by whether it is the large one. Neither queue is ever empty."""
    used: Counter[bool] = Counter()
    while used.total() < seconds:
        for large in (False, True):
            if queue.count(large) < 2:
                queue.join(work(is_large=large))
        waiting = queue.take_next(may_take_large=True)
        assert waiting
        spent = large_s if waiting.is_large else small_s
        queue.charge(waiting.is_large, spent)
        used[waiting.is_large] += spent  # type: ignore[assignment]
    return used


def in_loop(scenario: object) -> None:
    async def run() -> None:
        assert callable(scenario)
        scenario()

    asyncio.run(run())


def test_each_queue_gets_half_of_the_worker_time() -> None:
    def scenario() -> None:
        for small_s, large_s in ((SMALL_S, LARGE_S), (0.1, 0.1), (0.5, 0.05)):
            used = serve_for(60, Queue(Settings()), small_s, large_s)
            assert used[True] == pytest.approx(used[False], abs=2 * max(small_s, large_s))

    in_loop(scenario)


def test_empty_queue_does_not_accumulate_time() -> None:
    """Otherwise an hour of small uploads would be followed by an hour of large ones."""

    def scenario() -> None:
        for large in (False, True):
            queue = Queue(Settings())
            queue.charge(large, 3600)
            used = serve_for(6, queue)
            assert used[True] == pytest.approx(used[False], abs=2 * LARGE_S)

    in_loop(scenario)


def test_small_upload_waits_for_at_most_one_large_upload() -> None:
    def scenario() -> None:
        queue = Queue(Settings())
        for _ in range(7):
            queue.join(work(is_large=True))
        for _ in range(3):
            small = work(is_large=False)
            queue.join(small)
            first, second = queue.take_next(True), queue.take_next(True)
            assert small in (first, second)
            queue.charge(True, LARGE_S)
            queue.charge(False, SMALL_S)

    in_loop(scenario)


def test_queue_is_first_in_first_out() -> None:
    def scenario() -> None:
        queue = Queue(Settings())
        joined = [work(is_large=False) for _ in range(5)]
        for one in joined:
            queue.join(one)
        queue.leave(joined[1])
        assert queue.count(is_large=False) == 4
        queue.leave(joined[1])
        assert queue.count(is_large=False) == 4
        joined[2].done.cancel()
        assert [queue.take_next(True) for _ in range(4)] == [joined[0], joined[3], joined[4], None]

    in_loop(scenario)


def test_reservations_count_towards_the_limit() -> None:
    def scenario() -> None:
        queue = Queue(Settings(max_waiting=3, max_waiting_large=1))
        queue.join(work(is_large=False))
        reservations = [queue.reserve(False, idle=0) for _ in range(2)]
        with pytest.raises(OverloadedError, match=r"3 uploads are waiting already \(CONVSERVE_MAX_WAITING\)"):
            queue.reserve(False, idle=0)
        queue.reserve(False, idle=1).release()
        reservations[0].release()
        queue.reserve(False, idle=0)
        queue.join(work(is_large=True))
        with pytest.raises(OverloadedError, match=r"1 large uploads .* \(CONVSERVE_MAX_WAITING_LARGE\)"):
            queue.reserve(True, idle=0)

    in_loop(scenario)
