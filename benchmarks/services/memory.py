"""Memory and CPU as images and requests grow: one worker, started anew."""

import math
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
from PIL import Image

from benchmarks.services.machine import measure_tree, reset_peaks
from benchmarks.services.servers import Request, Running, Server, ask, build_own_request
from benchmarks.services.works import ImageWork

MEGAPIXELS = {0.3: (640, 480), 2: (1920, 1080), 12: (4000, 3000), 24: (6000, 4000), 50: (8640, 5760)}
UPLOADS = 10
ENOUGH_MP = 24  # CPU time is counted in hundredths of a second
ROUNDS = 3


def measure_memory(server: Server, photo: Image.Image) -> dict[str, Any]:
    """Peaks over idle in MB: of one 12 MP request, of ten at once; and what the ten were answered."""
    file, request = make_request(photo, MEGAPIXELS[12])
    _, small = make_request(photo, (64, 64))
    pixels = math.prod(MEGAPIXELS[12])
    with server.run(1) as running:
        for _ in range(3):
            ask(running, small)
        idle_mb = measure_tree(running.pid).rss_mb
        reset_peaks(running.pid)
        ask(running, request)
        one_mb = measure_tree(running.pid).peak_mb - idle_mb
        reset_peaks(running.pid)
        with ThreadPoolExecutor(UPLOADS) as pool:
            statuses = Counter(pool.map(lambda _: ask_status(running, request), range(UPLOADS)))
        ten_mb = measure_tree(running.pid).peak_mb - idle_mb
    return {
        "idle_mb": round(idle_mb),
        "upload_mb": round(len(file) / 1e6, 2),
        "one_mb": round(one_mb, 1),
        "one_bytes_a_pixel": round(1e6 * one_mb / pixels, 2),
        "ten_mb": round(ten_mb, 1),
        "ten_without_uploads_over_one": round((ten_mb - (UPLOADS - 1) * len(file) / 1e6) / one_mb, 2),
        "ten_statuses": {str(status): count for status, count in sorted(statuses.items())},
    }


def measure_growth(server: Server, photo: Image.Image) -> dict[str, dict[str, float]]:
    """CPU ms of the whole tree for one request, by megapixels; the least of a few tries."""
    costs = {}
    with server.run(1) as running:
        for megapixels, size in MEGAPIXELS.items():
            _, request = make_request(photo, size)
            ask(running, request)
            count = math.ceil(ENOUGH_MP / megapixels)
            spent = []
            for _ in range(ROUNDS):
                before = measure_tree(running.pid).cpu_s
                for _ in range(count):
                    ask(running, request)
                spent.append(1000 * (measure_tree(running.pid).cpu_s - before) / count)
            exact_mp = math.prod(size) / 1e6
            costs[f"{megapixels:g} MP"] = {
                "cpu_ms": round(min(spent), 1),
                "cpu_ms_a_megapixel": round(min(spent) / exact_mp, 2),
            }
    return costs


def make_request(photo: Image.Image, size: tuple[int, int]) -> tuple[bytes, Request]:
    work = ImageWork("", (), size=size)
    file = work.make_file(photo)
    return file, build_own_request(work, file)


def ask_status(running: Running, request: Request) -> int:
    reply = httpx.post(running.url + request.path, content=request.body, headers=request.headers, timeout=120)
    return reply.status_code


def find_growth(costs: dict[str, dict[str, float]]) -> float:
    """How much more a pixel costs in the larger images, where it costs most, than at 2 MP.

    In a smaller one what every request costs counts for more.
    """
    larger = [one["cpu_ms_a_megapixel"] for name, one in costs.items() if float(name.split()[0]) > 2]
    return round(max(larger) / costs["2 MP"]["cpu_ms_a_megapixel"], 2)
