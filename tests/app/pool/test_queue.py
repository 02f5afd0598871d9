"""Whose turn it is, without any process."""

import asyncio
from collections import Counter

import pytest

from app.errors import OverloadedError
from app.pool.queue import Lines, Waiting
from app.settings import Settings

SMALL_S, LARGE_S = 0.01, 0.3


def serve_for(seconds: float, lines: Lines, small_s: float = SMALL_S, large_s: float = LARGE_S) -> Counter[bool]:
    """How long one process works for each line (by whether it is the large one's), both always having somebody."""
    used: Counter[bool] = Counter()
    while used.total() < seconds:
        for large in (False, True):
            if lines.count(large) < 2:
                lines.join(Waiting(b"", large))
        waiting = lines.take_next(may_take_large=True)
        assert waiting
        spent = large_s if waiting.large else small_s
        lines.charge(waiting.large, spent)
        used[waiting.large] += spent  # type: ignore[assignment]
    return used


def in_loop(scenario: object) -> None:
    async def run() -> None:
        assert callable(scenario)
        scenario()

    asyncio.run(run())


def test_each_line_gets_half_of_the_time_whatever_its_uploads_take() -> None:
    def scenario() -> None:
        for small_s, large_s in ((SMALL_S, LARGE_S), (0.1, 0.1), (0.5, 0.05)):
            used = serve_for(60, Lines(Settings()), small_s, large_s)
            assert used[True] == pytest.approx(used[False], abs=2 * max(small_s, large_s))

    in_loop(scenario)


def test_nobody_saves_up_time_while_nobody_waits_in_his_line() -> None:
    """Otherwise the first panorama after an hour of thumbnails would bring an hour of panoramas."""

    def scenario() -> None:
        for large in (False, True):
            lines = Lines(Settings())
            lines.charge(large, 3600)
            used = serve_for(6, lines)
            assert used[True] == pytest.approx(used[False], abs=2 * LARGE_S)

    in_loop(scenario)


def test_a_lone_small_one_waits_for_one_large_one_at_most() -> None:
    def scenario() -> None:
        lines = Lines(Settings())
        for _ in range(7):
            lines.join(Waiting(b"", True))
        for _ in range(3):
            small = Waiting(b"", False)
            lines.join(small)
            first, second = lines.take_next(True), lines.take_next(True)
            assert small in (first, second)
            lines.charge(True, LARGE_S)
            lines.charge(False, SMALL_S)

    in_loop(scenario)


def test_who_is_first_in_a_line_stays_so() -> None:
    def scenario() -> None:
        lines = Lines(Settings())
        joined = [Waiting(b"", False) for _ in range(5)]
        for one in joined:
            lines.join(one)
        lines.leave(joined[1])
        assert lines.count(large=False) == 4
        lines.leave(joined[1])
        assert lines.count(large=False) == 4
        joined[2].begun.cancel()
        assert [lines.take_next(True) for _ in range(4)] == [joined[0], joined[3], joined[4], None]

    in_loop(scenario)


def test_a_line_has_a_limit_with_the_places_that_are_kept() -> None:
    def scenario() -> None:
        lines = Lines(Settings(max_waiting=3, max_waiting_large=1))
        lines.join(Waiting(b"", False))
        places = [lines.expect(False, idle=0) for _ in range(2)]
        with pytest.raises(OverloadedError, match=r"3 uploads are waiting already \(CONVSERVE_MAX_WAITING\)"):
            lines.expect(False, idle=0)
        lines.expect(False, idle=1).give_up()
        places[0].give_up()
        lines.expect(False, idle=0)
        lines.join(Waiting(b"", True))
        with pytest.raises(OverloadedError, match=r"1 large uploads .* \(CONVSERVE_MAX_WAITING_LARGE\)"):
            lines.expect(True, idle=0)

    in_loop(scenario)
