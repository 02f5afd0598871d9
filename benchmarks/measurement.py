"""What a request costs on this machine: seconds of a core in a worker, in the front and in the client, and memory."""

import asyncio
import platform
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
from pydantic import BaseModel

from app.settings import Settings
from app.system import count_cores, find_memory_bytes
from benchmarks.simulation import Demand
from benchmarks.traffic import ImageRequest, Server, list_images, serve

TIMES = 8  # each image
WARM_UP = 2
SETTLE_SECONDS = 0.01  # for what is left to be done once the answer is out


class ImageCost(BaseModel):
    """Seconds of a core for one kind of request, and bytes."""

    name: str
    share: float
    large: bool
    upload_bytes: int
    reply_bytes: int
    worker_s: list[float]
    """Each time that it was measured, alone on the machine."""
    front_s: float
    client_s: float
    refused_front_s: float
    refused_client_s: float


class Profile(BaseModel):
    """A measured machine."""

    machine: str
    measured: str
    cores: int
    memory_gb: float
    images: list[ImageCost]
    busy_slowdown: float
    """By how much work takes longer while every core has a worker at work: they share caches and memory."""
    front_mb: float
    worker_mb: float

    @property
    def shares(self) -> list[float]:
        return [image.share for image in self.images]

    def draw_demand(self, number: int, generator: np.random.Generator, busy: bool, client: bool) -> Demand:
        """What a request for image `number` takes: one of its measured times.

        `busy`: with every core at work. `client`: with the load generator on the same machine.
        """
        cost = self.images[number]
        return Demand(
            worker_s=(self.busy_slowdown if busy else 1) * float(generator.choice(cost.worker_s)),
            front_s=cost.front_s,
            client_s=cost.client_s if client else 0,
            refused_front_s=cost.refused_front_s,
            refused_client_s=cost.refused_client_s if client else 0,
            large=cost.large,
        )

    def average(self, name: str) -> float:
        """The mean over the traffic of a field of ImageCost."""
        return sum(image.share * float(np.mean(getattr(image, name))) for image in self.images)


@dataclass(frozen=True)
class Cost:
    """Of one request, in seconds of a core."""

    worker_s: float
    front_s: float
    client_s: float
    reply_bytes: int


async def measure() -> Profile:
    images = list_images()
    async with serve(workers=1) as server:
        answered = [await _measure_costs(server, image, 200) for image in images]
    async with serve(workers=1, max_waiting=0, max_waiting_large=0) as server:
        refused = [await _measure_costs(server, image, 503) for image in images]
    async with serve(workers=count_cores()) as server:
        slowdown = await _measure_slowdown(server, images, answered)
        front_mb, worker_mb = server.measure_memory_mb()
    return Profile(
        machine=describe_machine(),
        measured=f"{datetime.now(UTC):%Y-%m-%d}",
        cores=count_cores(),
        memory_gb=round(find_memory_bytes() / 1e9, 1),
        images=[
            ImageCost(
                name=image.name,
                share=image.share,
                large=len(image.upload) > Settings().large_upload_bytes,
                upload_bytes=len(image.upload),
                reply_bytes=costs[0].reply_bytes,
                worker_s=[round(cost.worker_s, 5) for cost in costs],
                front_s=_find_median(costs, "front_s"),
                client_s=_find_median(costs, "client_s"),
                refused_front_s=_find_median(costs_of_refusal, "front_s"),
                refused_client_s=_find_median(costs_of_refusal, "client_s"),
            )
            for image, costs, costs_of_refusal in zip(images, answered, refused, strict=True)
        ],
        busy_slowdown=round(slowdown, 3),
        front_mb=round(front_mb),
        worker_mb=round(worker_mb),
    )


async def _measure_costs(server: Server, image: ImageRequest, status: int) -> list[Cost]:
    """TIMES requests, one after another."""
    costs = []
    for turn in range(WARM_UP + TIMES):
        worker_s, front_s, client_s = server.workers_cpu_s, server.front_cpu_s, time.process_time()
        got, reply_bytes = await server.ask(image.request)
        client_s = time.process_time() - client_s
        if got != status:
            raise RuntimeError(f"{image.name} was answered with {got} and not {status}")
        await asyncio.sleep(SETTLE_SECONDS)
        if turn >= WARM_UP:
            costs.append(Cost(server.workers_cpu_s - worker_s, server.front_cpu_s - front_s, client_s, reply_bytes))
    return costs


async def _measure_slowdown(server: Server, images: list[ImageRequest], alone: list[list[Cost]]) -> float:
    """Time in the workers while all of them have work, over what the same images take alone."""

    async def send_all(first: int) -> None:
        for n in range(len(images)):
            await server.ask(images[(first + n) % len(images)].request)

    firsts = [number * len(images) // count_cores() for number in range(count_cores())]
    await asyncio.gather(*(send_all(first) for first in firsts))
    before_s = server.workers_cpu_s
    for _ in range(TIMES // 2):
        await asyncio.gather(*(send_all(first) for first in firsts))
    expected_s = sum(_find_median(costs, "worker_s") for costs in alone) * len(firsts) * (TIMES // 2)
    return (server.workers_cpu_s - before_s) / expected_s


def _find_median(costs: list[Cost], name: str) -> float:
    return round(float(np.median([getattr(cost, name) for cost in costs])), 5)


def describe_machine() -> str:
    """Processor, cores, memory and versions."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return (
        f"{model[1] if model else platform.machine()}, {count_cores()} cores, {find_memory_bytes() / 1e9:.0f} GB; "
        f"Python {platform.python_version()}, TensorFlow {version('tensorflow-cpu')}"
    )
