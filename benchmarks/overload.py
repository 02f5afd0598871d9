"""Ten times the load that the service can carry: what is answered, what is refused, and how soon.

    python -m benchmarks.overload [--seconds 8] [--tries 5] [--side 1200] [--short]

One worker. Requests leave at fixed times whether or not earlier ones have been answered (an open loop), each on a
connection of its own. Capacity is what four clients, each waiting for its answers, get done just before. The service
and the clients are pinned to a core of their own each.
"""

import argparse
import asyncio
import itertools
import statistics
from collections import Counter
from collections.abc import Sequence

import numpy as np

from benchmarks.service import Reply, Service, make_get, make_upload, run_service

FACTORS = (0.5, 1, 2, 10)
FILL_SECONDS = 1  # until the line is full; what is done in this time does not count
CALM_SECONDS = 5
WORKERS_LARGE_AND_SMALL = 2


async def measure_capacity(service: Service, request: bytes, seconds: float) -> float:
    """Answers a second to four clients that each wait for their answer."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds

    async def ask() -> int:
        done = 0
        while loop.time() < end:
            done += (await service.send(request)).status == 200
        return done

    started = loop.time()
    done = sum(await asyncio.gather(*(ask() for _ in range(4))))
    return done / (loop.time() - started)


async def send_at(service: Service, request: bytes, rate: float, seconds: float) -> list[Reply]:
    """Replies to requests that leave at a fixed rate, in requests a second."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    tasks = []
    for number in range(max(1, int(rate * seconds))):
        await asyncio.sleep(max(0, started + number / rate - loop.time()))
        tasks.append(asyncio.create_task(service.send(request)))
    return await asyncio.gather(*tasks)


def find_percentile(replies: Sequence[Reply], percent: float) -> float:
    """In milliseconds."""
    return 1000 * float(np.percentile([reply.seconds for reply in replies], percent)) if replies else 0.0


class Try:
    """What came of one load."""

    def __init__(
        self, factor: float, capacity: float, replies: list[Reply], probes: list[Reply], seconds: float
    ) -> None:
        start = min(reply.started for reply in replies)
        self.done = [reply for reply in replies if reply.status == 200]
        self.refused = [reply for reply in replies if reply.status == 503]
        self.other = Counter(reply.status for reply in replies if reply.status not in (200, 503))
        counted = sum(start + FILL_SECONDS < reply.ended <= start + seconds for reply in self.done)
        self.goodput = counted / (seconds - FILL_SECONDS)
        self.share = self.goodput / min(capacity, factor * capacity)
        self.probes = probes
        self.figures = {
            "goodput / min(capacity, load) %": 100 * self.share,
            "answered p50 ms": find_percentile(self.done, 50),
            "answered p99 ms": find_percentile(self.done, 99),
            "refused p50 ms": find_percentile(self.refused, 50),
            "refused p99 ms": find_percentile(self.refused, 99),
            "/livez p99 ms": find_percentile(probes, 99),
            "lost": float(sum(self.other.values())),
        }


async def try_load(service: Service, request: bytes, factor: float, seconds: float) -> Try:
    capacity = await measure_capacity(service, request, max(2, seconds / 2))
    replies, probes = await asyncio.gather(
        send_at(service, request, factor * capacity, seconds), send_at(service, make_get("/livez"), 10, seconds)
    )
    return Try(factor, capacity, replies, probes, seconds)


def describe_spread(values: Sequence[float]) -> str:
    return f"{min(values):.0f} / {statistics.median(values):.0f} / {max(values):.0f}"


def describe_times(replies: Sequence[Reply]) -> str:
    return f"p50 {find_percentile(replies, 50):.0f}, p99 {find_percentile(replies, 99):.0f} ms"


async def report_overload(side: int, seconds: float, tries: int, factors: Sequence[float]) -> bool:
    """Print min / median / max of the tries for each load. Whether the promise held in the median at the highest."""
    request = make_upload(side)
    async with run_service(workers=1) as service:
        normal = [await service.send(request) for _ in range(10)][5:]
        alone = find_percentile(normal, 50)
        rows: dict[float, list[Try]] = {factor: [] for factor in factors}
        calm = []
        for _, factor in itertools.product(range(tries), factors):
            rows[factor].append(await try_load(service, request, factor, seconds))
            await asyncio.sleep(CALM_SECONDS)
            calm.append(find_percentile([await service.send(request) for _ in range(5)], 50))
    names = list(rows[factors[0]][0].figures)
    print(f"| load | goodput/s | {' | '.join(names)} |\n|{'---|' * (len(names) + 2)}")
    for factor, done in rows.items():
        cells = [describe_spread([one.goodput for one in done])]
        cells += [describe_spread([one.figures[name] for one in done]) for name in names]
        print(f"| {factor:g}x | {' | '.join(cells)} |")
    print(f"\none alone: {alone:.0f} ms; {CALM_SECONDS} s after each load: {describe_spread(calm)} ms")
    highest = rows[factors[-1]]
    middle = {name: statistics.median(one.figures[name] for one in highest) for name in names}
    return (
        middle["goodput / min(capacity, load) %"] >= 90
        and middle["refused p99 ms"] < 50
        and middle["/livez p99 ms"] < 100
        and middle["lost"] == 0
    )


async def report_fairness(seconds: float) -> bool:
    """Small images one after another, alone and beside four clients that send large ones."""
    small, large = make_upload(550), make_upload(4000)
    async with run_service(workers=WORKERS_LARGE_AND_SMALL) as service:
        for request in (small, large):
            await service.send(request)
        loop = asyncio.get_running_loop()

        async def send_until(end: float) -> list[Reply]:
            replies = []
            while loop.time() < end:
                replies.append(await service.send(small))
                await asyncio.sleep(0.05)
            return replies

        alone = await send_until(loop.time() + seconds)
        end = loop.time() + 2 * seconds
        beside, _ = await asyncio.gather(send_until(end), measure_capacity(service, large, 2 * seconds))
    ratio = find_percentile(beside, 99) / find_percentile(alone, 99)
    print(
        f"\nA image of 0.3 MP: {describe_times(alone)} alone, {describe_times(beside)} beside four clients with "
        f"16 MP: p99 {ratio:.1f}x, statuses {dict(Counter(reply.status for reply in beside))}"
    )
    return ratio < 5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--tries", type=int, default=5)
    parser.add_argument("--side", type=int, default=1200, help="of the image in pixels")
    parser.add_argument("--factors", type=float, nargs="+", default=FACTORS)
    parser.add_argument("--short", action="store_true", help="once, at ten times the load, for three seconds")
    given = parser.parse_args()
    if given.short:
        given.seconds, given.tries, given.factors = 3, 1, (10,)
    held = asyncio.run(report_overload(given.side, given.seconds, given.tries, given.factors))
    fair = given.short or asyncio.run(report_fairness(given.seconds))
    return 0 if held and fair else 1


if __name__ == "__main__":
    raise SystemExit(main())
