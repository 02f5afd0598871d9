"""The shutdown loses no accepted connection. Stock uvicorn loses some."""

import http.client
import signal
import socket
import subprocess
import time
from collections import Counter

import pytest

from tests.support.processes import run_toy_service
from tests.support.restarts import ask_all_along
from tests.support.slow_clients import POST, read_all, read_answers


def read_counts(process: subprocess.Popen[str]) -> tuple[int, int]:
    """Started and finished requests of a service that has ended."""
    assert process.stdout is not None
    lines = process.stdout.read().split("\n")
    started, finished = lines[-2].split()
    return int(started), int(finished)


def post(connection: http.client.HTTPConnection) -> bool:
    connection.request("POST", "/length?seconds=0.002", b"12345")
    with connection.getresponse() as reply:
        return reply.read() == b"5"


def stop_under_load(kind: str) -> Counter[str]:
    with run_toy_service(kind, CONVSERVE_DRAIN_SECONDS="10") as (process, port):
        outcomes = ask_all_along(port, 16, post, process.terminate, 0.5)
        status = process.wait(20)
        if kind == "convserve":
            assert status == 0
            started, finished = read_counts(process)
            assert started == finished == outcomes["answered"]
    return outcomes


def test_a_shutdown_under_load_loses_no_accepted_request() -> None:
    for _ in range(4):
        outcomes = stop_under_load("convserve")
        assert outcomes["answered"] > 50
        assert outcomes["lost"] == outcomes["wrong"] == 0, outcomes


def test_stock_uvicorn_loses_some() -> None:
    assert any(stop_under_load("uvicorn")["lost"] for _ in range(6))


def test_requests_in_work_are_finished_and_slow_clients_do_not_delay_the_end() -> None:
    settings = {"CONVSERVE_DRAIN_SECONDS": "0.3", "CONVSERVE_GRACEFUL_SECONDS": "2"}
    with run_toy_service("convserve", None, **settings) as (process, port):
        dripping, stalled, working, idle = (socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(4))
        dripping.sendall(POST)
        stalled.sendall(POST + b"Content-Length: 1000\r\n\r\nabc")
        working.sendall(POST.replace(b"/length", b"/length?seconds=1") + b"Content-Length: 3\r\n\r\nabc")
        idle.sendall(POST + b"Content-Length: 1\r\n\r\na")
        assert idle.recv(12) == b"HTTP/1.1 200"
        started = time.monotonic()
        process.terminate()
        answer = read_all(working)
        assert answer.endswith(b"\r\n\r\n3")
        assert b"connection: close" in answer
        assert process.wait(20) == 0
        assert 2 <= time.monotonic() - started < 8
        for connection in (dripping, stalled, working, idle):
            connection.close()


def test_requests_on_open_connections_are_accepted_during_the_drain() -> None:
    with run_toy_service("convserve", CONVSERVE_DRAIN_SECONDS="10") as (process, port):
        silent, idle = (socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(2))
        idle.sendall(POST + b"Content-Length: 1\r\n\r\na")
        read_answers(idle, b"\r\n\r\n1")
        process.terminate()
        while True:  # until new connections are refused
            try:
                socket.create_connection(("127.0.0.1", port)).close()
            except ConnectionRefusedError:
                break
        for connection in (silent, idle):
            connection.sendall(POST + b"Content-Length: 2\r\n\r\nab")
            answer = read_all(connection)
            assert answer.endswith(b"\r\n\r\n2")
            assert b"connection: close" in answer
            connection.close()
        started = time.monotonic()
        assert process.wait(20) == 0
        assert time.monotonic() - started < 5, "without connections it does not wait for the end of the drain"


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_the_process_at_once(first: signal.Signals) -> None:
    with run_toy_service("convserve") as (process, port), socket.create_connection(("127.0.0.1", port)) as working:
        working.sendall(POST.replace(b"/length", b"/length?seconds=60") + b"Content-Length: 0\r\n\r\n")
        time.sleep(0.3)
        process.send_signal(first)
        time.sleep(0.3)
        assert process.poll() is None
        process.terminate()
        assert process.wait(5) == 0
