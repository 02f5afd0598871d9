"""The service on Ray Serve beside the service alone, both on this machine: answers a second and waiting times.

    python -m benchmarks.ray_serving [--seconds 10] [--clients 8]

Each client asks as soon as it has its answer. How soon a lost replica or node is replaced, and what that costs, is
printed by `pytest tests/app/cluster/test_serving.py -s`.
"""

import argparse
import http.client
import io
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

PORT = 9170
ENGINES = ("local", "ray")


def draw(side: int) -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (max(1, side // 8), max(1, side // 8), 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).resize((side, side), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


WORK = {
    "256x256 /filter/sharpen": ("/filter/sharpen", draw(256)),
    "1200x1200 /filter/sharpen": ("/filter/sharpen", draw(1200)),
    "28x28 /classify": ("/classify", draw(28)),
    "/livez": ("/livez", b""),
}


def ask(path: str, body: bytes, end: float, replies: list[tuple[int, float]]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
    while time.perf_counter() < end:
        started = time.perf_counter()
        connection.request(
            "POST" if body else "GET", path, body or None, {"Content-Type": "image/jpeg"} if body else {}
        )
        reply = connection.getresponse()
        reply.read()
        replies.append((reply.status, time.perf_counter() - started))
    connection.close()


def load(path: str, body: bytes, clients: int, seconds: float) -> str:
    replies: list[tuple[int, float]] = []
    started = time.perf_counter()
    threads = [threading.Thread(target=ask, args=(path, body, started + seconds, replies)) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spent = time.perf_counter() - started
    waits = [1000 * wait for status, wait in replies if status == 200]
    other = Counter(status for status, _ in replies if status != 200)
    p50, p99 = np.percentile(waits, (50, 99)) if waits else (0, 0)
    return f"{len(waits) / spent:.1f} | {p50:.0f}, {p99:.0f} | {dict(other) or 0} |"


def wait_until_ready(server: subprocess.Popen[bytes]) -> None:
    while server.poll() is None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=5)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise SystemExit("the service did not start")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--clients", type=int, default=8)
    given = parser.parse_args()
    print("| on | work | answers a second | p50, p99 ms | other statuses |\n|---|---|---|---|---|")
    for on in ENGINES:
        command = [str(Path(sys.executable).with_name("convserve")), "serve", "--on", on, "--port", str(PORT)]
        started = time.perf_counter()
        quiet = subprocess.DEVNULL
        server = subprocess.Popen(
            command, env=os.environ | {"CONVSERVE_LOG_LEVEL": "error"}, stdout=quiet, stderr=quiet
        )
        try:
            wait_until_ready(server)
            print(f"| {on} | ready after {time.perf_counter() - started:.1f} s | | | |", flush=True)
            for name, (path, body) in WORK.items():
                load(path, body, given.clients, min(given.seconds, 8))  # warm, and scaled up
                print(f"| {on} | {name} | {load(path, body, given.clients, given.seconds)}", flush=True)
        finally:
            server.terminate()
            server.wait(60)


if __name__ == "__main__":
    main()
