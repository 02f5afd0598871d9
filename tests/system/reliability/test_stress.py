"""The short forms of the benchmarks of overload, slow clients and restarts, on a machine that may have more to do.

What depends on how busy it is, such as the share of the capacity that is answered at ten times the load, is printed by
the long forms (docs/engineering/reliability.md), not judged here.
"""

import asyncio

import pytest

from benchmarks.overload import measure_capacity, send_at
from benchmarks.restarts import report_kills, report_stops
from benchmarks.service import make_upload, run_service
from benchmarks.slow_clients import SHORT, report

pytestmark = pytest.mark.slow


def test_overload_is_shed_and_over_when_it_is_over() -> None:
    async def scenario() -> None:
        request = make_upload(600)
        async with run_service(workers=1, max_waiting=8) as service:
            capacity = await measure_capacity(service, request, 1)
            replies = await send_at(service, request, 10 * capacity, 3)
            statuses = [reply.status for reply in replies]
            assert set(statuses) == {200, 503}, "none is lost"
            assert statuses.count(200) > capacity, "it does not collapse"
            assert statuses.count(503) > len(statuses) / 2
            assert max(reply.seconds for reply in replies) < 3 * (9 / capacity) + 5, "the line is short"
            assert (await service.send(request)).status == 200

    asyncio.run(scenario())


def test_slow_clients_are_closed_and_the_honest_one_is_answered() -> None:
    closed_and_answered, _ = asyncio.run(report(10, SHORT, stock=False, slack_seconds=3))
    assert closed_and_answered


def test_a_stop_and_a_kill_under_load() -> None:
    async def scenario() -> None:
        assert await report_stops(1, stock=False)
        assert await report_kills(1, warm_within_s=120)

    asyncio.run(scenario())
