"""The toy service in a process of its own: signals and limits are for processes."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def run_toy_service(
    kind: str, files: int | None = None, **settings: str
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Process and port of `convserve` or `uvicorn`, which may open so many files."""
    command = [sys.executable, "-m", "tests.support.toy_service", kind]
    process = subprocess.Popen(
        ["sh", "-c", f'ulimit -n {files or "$(ulimit -n)"}; exec "$@"', "sh", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | settings,
    )
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        while True:
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                if connection.recv(12) == b"HTTP/1.1 200":
                    break
        yield process, port
    finally:
        process.kill()
        process.communicate()
