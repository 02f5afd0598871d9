"""Load on a service, real or simulated: at times of its own (open loop), or as fast as answers come (closed loop)."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

import numpy as np

Ask = Callable[[int], Awaitable[int]]
"""Sends request `number` of a list and gives the status."""


@dataclass(frozen=True)
class Reply:
    status: int
    arrived_s: float
    waited_s: float

    @property
    def ended_s(self) -> float:
        return self.arrived_s + self.waited_s


@dataclass(frozen=True)
class Arrivals:
    """When requests come, and which: the same for whoever is compared."""

    times_s: list[float]
    numbers: list[int]

    @classmethod
    def draw(cls, rate: float, count: int, shares: list[float], seed: int) -> "Arrivals":
        """A Poisson stream of `rate` a second; request `n` is a part `shares[n]` of it."""
        generator = np.random.default_rng(seed)
        times = np.cumsum(generator.exponential(1 / rate, count))
        return cls(times.tolist(), generator.choice(len(shares), count, p=shares).tolist())


async def offer(arrivals: Arrivals, ask: Ask) -> list[Reply]:
    """Send each request at its time, whether or not earlier ones are answered. Waiting counts from that time."""
    loop = asyncio.get_running_loop()
    started = loop.time()

    async def send(at_s: float, number: int) -> Reply:
        status = await ask(number)
        return Reply(status, at_s, loop.time() - started - at_s)

    tasks = []
    for at_s, number in zip(arrivals.times_s, arrivals.numbers, strict=True):
        await asyncio.sleep(started + at_s - loop.time())
        tasks.append(asyncio.create_task(send(at_s, number)))
    return list(await asyncio.gather(*tasks))


async def saturate(clients: int, seconds: float, shares: list[float], seed: int, ask: Ask) -> float:
    """Answers a second to clients that each send their next request when they have their answer."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    numbers = _choose_for_ever(shares, seed)
    done = 0

    async def send_on() -> None:
        nonlocal done
        while loop.time() < started + seconds:
            status = await ask(next(numbers))
            done += status == 200

    await asyncio.gather(*(send_on() for _ in range(clients)))
    return done / (loop.time() - started)


def _choose_for_ever(shares: list[float], seed: int) -> Iterator[int]:
    generator = np.random.default_rng(seed)
    while True:
        yield from generator.choice(len(shares), 1000, p=shares).tolist()


@dataclass(frozen=True)
class Summary:
    """Of an open loop. Answers a second are counted until the last arrival; percentiles are of what was answered."""

    answered_a_second: float
    p50_ms: float
    p99_ms: float
    refused_share: float

    @classmethod
    def of(cls, replies: list[Reply]) -> "Summary":
        end_s = replies[-1].arrived_s
        answered = [reply for reply in replies if reply.status == 200]
        waits = [1000 * reply.waited_s for reply in answered] or [0.0]
        return cls(
            answered_a_second=sum(reply.ended_s <= end_s for reply in answered) / end_s,
            p50_ms=float(np.percentile(waits, 50)),
            p99_ms=float(np.percentile(waits, 99)),
            refused_share=1 - len(answered) / len(replies),
        )
