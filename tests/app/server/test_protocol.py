"""Clients that stall, send a large head, or still send after the response. Stock uvicorn fails most of these tests."""

import http.client
import json
import re
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.errors import OverloadedError
from app.middleware.cors import AllowOrigins
from app.settings import Settings
from tests.support.slow_clients import KINDS, POST, SlowClient, drip, read_all, read_answers
from tests.support.toy_service import make_app, serve

SHORT_TIMEOUTS = Settings(header_seconds=0.6, stall_seconds=0.6, keep_alive_seconds=0.6)
SLACK_S = 5  # for a busy machine


def ask(port: int, path: str = "/livez") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path)
    reply = connection.getresponse()
    reply.read()
    connection.close()
    return reply.status


def parse_problem(answer: bytes) -> dict[str, object]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head
    assert b"connection: close" in head
    problem: dict[str, object] = json.loads(body)
    return problem


def hold_connections(kind: str) -> tuple[int, list[bytes], list[int]]:
    """Three clients of each kind: how many stay connected, the responses to them, and statuses of a normal client."""
    with serve(kind, SHORT_TIMEOUTS) as (port, server):
        clients = [(slow, slow.connect(port)) for slow in KINDS for _ in range(3)]
        dripping = threading.Thread(target=drip, args=(clients, 2, 0.1))
        dripping.start()
        honest = []
        while dripping.is_alive():
            honest.append(ask(port))
            time.sleep(0.2)
        end = time.monotonic() + (SLACK_S if kind == "convserve" else 0)
        while server.server_state.connections and time.monotonic() < end:
            time.sleep(0.05)
        left = len(server.server_state.connections)
        answers = [read_all(connection) for _, connection in clients] if kind == "convserve" else []
        for _, connection in clients:
            connection.close()
        return left, answers, honest


def test_clients_are_closed_at_every_stage_at_which_they_stall() -> None:
    left, answers, honest = hold_connections("convserve")
    assert left == 0
    assert set(honest) == {200}
    for slow, answer in zip([slow for slow in KINDS for _ in range(3)], answers, strict=True):
        if slow.status == 0:
            assert answer == b"", slow.name
        else:
            assert answer.startswith(b"HTTP/1.1 %d " % slow.status), slow.name
        if slow.status == 408:
            assert parse_problem(answer)["type"] == "/problems#slow-client"
        if slow.name == "slow reader":
            assert 0 < len(answer) < 20_000_000, "the connection was closed before the end"


def test_stock_uvicorn_keeps_stalled_clients() -> None:
    left, _, _ = hold_connections("uvicorn")
    assert left >= 3 * (len(KINDS) - 1), "all except the idle ones, which it closes after 5 s"


def test_a_client_above_the_minimum_rate_is_served() -> None:
    """At twice the minimum rate, with pauses, for several times the timeout."""
    settings = Settings(header_seconds=0.6, stall_seconds=0.6, keep_alive_seconds=0.6, min_bytes_per_second=1000)
    with serve("convserve", settings) as (port, _), socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(POST + b"Content-Length: 4000\r\n\r\n")
        for _ in range(10):
            time.sleep(0.2)
            client.sendall(bytes(400))
        read_answers(client, b"\r\n\r\n4000")


def test_a_fast_start_does_not_extend_the_timeout() -> None:
    """An average rate over the whole transfer would keep the connection for hours."""
    with serve("convserve", SHORT_TIMEOUTS) as (port, _):
        connection = SlowClient("", POST + b"Content-Length: 5000000\r\n\r\n" + bytes(3_000_000)).connect(port)
        started = time.monotonic()
        assert read_all(connection).startswith(b"HTTP/1.1 408 ")
        assert time.monotonic() - started < 0.6 + SLACK_S
        connection.close()


def test_a_client_that_waits_for_the_service_does_not_time_out() -> None:
    with serve("convserve", SHORT_TIMEOUTS) as (port, _), socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(POST.replace(b"/length", b"/length?seconds=2") + b"Content-Length: 3\r\n\r\nabc")
        read_answers(client, b"\r\n\r\n3")


@pytest.mark.parametrize("parts", [1, 100])
def test_a_large_head_is_rejected(parts: int) -> None:
    """In one piece or in many. uvicorn over httptools accepts megabytes."""
    head = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000 + b"\r\n\r\n"
    step = -(-len(head) // parts)
    with serve("convserve", SHORT_TIMEOUTS) as (port, _), socket.create_connection(("127.0.0.1", port)) as client:
        for start in range(0, len(head), step):
            client.sendall(head[start : start + step])
        answer = read_all(client)
        assert answer.startswith(b"HTTP/1.1 431 ")
        problem = parse_problem(answer)
        assert problem["type"] == "/problems#request-head-too-large"
        assert "the limit is 32768 (CONVSERVE_MAX_HEADER_BYTES)" in str(problem["detail"])
        assert ask(port) == 200


def test_an_endless_header_line_is_rejected() -> None:
    with serve("convserve", Settings()) as (port, _), socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET /livez HTTP/1.1\r\nX: " + b"x" * 1_000_000)
        assert read_all(client).startswith(b"HTTP/1.1 431 ")


def test_a_malformed_request_is_a_problem() -> None:
    with serve("convserve", SHORT_TIMEOUTS) as (port, _), socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"hello\r\n\r\n")
        answer = read_all(client)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert parse_problem(answer)["type"] == "/problems#malformed-request"


@pytest.mark.parametrize("kind", ["convserve", "uvicorn"])
def test_a_response_before_the_end_of_the_body_is_not_lost(kind: str) -> None:
    """uvicorn resets some clients that still send, and they lose the response."""
    lost = 0
    with serve(kind, Settings()) as (port, _):
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
                head = POST.replace(b"/length", b"/early") + b"Connection: close\r\nContent-Length: 3000000\r\n\r\n"
                try:
                    client.sendall(head)
                    time.sleep(0.02)
                    client.sendall(bytes(3_000_000))
                    lost += not read_all(client).endswith(b'"early"')
                except OSError:
                    lost += 1
    assert lost == 0 if kind == "convserve" else lost > 0


def test_pipelined_requests_are_answered_in_order() -> None:
    with serve("convserve", SHORT_TIMEOUTS) as (port, _), socket.create_connection(("127.0.0.1", port)) as client:
        requests = [POST + b"Content-Length: %d\r\n\r\n" % size + bytes(size) for size in (1, 22, 333)]
        client.sendall(b"".join(requests))
        answers = read_answers(client, b"\r\n\r\n333")
        assert [part[-3:].strip() for part in answers.split(b"HTTP/1.1 200 OK")[1:]] == [b"1", b"22", b"333"]
        client.sendall(requests[0])  # the connection stays usable
        read_answers(client, b"\r\n\r\n1")


def test_at_the_connection_limit_the_longest_idle_is_closed() -> None:
    """Ten times as many silent clients as the connection limit; normal clients are served."""
    with serve("convserve", Settings(max_connections=10)) as (port, server):
        silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
        assert [ask(port) for _ in range(20)] == [200] * 20
        assert len(server.server_state.connections) <= 10
        for connection in silent:
            connection.close()


def test_if_all_connections_are_busy_a_new_client_gets_503() -> None:
    with serve("convserve", Settings(max_connections=2)) as (port, _):
        busy = [socket.create_connection(("127.0.0.1", port)) for _ in range(2)]
        for connection in busy:
            connection.sendall(POST.replace(b"/length", b"/length?seconds=1") + b"Content-Length: 0\r\n\r\n")
        time.sleep(0.3)
        with socket.create_connection(("127.0.0.1", port)) as client:
            answer = read_all(client)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1\r\n" in answer
        assert parse_problem(answer)["type"] == "/problems#too-many-connections"
        for connection in busy:
            read_answers(connection, b"\r\n\r\n0")
            connection.close()


def test_at_the_memory_limit_the_slowest_are_closed() -> None:
    """Long before their timeout."""
    with serve("convserve", Settings(max_held_bytes=10_000_000)) as (port, server):
        head = POST + b"Content-Length: 9000000\r\n\r\n"
        sending = [SlowClient("", head + bytes(6_000_000)).connect(port) for _ in range(3)]
        reading = [slow.connect(port) for slow in KINDS if slow.name == "slow reader"]
        end = time.monotonic() + SLACK_S
        while len(server.server_state.connections) > 1 and time.monotonic() < end:
            assert ask(port) == 200
        assert len(server.server_state.connections) == 1, "6 MB are below the limit"
        for connection in [*sending, *reading]:
            connection.close()


def test_uploads_without_a_slot_are_rejected_before_their_body() -> None:
    released = []

    def reserve_slot(length: int) -> Callable[[], None]:
        if length > 100:
            raise OverloadedError("The queue is full.", 7)
        return lambda: released.append(length)

    with serve("convserve", Settings(), reserve_slot) as (port, server), socket.socket() as client:
        client.connect(("127.0.0.1", port))
        client.sendall(POST + b"Content-Length: 100\r\n\r\n" + bytes(100))
        read_answers(client, b"\r\n\r\n100")
        assert released == [100]
        client.sendall(POST + b"Content-Length: 101\r\n\r\n")  # without the body
        answer = read_all(client)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 7\r\n" in answer
        assert b"x-content-type-options: nosniff\r\n" in answer
        assert parse_problem(answer)["detail"] == "The queue is full."
        assert ask(port) == 200
        assert server.server_state.rejections.counts == {"overloaded": 1}  # type: ignore[attr-defined]


def test_during_an_overload_each_upload_gets_the_same_response() -> None:

    def reserve_slot(length: int) -> Callable[[], None]:
        if length > 100:
            raise OverloadedError("The queue is full.", 7)
        return lambda: None

    with serve("convserve", Settings(), reserve_slot) as (port, server):
        alone = send_upload(port, b"X-Request-ID: first\r\n", 101)
        with ThreadPoolExecutor(20) as clients:
            ids = [f"id-{number:02}" for number in range(20)]
            together = list(
                clients.map(lambda one: send_upload(port, b"X-Request-ID: %s\r\n" % one.encode(), 3_000_000), ids)
            )
            small = clients.submit(send_upload, port, b"", 100)
            probe = clients.submit(ask, port)
            assert small.result().endswith(b"\r\n\r\n100"), "there is a slot for it"
            assert probe.result() == 200
        for one, answer in zip(ids, together, strict=True):
            assert without_date(answer) == without_date(alone).replace(b"first", one.encode())
        assert server.server_state.rejections.counts == {"overloaded": 21}  # type: ignore[attr-defined]
        end = time.monotonic() + SLACK_S
        while len(server.server_state) and time.monotonic() < end:  # type: ignore[arg-type]
            time.sleep(0.05)
        assert len(server.server_state) == 0, "a connection is left"  # type: ignore[arg-type]


def test_a_head_in_pieces_during_an_overload_is_not_lost() -> None:
    def reserve_slot(length: int) -> Callable[[], None]:
        raise OverloadedError("The queue is full.", 7)

    with serve("convserve", Settings(), reserve_slot) as (port, _):
        send_upload(port, b"", 5)
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            client.sendall(POST)
            time.sleep(0.06)
            client.sendall(b"Content-Length: 5\r\n\r\n12345")
            assert read_all(client).startswith(b"HTTP/1.1 503 ")


@pytest.mark.parametrize("origins", [(), ("https://shop.example", "https://other.example"), ("*",)], ids=str)
@pytest.mark.parametrize("origin", ["", "https://shop.example", "https://evil.example"])
def test_scripts_of_allowed_origins_may_read_the_rejection(origins: tuple[str, ...], origin: str) -> None:
    """Like the responses of the app. Otherwise a browser reports only that the request failed."""

    def reserve_slot(length: int) -> Callable[[], None]:
        raise OverloadedError("The queue is full.", 7)

    sent = {"Origin": origin} if origin else {}
    app: Any = make_app()
    reply = TestClient(AllowOrigins(app, origins=origins) if origins else app).get("/livez", headers=sent)
    expected = {name: value for name, value in reply.headers.items() if name.startswith("access-control-allow")}
    head = b"".join(b"%s: %s\r\n" % (name.encode(), value.encode()) for name, value in sent.items())
    with serve("convserve", Settings(), reserve_slot, origins) as (port, _):
        answers = [send_upload(port, head, 100) for _ in range(3)]
    for answer in answers:
        assert answer.startswith(b"HTTP/1.1 503 ")
        found = dict(re.findall(r"(access-control-allow[^:]*): ([^\r]*)\r\n", answer.decode()))
        assert found == expected
        assert (b"Retry-After" in answer) == bool(expected)
        policy = b"cross-origin" if origins else b"same-origin"
        assert b"cross-origin-resource-policy: %s\r\n" % policy in answer


def send_upload(port: int, headers: bytes, length: int) -> bytes:
    """The response is read after the whole upload is sent."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(POST + headers + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % length + bytes(length))
        return read_all(client)


def without_date(answer: bytes) -> bytes:
    return re.sub(rb"date: [^\r]*\r\n", b"", answer)
