"""The traffic that the service is measured and sized with, and the real service under it.

Twelve images of four sizes under three kernels, made here: smooth noise with a little grain, of about the bytes a
pixel that photographs have as JPEG.
"""

import asyncio
import io
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

START_SECONDS = 120
SIZES = {(640, 480): 0.4, (1280, 960): 0.3, (1920, 1080): 0.2, (4000, 3000): 0.1}
"""Width and height in pixels, and the share of the requests."""
KERNELS = ("sharpen", "gaussian", "sobel")


@dataclass(frozen=True)
class ImageRequest:
    """One kind of request."""

    width: int
    height: int
    kernel: str
    share: float

    @property
    def name(self) -> str:
        return f"{self.width}x{self.height} {self.kernel}"

    @cached_property
    def upload(self) -> bytes:
        generator = np.random.default_rng(self.width)
        coarse = Image.fromarray(generator.integers(0, 256, (self.height // 40, self.width // 40, 3), np.uint8))
        smooth = np.asarray(coarse.resize((self.width, self.height), Image.Resampling.BICUBIC), np.float32)
        grain = generator.normal(0, 8, smooth.shape).astype(np.float32)
        buffer = io.BytesIO()
        Image.fromarray((smooth + grain).clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=85)
        return buffer.getvalue()

    @cached_property
    def request(self) -> bytes:
        head = (
            f"POST /filter/{self.kernel} HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
            f"Content-Length: {len(self.upload)}\r\nConnection: close\r\n\r\n"
        )
        return head.encode() + self.upload


def list_images() -> list[ImageRequest]:
    return [ImageRequest(*size, kernel, share / len(KERNELS)) for size, share in SIZES.items() for kernel in KERNELS]


@dataclass(frozen=True)
class Server:
    """A service that runs as a process of its own, with its workers."""

    process: subprocess.Popen[bytes]
    port: int

    async def ask(self, request: bytes) -> tuple[int, int]:
        """(status, bytes of the reply) on a connection of its own; status 0 where it was lost."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**26)
            try:
                writer.write(request)
                reply = await reader.read()
            finally:
                writer.close()
            return int(reply.split(maxsplit=2)[1]), len(reply)
        except (OSError, IndexError):
            return 0, 0

    @property
    def front_cpu_s(self) -> float:
        """Seconds of a core that the process that talks HTTP has had so far."""
        return _read_cpu_s(self.process.pid)

    @property
    def workers_cpu_s(self) -> float:
        """Seconds of a core that all workers have had so far."""
        return sum(_read_cpu_s(pid) for pid in self.worker_pids)

    @cached_property
    def worker_pids(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def measure_memory_mb(self) -> tuple[float, float]:
        """(front, mean of the workers): memory of their own and their part of what is shared."""
        workers_mb = [_read_memory_mb(pid) for pid in self.worker_pids]
        return _read_memory_mb(self.process.pid), sum(workers_mb) / len(workers_mb)


def _read_cpu_s(pid: int) -> float:
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def _read_memory_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1000


@asynccontextmanager
async def serve(**settings: float) -> AsyncIterator[Server]:
    """The service with these settings, once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {f"CONVSERVE_{name.upper()}": str(value) for name, value in settings.items()}
    command = [str(Path(sys.executable).with_name("convserve")), "serve", "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server = Server(process, port)
    try:
        async with asyncio.timeout(START_SECONDS):
            while (await server.ask(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))[0] != 200:
                if process.poll() is not None:
                    raise RuntimeError(f"the service ended with exit status {process.returncode}")
                await asyncio.sleep(0.1)
        yield server
    finally:
        process.terminate()
        process.wait(30)
