"""Overload, deadlines, disconnected clients and lost workers over HTTP."""

import asyncio
import io
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from app.main import create_app, make_server
from app.settings import Settings
from tests.support.pools import until, wait
from tests.support.tasks import (
    make_pool,
)


def make_png(side: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((side, side, 3), np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def test_overload_is_a_503_with_retry_after() -> None:
    settings = Settings(workers=1, max_waiting=1, deadline_seconds=60)
    with TestClient(create_app(settings)) as client, ThreadPoolExecutor(12) as threads:
        image = make_png(1500)
        post = lambda _: client.post("/filter/gaussian?sigma=9", files={"file": ("a.png", image)})  # noqa: E731
        responses = list(threads.map(post, range(12)))
        assert client.get("/livez").status_code == 200
    rejected = [response for response in responses if response.status_code == 503]
    assert rejected
    assert {response.status_code for response in responses} == {200, 503}
    for response in rejected:
        assert response.json()["type"] == "/problems#overloaded"
        assert int(response.headers["retry-after"]) >= 1


def test_deadline_is_a_503_and_the_service_recovers() -> None:
    with TestClient(create_app(Settings(workers=1, deadline_seconds=0.3))) as client:
        response = client.post("/filter/gaussian?sigma=10", files={"file": ("a.png", make_png(5000))})
        assert response.status_code == 503
        assert response.json()["type"] == "/problems#took-too-long"
        assert "retry-after" in response.headers
        for _ in range(300):  # while the worker is replaced, requests wait or are rejected
            response = client.post("/filter/blur", files={"file": ("a.png", make_png(10))})
            if response.status_code == 200:
                break
            time.sleep(0.1)
        assert response.status_code == 200


def test_requests_of_disconnected_clients_leave_the_queue() -> None:
    """Through ASGI, because the test client cannot disconnect."""
    settings = Settings(workers=1)
    pool = make_pool(settings)
    app = create_app(settings, pool=pool)
    body = make_png(20)

    async def request(disconnected: asyncio.Event) -> list[str]:
        sent = []
        parts = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> dict[str, object]:
            if parts:
                return parts.pop()
            await disconnected.wait()
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
            stays, leaves = asyncio.Event(), asyncio.Event()
            running = asyncio.create_task(wait(pool, b"", 0.5))
            disconnected = [asyncio.create_task(request(leaves)) for _ in range(3)]
            staying = asyncio.create_task(request(stays))
            await until(lambda: pool.waiting == 4)
            leaves.set()
            await until(lambda: pool.waiting == 1)
            await running
            assert await asyncio.gather(*disconnected) == [[], [], []]
            assert await staying == ["http.response.start", "http.response.body"]

    asyncio.run(scenario())


def test_client_gets_the_rejection_while_it_sends_the_body(port_of_busy_service: int) -> None:
    """Over a real socket. Closing it while bytes arrive would reset it, and lose the response."""
    body = bytes(3_000_000)
    head = "POST /filter/blur HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nConnection: close\r\n"
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", port_of_busy_service), timeout=20) as connection:
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            received = b""
            while part := connection.recv(65536):
                received += part
        assert received.startswith(b"HTTP/1.1 503 ")
        assert b"/problems#overloaded" in received


@pytest.fixture
def port_of_busy_service() -> Iterator[int]:
    """Rejects all large uploads, because none may wait."""
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


def test_service_without_a_warm_worker_is_alive_but_not_ready() -> None:
    with TestClient(create_app(Settings(workers=1))) as client:
        response = client.get("/readyz")
        assert response.json() == {"status": "ok", "workers": 1, "busy": 0, "waiting": 0, "oldest_wait_seconds": 0}
        service = client.app.state.service  # type: ignore[attr-defined]
        assert client.portal is not None
        os.kill(service.pool.pids[0], signal.SIGKILL)
        for _ in range(100):
            response = client.get("/readyz")
            if response.status_code == 503:
                break
            time.sleep(0.01)
        assert response.json()["type"] == "/problems#overloaded"
        assert client.get("/livez").status_code == 200
