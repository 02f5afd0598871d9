"""Two checkouts of the service against each other, in one run: `python -m benchmarks.versions OLD [NEW]`.

Each serves with one worker on a port of its own. One client sends the same requests to one and then to the other, in
rounds of alternating order. Printed are milliseconds per request and of processor time per request (of the HTTP process
and its worker together): medians over the rounds, and the median and range of the ratio new/old of each round.
"""

import argparse
import http.client
import io
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 15
START_SECONDS = 120
CLOCK_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class Case(NamedTuple):
    """One kind of request, and how often a round sends it."""

    name: str
    path: str
    media_type: str
    body: bytes
    repeats: int


class Cost(NamedTuple):
    """Milliseconds per request."""

    wall_ms: float
    cpu_ms: float


def make_photo(width: int, height: int) -> bytes:
    """A JPEG with the smooth areas and the noise of a photograph."""
    generator = np.random.default_rng(width)
    coarse = Image.fromarray(generator.integers(0, 256, (max(2, height // 40), max(2, width // 40), 3), np.uint8))
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), np.float32)
    pixels = (smooth + generator.normal(0, 6, smooth.shape)).clip(0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def make_digit() -> bytes:
    image = Image.new("L", (28, 28), 0)
    ImageDraw.Draw(image).text((8, 2), "3", 255, ImageFont.load_default(22))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def list_cases() -> list[Case]:
    return [
        Case("64x64 JPEG", "/filter/sharpen", "image/jpeg", make_photo(64, 64), 200),
        Case("512x512 JPEG", "/filter/sharpen", "image/jpeg", make_photo(512, 512), 60),
        Case("1920x1080 JPEG", "/filter/sharpen", "image/jpeg", make_photo(1920, 1080), 15),
        Case("one digit", "/classify", "image/png", make_digit(), 100),
    ]


class Service:
    """A checkout that serves."""

    def __init__(self, checkout: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app", "serve", "--port", str(self.port)],
            cwd=checkout,
            env=os.environ | {"PYTHONPATH": str(checkout), "CONVSERVE_WORKERS": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def connect(self) -> http.client.HTTPConnection:
        end = time.monotonic() + START_SECONDS
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            try:
                connection.request("GET", "/readyz")
                if connection.getresponse().read():
                    return connection
            except OSError:
                if time.monotonic() > end or self.process.poll() is not None:
                    raise SystemExit(f"the service of port {self.port} does not start") from None
                time.sleep(0.2)

    @property
    def cpu_s(self) -> float:
        """Of the HTTP process and its workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        stats = [
            Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in (self.process.pid, *children)
        ]
        return sum(int(stat[11]) + int(stat[12]) for stat in stats) / CLOCK_TICKS_PER_SECOND

    def measure(self, connection: http.client.HTTPConnection, case: Case) -> Cost:
        cpu_s, started = self.cpu_s, time.perf_counter()
        for _ in range(case.repeats):
            connection.request("POST", case.path, case.body, {"Content-Type": case.media_type})
            reply = connection.getresponse()
            reply.read()
            if reply.status != 200:
                raise SystemExit(f"{case.name}: status {reply.status}")
        wall_s = time.perf_counter() - started
        return Cost(1000 * wall_s / case.repeats, 1000 * (self.cpu_s - cpu_s) / case.repeats)


@contextmanager
def run_service(checkout: Path) -> Iterator[Service]:
    service = Service(checkout)
    try:
        yield service
    finally:
        service.process.terminate()
        service.process.wait()


def describe_ratios(old: list[float], new: list[float]) -> str:
    ratios = sorted(b / a for a, b in zip(old, new, strict=True) if a)
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})" if ratios else "-"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path, nargs="?", default=ROOT)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    with run_service(arguments.old.resolve()) as old, run_service(arguments.new.resolve()) as new:
        services = {"old": old, "new": new}
        connections = {name: service.connect() for name, service in services.items()}
        for case in list_cases():
            costs: dict[str, list[Cost]] = {"old": [], "new": []}
            for number in range(arguments.rounds + 1):
                for name in ("old", "new") if number % 2 else ("new", "old"):
                    costs[name].append(services[name].measure(connections[name], case))
            for kept in costs.values():
                del kept[0]  # the warm-up
            for index, label in enumerate(("ms", "CPU ms")):
                before, after = ([cost[index] for cost in costs[name]] for name in ("old", "new"))
                medians = f"{statistics.median(before):8.2f} {statistics.median(after):8.2f}"
                print(f"{case.name:15} {label:7} {medians}   new/old {describe_ratios(before, after)}", flush=True)


if __name__ == "__main__":
    main()
