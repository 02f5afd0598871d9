"""The short forms of the benchmarks of overload, slow clients and restarts.

The machine may be busy, so results that depend on it, such as the goodput at ten times the capacity, are not checked
here; the long forms print them (docs/engineering/reliability.md).
"""

import asyncio

import pytest

from benchmarks.overload import measure_capacity, send_at
from benchmarks.restarts import report_kills, report_stops
from benchmarks.service import make_upload, run_service
from benchmarks.slow_clients import SHORT, report

pytestmark = pytest.mark.slow


def test_an_overload_is_shed_and_the_service_recovers() -> None:
    async def scenario() -> None:
        request = make_upload(600)
        async with run_service(workers=1, max_waiting=8) as service:
            capacity = await measure_capacity(service, request, 1)
            replies = await send_at(service, request, 10 * capacity, 3)
            statuses = [reply.status for reply in replies]
            assert set(statuses) == {200, 503}, "a request was lost"
            assert statuses.count(200) > capacity, "the goodput collapsed"
            assert statuses.count(503) > len(statuses) / 2
            assert max(reply.seconds for reply in replies) < 3 * (9 / capacity) + 5, "the queue is too long"
            assert (await service.send(request)).status == 200

    asyncio.run(scenario())


def test_slow_clients_are_closed_and_a_normal_one_is_answered() -> None:
    closed_and_answered, _ = asyncio.run(report(10, SHORT, stock=False, slack_seconds=3))
    assert closed_and_answered


def test_a_shutdown_and_a_killed_worker_under_load() -> None:
    async def scenario() -> None:
        assert await report_stops(1, stock=False)
        assert await report_kills(1, warm_within_s=120)

    asyncio.run(scenario())
