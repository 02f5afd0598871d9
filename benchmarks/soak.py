"""Thousands of unlike requests, one in a hundred hostile: does the service grow?

    python -m benchmarks.soak [--requests 20000] [--max-side 320] [--workers 2] [--seed 1]
    python -m benchmarks.soak --short                       # 300 requests to one worker; memory is not judged

Sizes, formats, borders, kernels and digits are random, two clients ask at once. After every twentieth of the requests
are noted: memory of all processes (PSS), file handles, files in the temporary folder, and how many functions
TensorFlow has traced. A fixed request is asked ever again, and its reply must stay the same to the byte.

It passes when every status is right and, over the second half, memory grows by less than 2 % and the rest not at all.
The first half is for the caches to fill: oneDNN keeps what it has prepared for some 1,100 shapes.
"""

import argparse
import http.client
import os
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from benchmarks.observed import TRACED_PATH
from tests.support.service import RunningService, run_service
from tests.support.traffic import Ask, Traffic

MAX_GROWTH = 0.02
CLIENTS = 2
SERVICE = ("-m", "benchmarks.observed", "{port}")


@dataclass(frozen=True)
class Plan:
    """What is asked. The short one, of CI, judges all but memory, and has more of what is hostile."""

    requests: int
    samples: int = 20
    workers: int = 2
    max_side_px: int = 320
    hostile_share: float = 0.01
    seed: int = 1


SHORT = Plan(requests=300, samples=6, workers=1, hostile_share=0.1)


@dataclass(frozen=True)
class Sample:
    requests: int
    memory_mb: float
    handles: int
    temporary_files: int
    traced: int
    processes: tuple[int, ...]


@dataclass(frozen=True)
class Verdict:
    samples: list[Sample]
    statuses: Counter[int]
    wrong: list[str]

    @property
    def growth(self) -> float:
        """Memory at the end over memory at half time, less 1; each the mean of three samples."""
        middle = len(self.samples) // 2
        before, after = self.samples[middle - 1 : middle + 2], self.samples[-3:]
        mean = [sum(sample.memory_mb for sample in part) / len(part) for part in (before, after)]
        return mean[1] / mean[0] - 1

    @property
    def complaints(self) -> list[str]:
        """But for memory, which only a long run can judge."""
        half, last = self.samples[len(self.samples) // 2], self.samples[-1]
        lost = {process for sample in self.samples for process in sample.processes} - {*last.processes}
        return (self.wrong + [f"processes that have ended: {lost}"] * bool(lost)) + [
            f"{name}: {getattr(half, name)} at half time, {getattr(last, name)} at the end"
            for name in ("handles", "temporary_files", "traced")
            if getattr(last, name) > getattr(half, name)
        ]


def soak(plan: Plan) -> Verdict:
    traffic = Traffic(plan.seed, plan.max_side_px, plan.hostile_share)
    statuses: Counter[int] = Counter()
    wrong: list[str] = []
    with run_service(SERVICE, workers=plan.workers) as service:
        fixed = Traffic(plan.seed + 1, 64, 0).make(0)
        expected = ask(service.port, fixed)[1]

        def run(number: int) -> None:
            request = traffic.make(number)
            status, body = ask(service.port, request)
            statuses[status] += 1
            if not request.accepts(status):
                wrong.append(f"request {number}, {request}: {status} {body[:200]!r}")

        samples = []
        with ThreadPoolExecutor(CLIENTS) as clients:
            for part in range(plan.samples):
                done, end = (plan.requests * number // plan.samples for number in (part, part + 1))
                list(clients.map(run, range(done, end)))
                if ask(service.port, fixed)[1] != expected:
                    wrong.append(f"after {end} requests the fixed one has another reply")
                samples.append(take_sample(service, end))
                print_sample(samples[-1])
    return Verdict(samples, statuses, wrong)


def ask(port: int, request: Ask) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request("POST", request.path, request.body, {"Content-Type": request.media_type})
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


def take_sample(service: RunningService, requests: int) -> Sample:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=120)
    connection.request("GET", TRACED_PATH)
    traced = int(connection.getresponse().read())
    connection.close()
    time.sleep(0.5)  # for the sockets to be gone
    files = len(os.listdir(service.temporary_folder))
    memory, handles, processes = service.measure_memory_mb(), service.count_handles(), service.list_processes()
    return Sample(requests, memory, handles, files, traced, tuple(processes))


def print_sample(sample: Sample) -> None:
    print(
        f"| {sample.requests} | {sample.memory_mb:.0f} | {sample.handles} | {sample.temporary_files} "
        f"| {sample.traced} |",
        flush=True,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--max-side", type=int, default=Plan.max_side_px, help="of an image in pixels")
    parser.add_argument("--workers", type=int, default=Plan.workers)
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--short", action="store_true", help=f"as CI runs it: {SHORT}")
    given = parser.parse_args()
    print("| requests | memory MB | file handles | temporary files | traced functions |\n|---|---|---|---|---|")
    started = time.monotonic()
    plan = Plan(given.requests, workers=given.workers, max_side_px=given.max_side, seed=given.seed)
    verdict = soak(SHORT if given.short else plan)
    complaints = verdict.complaints
    if not given.short and verdict.growth > MAX_GROWTH:
        complaints.append(f"memory grew by {100 * verdict.growth:.1f} % in the second half")
    print(f"\n{verdict.statuses.total()} requests in {time.monotonic() - started:.0f} s: {dict(verdict.statuses)}")
    print(f"memory in the second half: {100 * verdict.growth:+.1f} %")
    print("\n".join(["FAILED", *complaints]) if complaints else "passed")
    return int(bool(complaints))


if __name__ == "__main__":
    sys.exit(main())
