"""The service as benchmarks of its reliability run it: one process group on one core, the clients on another."""

import asyncio
import contextlib
import io
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

READY_SECONDS = 240  # TensorFlow on a machine that is busy


class Reply(NamedTuple):
    """`status` 0: the connection was refused, reset or closed without an answer."""

    status: int
    started: float
    seconds: float

    @property
    def ended(self) -> float:
        return self.started + self.seconds


class Service:
    """A running service: where it listens, its process, and what it wrote."""

    def __init__(self, port: int, process: subprocess.Popen[bytes], log: Path) -> None:
        self.port = port
        self.process = process
        self.log = log

    async def send(self, request: bytes) -> Reply:
        """On a connection of its own."""
        started = time.perf_counter()
        status = 0
        with contextlib.suppress(OSError, IndexError, ValueError):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**24)
            try:
                writer.write(request)
                status = int((await reader.readline()).split()[1])
                await reader.read()
            finally:
                writer.close()
        return Reply(status, started, time.perf_counter() - started)

    def list_workers(self) -> list[int]:
        """Process ids."""
        return [
            int(pid) for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        ]

    def count_files(self) -> int:
        """Open files, sockets among them."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


@asynccontextmanager
async def run_service(
    stock: bool = False, module: Sequence[str] = ("app", "serve"), **settings: object
) -> AsyncIterator[Service]:
    """Serve with these settings (`stock`: by uvicorn's command) on the first core, and move to the last."""
    cores = sorted(os.sched_getaffinity(0))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "--factory", "app.main:create_app"] if stock else []
    command = command or [sys.executable, "-m", *module]
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("wb") as log:
        process = subprocess.Popen(
            ["taskset", "-c", str(cores[0]), *command, "--port", str(port)],
            env=os.environ | {f"CONVSERVE_{name.upper()}": str(value) for name, value in settings.items()},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        os.sched_setaffinity(0, {cores[-1]})
        service = Service(port, process, Path(log.name))
        try:
            async with asyncio.timeout(READY_SECONDS):
                while (await service.send(make_get("/readyz"))).status != 200:
                    if process.poll() is not None:
                        raise SystemExit(f"The service did not start:\n{service.log.read_text()}")
                    await asyncio.sleep(0.2)
            yield service
        finally:
            os.sched_setaffinity(0, set(cores))
            process.terminate()
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def make_image(side: int) -> bytes:
    """A JPEG with about as much in it as a photograph."""
    noise = np.random.default_rng(0).integers(0, 256, (side // 8, side // 8, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).resize((side, side), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def make_upload(side: int, path: str = "/filter/sharpen") -> bytes:
    """The bytes of a request to filter a square image."""
    image = make_image(side)
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\nContent-Length: {len(image)}"
    return f"{head}\r\nConnection: close\r\n\r\n".encode() + image


def make_get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
