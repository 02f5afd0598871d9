"""The simulation beside the real service on one machine: the same requests at the same times."""

import asyncio
import os
import time
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from pydantic import BaseModel

from app.settings import Settings
from benchmarks.load import Arrivals, Ask, Summary, offer, saturate
from benchmarks.measurement import Profile
from benchmarks.simulation import SimulatedService, run_in_virtual_time
from benchmarks.traffic import Server, list_images, serve

T = TypeVar("T")

WORKERS = (1, 2)
LOADS = (0.5, 0.9, 2.0)  # of what the real service does at most
SECONDS = 9  # each
SATURATE_SECONDS = 7
CLIENTS_A_WORKER = 4
SEED = 1


class Load(BaseModel):
    """One load on both."""

    share: float
    """Of the real service's capacity."""
    requests: int
    offered_a_second: float
    others_cores: float | None
    """Cores that programs other than the service and the load generator used meanwhile: they are not simulated."""
    real: Summary
    simulated: Summary | None = None


class Comparison(BaseModel):
    """The service with so many workers."""

    workers: int
    real_capacity: float
    """Answers a second to clients that wait for each of theirs."""
    simulated_capacity: float | None = None
    loads: list[Load]


class Validation(BaseModel):
    machine: str
    measured: str
    comparisons: list[Comparison]


def simulate(
    profile: Profile, workers: int, cores: int, load: Callable[[Ask], Coroutine[Any, Any, T]], client: bool
) -> T:
    """What a load gives on a simulated service; `client`: with the load generator on the same cores."""

    async def run() -> T:
        service = SimulatedService(Settings(workers=workers), cores)
        await service.workers.start()
        generator = np.random.default_rng(SEED)

        async def ask(number: int) -> int:
            return await service.ask(profile.draw_demand(number, generator, busy=workers >= cores, client=client))

        return await load(ask)

    return run_in_virtual_time(run())


def validate(profile: Profile) -> Validation:
    """Takes two minutes, in which nothing else should run on the machine."""
    comparisons = [asyncio.run(_load_real_service(profile, workers)) for workers in WORKERS]
    return Validation(machine=profile.machine, measured=profile.measured, comparisons=comparisons)


async def _load_real_service(profile: Profile, workers: int) -> Comparison:
    requests = [image.request for image in list_images()]
    async with serve(workers=workers) as server:

        async def ask(number: int) -> int:
            status, _ = await server.ask(requests[number])
            if status not in (200, 503):
                raise RuntimeError(f"{status} is neither an answer nor a refusal")
            return status

        capacity = await fill(profile, workers, ask)
        loads = []
        for share in LOADS:
            rate, count = share * capacity, int(share * capacity * SECONDS)
            arrivals = Arrivals.draw(rate, count, profile.shares, SEED)
            started, others_s = time.perf_counter(), read_others_cpu_s(server)
            real = Summary.of(await offer(arrivals, ask))
            others = (read_others_cpu_s(server) - others_s) / (time.perf_counter() - started)
            loads.append(
                Load(share=share, requests=count, offered_a_second=rate, others_cores=round(others, 3), real=real)
            )
    return Comparison(workers=workers, real_capacity=capacity, loads=loads)


def read_others_cpu_s(server: Server) -> float:
    """Seconds of a core that other programs, or other virtual machines on these cores, have had so far."""
    user, nice, system, _, _, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    all_s = (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
    return all_s - server.front_cpu_s - server.workers_cpu_s - time.process_time()


async def fill(profile: Profile, workers: int, ask: Ask) -> float:
    return await saturate(CLIENTS_A_WORKER * workers, SATURATE_SECONDS, profile.shares, SEED, ask)


def add_simulation(profile: Profile, validation: Validation) -> Validation:
    """The simulated half, by what the profile says now."""
    for comparison in validation.comparisons:
        simulate_here = partial(simulate, profile, comparison.workers, profile.cores, client=True)
        comparison.simulated_capacity = simulate_here(partial(fill, profile, comparison.workers))
        for load in comparison.loads:
            arrivals = Arrivals.draw(load.offered_a_second, load.requests, profile.shares, SEED)
            load.simulated = Summary.of(simulate_here(partial(offer, arrivals)))
    return validation.model_copy(update={"machine": profile.machine, "measured": profile.measured})
