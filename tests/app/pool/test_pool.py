"""Worker processes: stopped at their deadline, replaced when they are lost, with a queue that sheds load."""

import asyncio
import io
import os
import signal
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from app.context import Record, current_record
from app.errors import DeadlineError, OverloadedError, TaskError, WorkerLostError
from app.main import create_app, make_server
from app.pool.ipc import INTERNAL_ERROR
from app.pool.pool import WorkerPool
from app.settings import Settings
from tests.support.tasks import (
    BURN,
    ECHO,
    END_PROCESS,
    FAIL,
    GET_PID,
    REFUSE,
    WAIT,
    WRITE_NOTE,
    Note,
    Nothing,
    Seconds,
    make_pool,
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


def test_a_task_runs_in_another_process_and_its_error_comes_back() -> None:
    async def scenario(pool: WorkerPool) -> None:
        assert await get_pid(pool) not in (os.getpid(), os.getppid())
        with pytest.raises(TaskError, match="sigma is -1") as caught:
            await pool.run(REFUSE, Nothing())
        assert (caught.value.slug, caught.value.fields) == ("bad-parameter", {"parameter": "sigma"})

    with_pool(Settings(workers=1), scenario)


def test_an_unexpected_error_is_logged_in_the_worker_with_the_id_of_the_request(
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
    """Inline, in shared memory, and copied in a thread."""

    async def scenario(pool: WorkerPool) -> None:
        for _ in range(2):
            blobs = [os.urandom(size) for size in sizes]
            assert (await pool.run(ECHO, Nothing(), blobs)).blobs == blobs

    with_pool(Settings(workers=1, max_waiting_large=1), scenario)


def test_work_past_its_deadline_is_stopped_and_its_core_freed() -> None:
    async def scenario(pool: WorkerPool) -> None:
        process = await get_pid(pool)
        with pytest.raises(DeadlineError, match=r"0\.5 s \(CONVSERVE_DEADLINE_SECONDS\)"):
            await pool.run(BURN, Seconds(60))
        await until(lambda: not os.path.exists(f"/proc/{process}"), 1)
        await until(lambda: pool.ready == 1)  # another one is warm
        assert await get_pid(pool) != process
        assert pool.replaced == 1

    with_pool(Settings(workers=1, deadline_seconds=0.5), scenario)


def test_a_killed_process_costs_its_own_work_only_and_is_replaced() -> None:
    async def scenario(pool: WorkerPool) -> None:
        beside = asyncio.create_task(wait(pool, b"beside", 0.3))
        await asyncio.sleep(0.05)
        with pytest.raises(WorkerLostError, match="can be tried again"):
            await end_process(pool)
        assert await beside == 6
        await until(lambda: pool.ready == 2)
        idle = await get_pid(pool)
        os.kill(idle, signal.SIGKILL)  # by somebody, while it waits for work
        await until(lambda: pool.replaced == 2)
        assert await asyncio.gather(*(wait(pool, b"12", 0) for _ in range(8))) == [2] * 8

    with_pool(Settings(workers=2), scenario)


def test_what_cannot_wait_is_refused_at_once() -> None:
    async def scenario(pool: WorkerPool) -> None:
        running = [asyncio.create_task(wait(pool, b"", 0.5)) for _ in range(4)]
        await until(lambda: pool.waiting == 3)
        with pytest.raises(OverloadedError, match=r"3 uploads are waiting already \(CONVSERVE_MAX_WAITING\)") as caught:
            await get_pid(pool)
        assert caught.value.retry_after_s >= 1
        large = asyncio.create_task(wait(pool, bytes(2000), 0))  # in a line of its own
        await until(lambda: pool.waiting == 4)
        with pytest.raises(OverloadedError, match=r"1 large uploads are waiting already"):
            pool.reserve(2000)
        assert await asyncio.gather(*running, large) == [0, 0, 0, 0, 2000]
        assert (pool.busy, pool.waiting) == (0, 0)

    with_pool(Settings(workers=1, max_waiting=3, max_waiting_large=1, large_upload_bytes=1000), scenario)


def test_nobody_waits_longer_than_the_limit() -> None:
    async def scenario(pool: WorkerPool) -> None:
        running = asyncio.create_task(wait(pool, b"", 1))
        await asyncio.sleep(0)
        with pytest.raises(OverloadedError, match=r"none became free within 0\.1 s \(CONVSERVE_MAX_WAIT_SECONDS\)"):
            await get_pid(pool)
        assert pool.waiting == 0
        await running
        assert await wait(pool, b"1", 0) == 1

    with_pool(Settings(workers=1, max_wait_seconds=0.1), scenario)


def test_who_gives_up_leaves_the_line_and_the_process_is_not_lost() -> None:
    async def scenario(pool: WorkerPool) -> None:
        running = asyncio.create_task(wait(pool, b"", 0.3))
        given_up = [asyncio.create_task(wait(pool, b"", 30)) for _ in range(5)]
        await until(lambda: pool.waiting == 5)
        for task in given_up:
            task.cancel()
        running.cancel()  # what is in work goes on
        await until(lambda: pool.waiting == 0)
        assert pool.busy == 1
        assert await wait(pool, b"1", 0) == 1
        assert pool.replaced == 0

    with_pool(Settings(workers=1), scenario)


def test_small_and_large_take_turns(tmp_path: os.PathLike[str]) -> None:
    """Without lines of their own the twenty large ones, which came first, would all be done before a small one."""
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


def test_places_are_kept_for_uploads_that_are_being_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else ten are let in for each place, read, and nine of them refused."""

    async def scenario(pool: WorkerPool) -> None:
        running = asyncio.create_task(wait(pool, b"", 1))
        await until(lambda: pool.busy == 1)
        monkeypatch.setattr("app.pool.queue.RESERVATION_SECONDS", 1)
        give_up = [pool.reserve(10) for _ in range(3)]
        with pytest.raises(OverloadedError, match="3 uploads are waiting already"):
            pool.reserve(10)
        give_up[0]()  # that was no image
        pool.reserve(10)
        with pytest.raises(OverloadedError):
            pool.reserve(10)
        first = asyncio.create_task(wait(pool, b"", 0))  # the last of the three has been read
        await until(lambda: pool.waiting == 1)
        with pytest.raises(OverloadedError):
            pool.reserve(10)
        await asyncio.gather(running, first)
        await asyncio.sleep(1.1)  # the others do not come, and nobody is kept out for them any longer
        for _ in range(3):
            pool.reserve(10)

    with_pool(Settings(workers=1, max_waiting=3), scenario)


def test_a_small_upload_finds_a_process_where_others_were_before_it() -> None:
    """Two large ones, which take both processes as long as no small one has come, leave one to it."""

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


def make_png(side: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((side, side, 3), np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def test_overload_over_http_is_a_503_that_says_when_to_come_back() -> None:
    settings = Settings(workers=1, max_waiting=1, deadline_seconds=60)
    with TestClient(create_app(settings)) as client, ThreadPoolExecutor(12) as threads:
        image = make_png(1500)
        post = lambda _: client.post("/filter/gaussian?sigma=9", files={"file": ("a.png", image)})  # noqa: E731
        replies = list(threads.map(post, range(12)))
        assert client.get("/livez").status_code == 200
    refused = [reply for reply in replies if reply.status_code == 503]
    assert refused
    assert {reply.status_code for reply in replies} == {200, 503}
    for reply in refused:
        assert reply.json()["type"] == "/problems#overloaded"
        assert int(reply.headers["retry-after"]) >= 1


def test_work_that_takes_too_long_is_a_503_and_the_service_goes_on() -> None:
    with TestClient(create_app(Settings(workers=1, deadline_seconds=0.3))) as client:
        reply = client.post("/filter/gaussian?sigma=10", files={"file": ("a.png", make_png(5000))})
        assert reply.status_code == 503
        assert reply.json()["type"] == "/problems#took-too-long"
        assert "retry-after" in reply.headers
        for _ in range(300):  # while the process is being replaced, requests wait or are told to come back
            reply = client.post("/filter/blur", files={"file": ("a.png", make_png(10))})
            if reply.status_code == 200:
                break
            time.sleep(0.1)
        assert reply.status_code == 200


def test_requests_of_clients_that_have_gone_leave_the_line() -> None:
    """Straight through ASGI: the test client cannot hang up."""
    settings = Settings(workers=1)
    pool = make_pool(settings)
    app = create_app(settings, pool=pool)
    body = make_png(20)

    async def request(gone: asyncio.Event) -> list[str]:
        sent = []
        parts = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> dict[str, object]:
            if parts:
                return parts.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, object]) -> None:
            sent.append(str(message["type"]))

        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
            "path": "/filter/blur", "raw_path": b"/filter/blur", "query_string": b"", "root_path": "",
            "headers": [(b"content-type", b"image/png"), (b"host", b"localhost")], "server": ("localhost", 80),
            "client": ("127.0.0.1", 1),
        }  # fmt: skip
        await app(scope, receive, send)  # type: ignore[arg-type]
        return sent

    async def scenario() -> None:
        async with app.router.lifespan_context(app):
            stays, goes = asyncio.Event(), asyncio.Event()
            running = asyncio.create_task(wait(pool, b"", 0.5))
            gone = [asyncio.create_task(request(goes)) for _ in range(3)]
            staying = asyncio.create_task(request(stays))
            await until(lambda: pool.waiting == 4)
            goes.set()
            await until(lambda: pool.waiting == 1)
            await running
            assert await asyncio.gather(*gone) == [[], [], []]
            assert await staying == ["http.response.start", "http.response.body"]

    asyncio.run(scenario())


def test_who_is_refused_before_the_body_is_read_gets_the_answer(port_of_busy_service: int) -> None:
    """Over a real socket: closed at once with bytes under way, it would be reset and the answer lost."""
    body = bytes(3_000_000)
    head = "POST /filter/blur HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nConnection: close\r\n"
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", port_of_busy_service), timeout=20) as connection:
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = b""
            while part := connection.recv(65536):
                answer += part
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"/problems#overloaded" in answer


@pytest.fixture
def port_of_busy_service() -> Iterator[int]:
    """No large upload may wait there, so that each is refused."""
    app = create_app(Settings(workers=1, max_waiting_large=0))
    server = make_server(app)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.05)
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join()


def test_a_service_without_a_warm_worker_is_alive_but_not_ready() -> None:
    with TestClient(create_app(Settings(workers=1))) as client:
        reply = client.get("/readyz")
        assert reply.json() == {"status": "ok", "workers": 1, "busy": 0, "waiting": 0, "oldest_wait_seconds": 0}
        service = client.app.state.service  # type: ignore[attr-defined]
        assert client.portal is not None
        os.kill(service.pool.pids[0], signal.SIGKILL)
        for _ in range(100):
            reply = client.get("/readyz")
            if reply.status_code == 503:
                break
            time.sleep(0.01)
        assert reply.json()["type"] == "/problems#overloaded"
        assert client.get("/livez").status_code == 200
