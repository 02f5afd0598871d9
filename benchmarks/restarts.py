"""Stop the service under load, and kill its workers under load: what is lost, and how soon it is whole again.

    python -m benchmarks.restarts [--stops 10] [--kills 10] [--short] [--stock]

Half of the clients have a connection for each request, half keep theirs. --stock asks the same of uvicorn's command.
"""

import argparse
import asyncio
import http.client
import json
import os
import signal
import statistics
import threading
import time
from collections import Counter

from benchmarks.service import Service, make_image, run_service
from tests.support.restarts import ask_all_along, ask_until_refused

CLIENTS = 8
IMAGE = make_image(400)
LOAD_SECONDS = 2


def filter_image(connection: http.client.HTTPConnection) -> bool:
    connection.request("POST", "/filter/blur", IMAGE, {"Content-Type": "image/jpeg"})
    with connection.getresponse() as reply:
        return reply.read()[:2] == b"\xff\xd8" and reply.status == 200


def count_warm_workers(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/readyz")
    with connection.getresponse() as reply:
        answer = json.loads(reply.read())
    connection.close()
    return int(answer.get("workers", 0))


async def report_stops(stops: int, stock: bool) -> bool:
    total: Counter[str] = Counter()
    seconds, statuses = [], set()
    for _ in range(stops):
        async with run_service(stock, workers=1) as service:
            stopped = 0.0

            def stop(process: int = service.process.pid) -> None:
                nonlocal stopped
                stopped = time.monotonic()
                os.kill(process, signal.SIGTERM)

            total += await asyncio.to_thread(ask_all_along, service.port, CLIENTS, filter_image, stop, LOAD_SECONDS)
            statuses.add(await asyncio.to_thread(service.process.wait, 60))
            seconds.append(time.monotonic() - stopped)
    print(
        f"| {stops} SIGTERMs, {CLIENTS} clients | {total['answered']} answered, {total['lost']} lost, "
        f"{total['wrong']} wrong | ended after {min(seconds):.1f} to {max(seconds):.1f} s, status {sorted(statuses)} |"
    )
    return not total["lost"] and not total["wrong"] and statuses == {0}


async def report_kills(kills: int, warm_within_s: float = 15) -> bool:
    """Two workers; the next one is killed when both are warm again."""
    async with run_service(workers=2, max_waiting=CLIENTS) as service:
        outcomes: Counter[str] = Counter()
        clients = [
            threading.Thread(
                target=ask_until_refused, args=(service.port, number % 2 == 0, filter_image, outcomes), daemon=True
            )
            for number in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        lost, seconds = await asyncio.to_thread(kill_workers, service, kills, outcomes)
        service.process.terminate()
        for client in clients:
            await asyncio.to_thread(client.join, 60)
    print(
        f"| {kills} workers killed, {CLIENTS} clients | {outcomes['answered']} answered, {sum(lost)} lost, at most "
        f"{max(lost)} a kill | both warm after {min(seconds):.1f} / {statistics.median(seconds):.1f} / "
        f"{max(seconds):.1f} s |"
    )
    return max(lost) <= 1 and max(seconds) < warm_within_s


def kill_workers(service: Service, kills: int, outcomes: Counter[str]) -> tuple[list[int], list[float]]:
    """For each kill: requests that were not answered with an image, and seconds until both workers were warm."""
    lost, seconds = [], []
    for number in range(kills):
        time.sleep(LOAD_SECONDS)
        before = outcomes["wrong"] + outcomes["lost"]
        started = time.monotonic()
        killed = service.list_workers()[number % 2]
        os.kill(killed, signal.SIGKILL)
        while killed in service.list_workers() or count_warm_workers(service.port) < 2:
            time.sleep(0.1)
        seconds.append(time.monotonic() - started)
        lost.append(outcomes["wrong"] + outcomes["lost"] - before)
    return lost, seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stops", type=int, default=10)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--short", action="store_true", help="one of each")
    parser.add_argument("--stock", action="store_true", help="the stops of uvicorn's command")
    given = parser.parse_args()
    if given.short:
        given.stops = given.kills = 1
    print("| what | requests | time |\n|---|---|---|")
    held = asyncio.run(report_stops(given.stops, given.stock))
    if not given.stock:
        held &= asyncio.run(report_kills(given.kills))
    return 0 if held else 1


if __name__ == "__main__":
    raise SystemExit(main())
