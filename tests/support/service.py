"""The service as an operator starts it: `convserve serve` in a separate process, with real sockets."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 180  # on a machine with a load of 20


@dataclass(frozen=True)
class RunningService:
    """A service that is ready. `log` holds its output; no other process uses its `temporary_folder`."""

    port: int
    process: "subprocess.Popen[bytes]"
    log: Path
    temporary_folder: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def list_processes(self) -> list[int]:
        """The HTTP process, then its workers."""
        return [self.process.pid, *sorted(find_children(self.process.pid))]

    def count_handles(self) -> int:
        return sum(len(os.listdir(f"/proc/{process}/fd")) for process in self.list_processes())

    def measure_memory_mb(self) -> float:
        return sum(read_pss_mb(process) for process in self.list_processes())


@contextmanager
def run_service(
    command: Sequence[str] = ("-m", "app", "serve", "--port", "{port}"), **settings: object
) -> Iterator[RunningService]:
    """Start a service with these CONVSERVE_ settings, and wait until it is ready. SIGTERM at the end."""
    port = find_free_port()
    with tempfile.TemporaryDirectory() as folder:
        log, temporary_folder = Path(folder, "log"), Path(folder, "tmp")
        temporary_folder.mkdir()
        variables = {f"CONVSERVE_{name.upper()}": str(value) for name, value in settings.items()}
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, *(part.format(port=port) for part in command)],
                env=os.environ | {"TMPDIR": str(temporary_folder), "PYTHONUNBUFFERED": "1"} | variables,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        service = RunningService(port, process, log, temporary_folder)
        try:
            wait_until_ready(service)
            yield service
        finally:
            process.terminate()
            process.wait(60)


def find_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


def wait_until_ready(service: RunningService) -> None:
    request = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if service.process.poll() is not None:
            break
        try:
            with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
                connection.sendall(request)
                if connection.recv(100).startswith(b"HTTP/1.1 200"):
                    return
        except OSError:
            pass
        time.sleep(0.1)
    raise RuntimeError(f"the service did not become ready\n{service.log.read_text()}")


def find_children(process: int) -> Iterator[int]:
    for task in Path(f"/proc/{process}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield int(child)
            yield from find_children(int(child))


def read_pss_mb(process: int) -> float:
    """Proportional set size: shared pages are divided among the processes that share them."""
    for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"process {process} has no memory")
