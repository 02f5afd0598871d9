"""Hundreds of clients of each kind that stall somewhere in a request, all at once, and an honest one beside them.

    python -m benchmarks.slow_clients [--sockets 500] [--short] [--stock]

Each kind is to be closed at its deadline, while the honest client, which has an image filtered each second, notices
nothing. --stock asks the same of uvicorn's command. Service and clients are pinned to a core of their own each.
"""

import argparse
import asyncio
import contextlib
import resource
import socket
from collections import Counter
from collections.abc import Mapping
from typing import Any

from app.settings import Settings
from benchmarks.overload import describe_times, find_percentile
from benchmarks.service import Reply, Service, make_upload, run_service
from tests.support.slow_clients import SlowClient, list_kinds

DRIP_SECONDS = 2
SLACK_SECONDS = 1
SHORT = {"header_seconds": 2, "stall_seconds": 2, "keep_alive_seconds": 2}
FULL = {"keep_alive_seconds": 20}  # the others as they are by default


MUCH = 8 * b"GET /docs/assets/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n"
"""Answers of 12 MB, more than a kernel takes off the service's hands, that cost the service no work."""


async def stall(kind: SlowClient, port: int) -> float:
    """Seconds until the service has closed the connection."""
    loop = asyncio.get_running_loop()
    connection = await loop.run_in_executor(None, kind.connect, port)
    connection.setblocking(False)
    started = loop.time()
    dripping = asyncio.create_task(drip(kind, connection))
    with connection, contextlib.suppress(OSError):
        try:
            if kind.name == "slow reader":
                await loop.sock_recv(connection, 1)
                await asyncio.sleep(3600)  # it reads no more
            while await loop.sock_recv(connection, 4096):
                pass
        finally:
            dripping.cancel()
    return loop.time() - started


async def drip(kind: SlowClient, connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while kind.drip:
            await asyncio.sleep(DRIP_SECONDS)
            await asyncio.get_running_loop().sock_sendall(connection, kind.drip)


async def ask_each_second(service: Service, seconds: float) -> list[Reply]:
    request = make_upload(300)
    replies = []
    for _ in range(int(seconds)):
        replies.append(await service.send(request))
        await asyncio.sleep(max(0, 1 - replies[-1].seconds))
    return replies


async def report(
    sockets: int, deadlines: Mapping[str, Any], stock: bool, slack_seconds: float = SLACK_SECONDS
) -> tuple[bool, bool]:
    """Print a table. Whether all were closed in time and honest requests answered, and whether as soon as alone."""
    settings = Settings(**deadlines)
    longest = max(settings.header_seconds, settings.stall_seconds, settings.keep_alive_seconds)
    async with run_service(stock, **deadlines) as service:
        kinds = list_kinds("/filter/blur", MUCH)
        alone = await ask_each_second(service, 3 if deadlines is SHORT else 10)
        files = service.count_files()
        tasks = {kind: [asyncio.create_task(stall(kind, service.port)) for _ in range(sockets)] for kind in kinds}
        beside = await ask_each_second(service, longest + 6 * slack_seconds + sockets / 100)
        left = service.count_files() - files
        print(f"| {sockets} clients each | deadline s | closed after s | open at the end |\n|---|---|---|---|")
        held = left <= 1
        for kind, clients in tasks.items():
            deadline = getattr(settings, kind.deadline)
            took = [client.result() for client in clients if client.done() and not client.cancelled()]
            if kind.name == "slow reader":
                print(f"| {kind.name} | {deadline:g} | cannot see it | |")
                continue
            held &= len(took) == sockets and max(took) < deadline + slack_seconds
            times = f"{min(took):.1f} to {max(took):.1f}" if took else "never"
            print(f"| {kind.name} | {deadline:g} | {times} | {sockets - len(took)} |")
        everybody = [client for clients in tasks.values() for client in clients]
        for client in everybody:
            client.cancel()
        await asyncio.gather(*everybody, return_exceptions=True)
    statuses = dict(Counter(reply.status for reply in beside))
    print(
        f"\nSockets that the service still holds: {left}. The honest client: {describe_times(alone)} alone, "
        f"{describe_times(beside)} beside them, statuses {statuses}"
    )
    return held and set(statuses) == {200}, find_percentile(beside, 50) < 2 * find_percentile(alone, 50)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sockets", type=int, default=500)
    parser.add_argument("--short", action="store_true", help="10 of each, with short deadlines")
    parser.add_argument("--stock", action="store_true", help="uvicorn's command")
    given = parser.parse_args()
    if given.short:
        given.sockets = 10
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return 0 if all(asyncio.run(report(given.sockets, SHORT if given.short else FULL, given.stock))) else 1


if __name__ == "__main__":
    raise SystemExit(main())
