"""Resource exhaustion is reported as 507 or 503, and the service recovers automatically."""

import asyncio
import http.client
import json
import os
import resource
import signal
import socket
import time

import pytest

from app.errors import DeadlineError
from app.pool.pool import WorkerPool
from app.settings import Settings
from tests.support.processes import run_toy_service
from tests.support.tasks import GET_PID, Nothing


def upload(port: int, size: int) -> tuple[int, str]:
    """Send a form. Returns the status and the slug of the problem."""
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + bytes(size) + b"\r\n--x--\r\n"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", "/form", body, {"Content-Type": "multipart/form-data; boundary=x"})
    with connection.getresponse() as reply:
        answer = reply.read()
    connection.close()
    if reply.status == 200:
        assert int(answer) == size
        return 200, ""
    return reply.status, json.loads(answer)["type"].removeprefix("/problems#")


def test_a_full_disk_is_507_until_there_is_room() -> None:
    """A limit on the file size replaces the full disk: both fail while the upload is written."""
    with run_toy_service("convserve") as (process, port):
        before = resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (500_000, resource.RLIM_INFINITY))
        assert upload(port, 3_000_000) == (507, "no-room")
        assert upload(port, 100_000) == (200, "")
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, before)
        assert upload(port, 3_000_000) == (200, "")


def test_without_a_file_handle_an_upload_is_503_until_there_is_one() -> None:
    with run_toy_service("convserve") as (process, port):

        def count_files() -> int:
            return len(os.listdir(f"/proc/{process.pid}/fd"))

        assert upload(port, 3_000_000) == (200, "")  # files that are opened once are open now
        time.sleep(1)  # for the connection to be closed
        used = count_files()
        before = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (used + 1, before[1]))  # one for the connection
        assert upload(port, 3_000_000) == (503, "no-files-left")
        while count_files() > used:
            time.sleep(0.02)
        assert upload(port, 100_000) == (200, "")
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, before)
        assert upload(port, 3_000_000) == (200, "")


def test_connections_leave_file_handles_for_uploads() -> None:
    """Three times as many silent clients as file handles, and the service still serves."""
    with run_toy_service("convserve", files=64) as (process, port):
        silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(200)]
        for _ in range(10):
            assert upload(port, 2_000_000) == (200, "")
        assert len(os.listdir(f"/proc/{process.pid}/fd")) <= 64
        for connection in silent:
            connection.close()


@pytest.mark.slow
def test_a_stopped_worker_is_killed_at_the_deadline_and_replaced() -> None:
    async def scenario() -> None:
        workers = WorkerPool(Settings(workers=1, deadline_seconds=1), "tests.support.tasks")
        await workers.start()
        try:
            os.kill(workers.pids[0], signal.SIGSTOP)
            with pytest.raises(DeadlineError):
                await workers.run(GET_PID, Nothing())
            async with asyncio.timeout(60):
                while not workers.ready:
                    await asyncio.sleep(0.05)
            assert (await workers.run(GET_PID, Nothing())).result == workers.pids[0]
        finally:
            await workers.close()

    asyncio.run(scenario())
