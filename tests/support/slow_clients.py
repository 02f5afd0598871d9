"""Clients that stall, each at another stage of a request. The benchmark of slow clients has hundreds of each."""

import contextlib
import socket
import time
from dataclasses import dataclass

POST = b"POST /length HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
REPLY_BYTES = 20_000_000  # more than the kernel's buffers hold


@dataclass(frozen=True)
class SlowClient:
    """Sends `start` at once, and `drip` a byte at a time. `deadline` is the setting of its timeout."""

    name: str
    start: bytes
    drip: bytes = b""
    deadline: str = "stall_seconds"
    status: int = 0
    """Status of the response before the connection is closed; 0 for none."""

    def connect(self, port: int) -> socket.socket:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", port))
        connection.sendall(self.start)
        return connection


def list_kinds(path: str, reading: bytes) -> tuple[SlowClient, ...]:
    """For a service that accepts uploads at `path`, and has a large response to the request `reading`."""
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
    """Send one byte of each dripping client every `every_s`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for kind, connection in clients:
            if kind.drip:
                with contextlib.suppress(OSError):  # the service has closed the connection
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
    """Read until the data ends with `end`."""
    connection.settimeout(20)
    answers = b""
    while not answers.endswith(end):
        part = connection.recv(100_000)
        assert part, answers
        answers += part
    return answers
