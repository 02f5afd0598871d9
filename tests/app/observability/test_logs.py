"""The log of a service in a separate process, as JSON; it holds no content of requests."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi.testclient import TestClient

from app.context import choose_request_id
from app.main import create_app
from app.observability.logs import AddRequestId
from app.settings import Settings
from tests.support.images import draw_noise, encode
from tests.support.paths import ROOT

IMAGE = encode(draw_noise(20, 30))
RAW = {"Content-Type": "image/png"}
ID = re.compile(r"[0-9a-f]{32}")

ENVIRONMENT = {"CONVSERVE_WORKERS": "1", "CONVSERVE_LOG_FORMAT": "json", "CONVSERVE_STALL_SECONDS": "1"}


class Server:
    """`convserve serve` with its standard error in a file."""

    def __init__(self, log: Path) -> None:
        self.log = log
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app", "serve", "--port", str(self.port)],
                env=os.environ | ENVIRONMENT,
                stdout=subprocess.DEVNULL,
                stderr=file,
                cwd=ROOT,
            )
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60)

    def wait(self) -> None:
        for _ in range(600):
            try:
                self.client.get("/livez")
                return
            except httpx.TransportError:
                assert self.process.poll() is None, self.log.read_text()
                time.sleep(0.2)
        raise AssertionError("the service did not start")

    def stop(self) -> None:
        self.client.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def read_lines(self) -> list[dict[str, Any]]:
        """The lines of JSON. TensorFlow writes other lines at the start."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def find_lines(self, request_id: str) -> list[dict[str, Any]]:
        for _ in range(100):  # the line follows the response
            if lines := [line for line in self.read_lines() if line["request_id"] == request_id]:
                return lines
            time.sleep(0.05)
        return []


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("log") / "stderr")
    server.wait()
    yield server
    server.stop()


@pytest.mark.slow
def test_a_request_is_one_log_line(server: Server) -> None:
    url = "/filter/blur?border=zero"
    reply = server.client.post(url, content=IMAGE, headers=RAW | {"X-Request-ID": "order-66:a"})
    assert reply.status_code == 200
    assert reply.headers["X-Request-ID"] == "order-66:a"
    (line,) = server.find_lines("order-66:a")
    steps = {name: line.pop(f"{name}_ms") for name in ("queue", "decode", "convolve", "encode")}
    assert all(spent >= 0 for spent in steps.values())
    assert 0 < sum(steps.values()) < line.pop("duration_ms")
    assert line.pop("message").startswith("POST /filter/{kernel} 200 ")
    assert re.match(r"\d{4}-\d\d-\d\dT", line.pop("time"))
    assert line.pop("process") == server.process.pid
    assert line == {
        "level": "INFO", "logger": "app.access", "request_id": "order-66:a", "method": "POST",
        "route": "/filter/{kernel}", "status": 200, "client": "127.0.0.1", "received_bytes": len(IMAGE),
        "sent_bytes": len(reply.content), "kernels": ["blur"], "pixels": 600,
    }  # fmt: skip


@pytest.mark.slow
def test_the_content_of_requests_is_not_logged(server: Server) -> None:
    secrets = {
        "path": server.client.get("/secret-in-path"),
        "query": server.client.post("/filter/blur?token=secret-in-query", content=IMAGE, headers=RAW),
        "value": server.client.post("/filter/blur?border=secret-in-value", content=IMAGE, headers=RAW),
        "header": server.client.get("/size?input=5&kernel=3", headers={"Authorization": "Bearer secret-in-header"}),
        "name": server.client.post("/filter/blur", files={"file": ("secret-in-name.png", IMAGE)}),
        "content": server.client.post("/filter/blur", content=b"secret-in-content", headers=RAW),
        "id": server.client.get("/livez", headers={"X-Request-ID": "secret in id\x1b[2J"}),
    }
    for reply in secrets.values():
        if reply.request.url.path != "/livez":
            assert len(server.find_lines(reply.headers["X-Request-ID"])) == 1
    assert "secret" not in server.log.read_text()
    assert "secret" not in server.client.get("/metrics").text


@pytest.mark.slow
def test_probes_are_not_logged_and_the_access_log_of_uvicorn_is_off(server: Server) -> None:
    server.client.get("/readyz")
    reply = server.client.get("/size?input=5&kernel=3")
    assert server.find_lines(reply.headers["X-Request-ID"])
    assert "uvicorn.access" not in {line["logger"] for line in server.read_lines()}
    assert [line for line in server.read_lines() if line.get("route") in ("/readyz", "/livez")] == []


@pytest.mark.slow
def test_a_rejection_by_the_server_has_an_id_and_a_log_line(server: Server) -> None:
    """The middleware sees neither a large head nor a malformed request."""
    for sent, status, problem in (
        (b"GET / HTTP/1.1\r\nX-Long: " + bytes([97]) * 70_000 + b"\r\n\r\n", 431, "request-head-too-large"),
        (b"secret words\r\n\r\n", 400, "malformed-request"),
    ):
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
            connection.sendall(sent)
            head, _, body = b"".join(iter(lambda: connection.recv(65536), b"")).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d " % status)
        (request_id,) = re.findall(rb"(?i)x-request-id: ([0-9a-f]{32})", head)
        assert json.loads(body)["request_id"] == request_id.decode()
        (line,) = server.find_lines(request_id.decode())
        assert (line["status"], line["problem"], line["client"]) == (status, problem, "127.0.0.1")
    end = time.monotonic() + 5
    while "convserve_connections 1.0" not in (metrics := server.client.get("/metrics").text):
        assert time.monotonic() < end, "a connection is left"
        time.sleep(0.05)
    assert 'convserve_requests_refused_total{problem="malformed-request"}' in metrics


@pytest.mark.slow
def test_a_stalled_body_is_one_log_line_with_the_id_of_the_request(server: Server) -> None:
    head = b"POST /filter/blur HTTP/1.1\r\nHost: a\r\nX-Request-ID: slow-1\r\nContent-Type: image/png\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(head + b"Content-Length: 1000\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"x-request-id: slow-1" in answer.lower()
    (line,) = server.find_lines("slow-1")
    assert (line["status"], line["problem"], line["route"]) == (408, "slow-client", "/filter/{kernel}")
    assert 'problem="slow-client"} 1.0' in server.client.get("/metrics").text


@pytest.mark.slow
def test_a_lost_worker_is_logged(server: Server) -> None:
    front = server.process.pid
    (worker,) = map(int, Path(f"/proc/{front}/task/{front}/children").read_text().split())
    os.kill(worker, signal.SIGKILL)
    for _ in range(100):
        if lines := [line for line in server.read_lines() if line["logger"] == "app.pool.pool"]:
            break
        time.sleep(0.1)
    assert [line["level"] for line in lines] == ["WARNING"]
    assert f"worker process {worker} ended (signal 9)" in lines[0]["message"]


# -- ids


@pytest.mark.parametrize("sent", ["a", "A-Za-z0-9._:/=+@-", "7" * 128, "Root=1-5e272390-8c398be037738dc042009320"])
def test_a_valid_id_is_kept(client: TestClient, sent: str) -> None:
    assert client.get("/livez", headers={"X-Request-ID": sent}).headers["X-Request-ID"] == sent


@pytest.mark.parametrize("sent", ["", "7" * 129, "two words", "line\tbreak", "semi;colon", '"quoted"', "<b>", "é"])
def test_an_invalid_id_is_replaced(sent: str) -> None:
    assert ID.fullmatch(choose_request_id(sent))
    assert choose_request_id(sent) != choose_request_id(sent)


def fail() -> None:
    raise RuntimeError("the reason")


def test_every_response_has_an_id_and_problems_repeat_it(limited_client: TestClient) -> None:
    replies = {
        200: limited_client.get("/livez"),
        404: limited_client.get("/nowhere"),
        405: limited_client.get("/filter/blur"),
        413: limited_client.post("/filter/blur", content=bytes(20_001), headers=RAW),
        415: limited_client.post("/filter/blur", content=b"no image", headers=RAW),
        422: limited_client.post("/filter/blur?stride=0", content=IMAGE, headers=RAW),
    }
    for status, reply in replies.items():
        assert reply.status_code == status
        assert ID.fullmatch(reply.headers["X-Request-ID"])
        assert reply.headers.get_list("X-Request-ID") == [reply.headers["X-Request-ID"]]
        if status >= 400:
            assert reply.json()["request_id"] == reply.headers["X-Request-ID"]
    assert len({reply.headers["X-Request-ID"] for reply in replies.values()}) == len(replies)


def test_an_unexpected_error_has_its_id_in_response_and_traceback(caplog: pytest.LogCaptureFixture) -> None:
    """uvicorn logs the traceback after the middleware has finished."""
    app = create_app(Settings(workers=1))
    app.add_api_route("/breaks", fail)
    caplog.handler.addFilter(AddRequestId())
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            url = f"http://127.0.0.1:{listening.getsockname()[1]}/breaks"
            reply = httpx.get(url, headers={"X-Request-ID": "broken-1"}, timeout=60)
        finally:
            server.should_exit = True
            thread.join()
    assert reply.status_code == 500
    assert reply.headers["X-Request-ID"] == reply.json()["request_id"] == "broken-1"
    assert "the reason" not in reply.text
    (line,) = [line for line in caplog.records if line.name == "uvicorn.error" and line.levelname == "ERROR"]
    assert line.request_id == "broken-1"  # type: ignore[attr-defined]
    assert line.exc_info
    assert "the reason" in str(line.exc_info[1])
    (access,) = [line for line in caplog.records if line.name == "app.access"]
    assert access.request_id == "broken-1"  # type: ignore[attr-defined]
    assert (access.levelname, access.problem) == ("WARNING", "internal-server-error")  # type: ignore[attr-defined]
