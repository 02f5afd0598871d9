"""Clients that stall, each somewhere else in a request. The benchmark of slow clients has hundreds of each."""

import contextlib
import socket
import time
from dataclasses import dataclass

POST = b"POST /length HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
REPLY_BYTES = 20_000_000  # more than the kernel's buffers take


@dataclass(frozen=True)
class SlowClient:
    """What is sent at once and, a byte at a time, from then on. `deadline` is the setting that is to end it."""

    name: str
    start: bytes
    drip: bytes = b""
    deadline: str = "stall_seconds"
    status: int = 0
    """Of the answer before the end; 0 for none."""

    def connect(self, port: int) -> socket.socket:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", port))
        connection.sendall(self.start)
        return connection


def list_kinds(path: str, reading: bytes) -> tuple[SlowClient, ...]:
    """For a service that takes uploads at `path` and answers the request `reading` at length."""
    post = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n".encode()
    return (
        SlowClient("silent", b"", deadline="header_seconds"),
        SlowClient("half a head", post[:40], deadline="header_seconds", status=408),
        SlowClient("dripping head", post, b"x", deadline="header_seconds", status=408),
        SlowClient("stalled body", post + b"Content-Length: 1000000\r\n\r\n" + bytes(1000), status=408),
        SlowClient("dripping body", post + b"Content-Length: 1000000\r\n\r\n", b"x", status=408),
        SlowClient("unfinished chunk", post + b"Transfer-Encoding: chunked\r\n\r\nff\r\nabc", status=408),
        SlowClient("slow reader", reading, status=200),
        SlowClient(
            "idle", b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", deadline="keep_alive_seconds", status=200
        ),
    )


KINDS = list_kinds("/length", b"GET /zeros?bytes=%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % REPLY_BYTES)


def drip(clients: list[tuple[SlowClient, socket.socket]], seconds: float, every_s: float) -> None:
    """Let those drip that do."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for kind, connection in clients:
            if kind.drip:
                with contextlib.suppress(OSError):  # it has been closed
                    connection.send(kind.drip)
        time.sleep(every_s)


def read_all(connection: socket.socket) -> bytes:
    connection.settimeout(20)
    answer = b""
    try:
        while part := connection.recv(1_000_000):
            answer += part
    except ConnectionResetError:
        pass
    return answer


def read_answers(connection: socket.socket, end: bytes) -> bytes:
    """Up to and with `end`."""
    connection.settimeout(20)
    answers = b""
    while not answers.endswith(end):
        part = connection.recv(100_000)
        assert part, answers
        answers += part
    return answers
