"""A compromised worker can send anything. This fails only its own request, and nothing that it sends is executed.

`hostile_worker.py` replaces the real worker. It starts like one, and then attacks as its order file says.
"""

import asyncio
import logging
import os
import sys
import time
from pathlib import Path

import pytest

from app.errors import WorkerLostError
from app.pool import process
from app.pool.pool import WorkerPool
from app.settings import Settings
from tests.support.pools import until
from tests.support.tasks import COUNT_BATCH, ECHO, Nothing, Word

ATTACKS = {
    "truncated frame": "ended without a reply",
    "truncated prefix": "ended without a reply",
    "wrong type": "the reply is not valid",
    "wrong result": "the result of 'echo' is not valid",
    "pickle": "the envelope has",
    "pickle in an envelope": "the reply is not valid",
    "2 GB": "the limit is",
    "2 GB envelope": "the envelope has",
    "beyond shared memory": "holds fewer",
    "shared memory that shrinks": "bytes",
    "another request": "instead of",
    "two replies": "more data arrived than the frame announces",
    "lengths that do not add up": "but the frame has 0",
    "negative length": "the reply is not valid",
    "header injection": "the reply is not valid",
}


@pytest.fixture
def order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that names the attack. Without it, workers are honest."""
    file = tmp_path / "attack"
    monkeypatch.setenv("HOSTILE_WORKER_ORDER", str(file))
    monkeypatch.setenv("HOSTILE_WORKER_TOUCHES", str(tmp_path / "executed"))
    monkeypatch.setattr(process, "WORKER_MODULE", "tests.support.hostile_worker")
    return file


@pytest.mark.parametrize("attack", ATTACKS)
def test_hostile_reply_fails_only_its_request_and_the_worker_is_replaced(
    attack: str, order: Path, caplog: pytest.LogCaptureFixture
) -> None:
    longest_gap_s = 0.0

    async def watch_loop() -> None:
        """The event loop is never blocked, whatever length the reply announces."""
        nonlocal longest_gap_s
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.01)
            longest_gap_s = max(longest_gap_s, time.monotonic() - before - 0.01)

    async def scenario() -> None:
        pool = WorkerPool(Settings(workers=1, deadline_seconds=3), "tests.support.tasks")
        await pool.start()
        (hostile,) = pool.pids
        watching = asyncio.create_task(watch_loop())
        try:
            order.write_text(attack)
            with pytest.raises(WorkerLostError, match="can be tried again"):
                await pool.run(ECHO, Nothing(), [bytes(50_000)])
            order.unlink()
            await until(lambda: pool.ready == 1 and pool.pids != [hostile])
            assert (await pool.run(ECHO, Nothing(), [b"honest"])).blobs == [b"honest"]
            assert pool.replaced == 1
            assert not Path(f"/proc/{hostile}").exists()
        finally:
            watching.cancel()
            await pool.close()

    with caplog.at_level(logging.ERROR):
        asyncio.run(scenario())
    assert not (order.parent / "executed").exists()
    assert longest_gap_s < 0.5
    if "truncated" not in attack:
        (line,) = [record for record in caplog.records if "violated the protocol" in record.getMessage()]
        assert ATTACKS[attack] in line.getMessage()


def test_calls_in_a_hostile_batch_are_run_again_alone(order: Path) -> None:
    async def scenario() -> None:
        pool = WorkerPool(Settings(workers=1, max_wait_seconds=60), "tests.support.tasks")
        await pool.start()
        try:
            order.write_text("wrong type")
            busy = asyncio.create_task(pool.run(ECHO, Nothing()))
            asked = [asyncio.create_task(pool.run_batched(COUNT_BATCH, Word(), [blob])) for blob in (b"a", b"b")]
            with pytest.raises(WorkerLostError):
                await busy
            order.unlink()
            answers = await asyncio.gather(*asked)
            assert [list(answer.blobs) for answer in answers] == [[b"a"], [b"b"]]
        finally:
            await pool.close()

    asyncio.run(scenario())


def test_data_without_a_request_is_a_violation(order: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        pool = WorkerPool(Settings(workers=1), "tests.support.tasks")
        order.write_text("unasked")
        await pool.start()
        try:
            await until(lambda: pool.replaced == 1)
            order.unlink()
        finally:
            await pool.close()

    with caplog.at_level(logging.ERROR):
        asyncio.run(scenario())
    assert "data arrived that no request is waiting for" in caplog.text


def test_hostile_worker_is_honest_without_an_order(order: Path) -> None:
    """Otherwise the tests above would pass for a broken worker."""

    async def scenario() -> None:
        pool = WorkerPool(Settings(workers=1), "tests.support.tasks")
        await pool.start()
        try:
            command = Path(f"/proc/{pool.pids[0]}/cmdline").read_text()
            assert "tests.support.hostile_worker" in command
            for size in (0, 5, 50_000, 9_000_000):
                blob = os.urandom(size)
                assert (await pool.run(ECHO, Nothing(), [blob])).blobs == [blob]
            assert pool.replaced == 0
        finally:
            await pool.close()

    asyncio.run(scenario())
    assert sys.executable
