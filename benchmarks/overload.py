"""Ten times the load that the service can carry: what is answered, what is refused, and how soon.

    python -m benchmarks.overload [--seconds 10] [--side 1200]

The service runs with one worker; requests leave at fixed times whether or not earlier ones have been answered (an open
loop: clients do not wait for each other). Capacity is what four clients, one after another, get done. Server and
client are pinned to cores of their own where there are two.
"""

import argparse
import asyncio
import io
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

PORT = 9150
FACTORS = (0.5, 1, 2, 10)


def make_request(side: int) -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (side // 8, side // 8, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).resize((side, side), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=90)
    body = buffer.getvalue()
    head = (
        f"POST /filter/sharpen HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\nContent-Length: {len(body)}"
    )
    return f"{head}\r\nConnection: close\r\n\r\n".encode() + body


async def send(request: bytes) -> tuple[int, float]:
    """(status, seconds); status 0 for a connection that was lost."""
    started = time.perf_counter()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", PORT, limit=2**24)
        try:
            writer.write(request)
            status = int((await reader.readline()).split()[1])
            await reader.read()
        finally:
            writer.close()
    except (OSError, IndexError):
        status = 0
    return status, time.perf_counter() - started


async def measure_capacity(request: bytes, seconds: float) -> float:
    """Answers a second to four clients that each wait for their answer."""
    end = time.perf_counter() + seconds
    done = 0

    async def ask() -> None:
        nonlocal done
        while time.perf_counter() < end:
            status, _ = await send(request)
            done += status == 200

    started = time.perf_counter()
    await asyncio.gather(*(ask() for _ in range(4)))
    return done / (time.perf_counter() - started)


async def load(request: bytes, rate: float, seconds: float) -> tuple[list[tuple[int, float]], list[float]]:
    """Replies at a fixed rate, and how long /livez took meanwhile, five times a second."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    tasks, probes = [], []
    alive = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0, started + number / rate - loop.time()))
        tasks.append(asyncio.create_task(send(request)))
        if loop.time() - started > len(probes) / 5:
            probes.append(asyncio.create_task(send(alive)))
    replies = await asyncio.gather(*tasks)
    return replies, [spent for _, spent in await asyncio.gather(*probes)]


def find_percentile(values: list[float], percent: float) -> float:
    return 1000 * float(np.percentile(values, percent)) if values else 0.0


async def report(request: bytes, seconds: float) -> None:
    for _ in range(240):
        if (await send(request))[0] == 200:
            break
        await asyncio.sleep(0.5)
    await measure_capacity(request, 2)
    capacity = await measure_capacity(request, seconds)
    print(f"capacity {capacity:.1f} a second\n")
    print("| load | answered a second | of capacity | p50, p99 ms | refused | p50, p99 ms | other | /livez p99 ms |")
    print("|---|---|---|---|---|---|---|---|")
    for factor in FACTORS:
        replies, probes = await load(request, factor * capacity, seconds)
        done = [spent for status, spent in replies if status == 200]
        refused = [spent for status, spent in replies if status == 503]
        other = Counter(status for status, _ in replies if status not in (200, 503))
        goodput = len(done) / (seconds + (max(done, default=0) if factor >= 1 else 0))
        print(
            f"| {factor}x | {goodput:.1f} | {100 * goodput / capacity:.0f} % | {find_percentile(done, 50):.0f}, "
            f"{find_percentile(done, 99):.0f} | {len(refused)} | {find_percentile(refused, 50):.0f}, "
            f"{find_percentile(refused, 99):.0f} | {dict(other) or 0} | {find_percentile(probes, 99):.0f} |",
            flush=True,
        )
        await asyncio.sleep(5)
        spent = [(await send(request))[1] for _ in range(5)]
        print(f"five seconds later: {1000 * float(np.median(spent)):.0f} ms", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--side", type=int, default=1200, help="of the picture in pixels")
    given = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    command = [str(Path(sys.executable).with_name("convserve")), "serve", "--port", str(PORT)]
    server = subprocess.Popen(
        ["taskset", "-c", str(cores[0]), *command],
        env=os.environ | {"CONVSERVE_WORKERS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.sched_setaffinity(0, {cores[-1]})
    try:
        asyncio.run(report(make_request(given.side), given.seconds))
    finally:
        server.terminate()
        server.wait(30)


if __name__ == "__main__":
    main()
