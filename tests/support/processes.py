"""The toy service in a separate process, for tests of signals and resource limits."""

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
    """Yields process and port of `convserve` or `uvicorn`, with a limit of open `files`."""
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
