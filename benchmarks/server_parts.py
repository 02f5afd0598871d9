"""What each part of the server that uvicorn lacks gains under overload: `python -m benchmarks.server_parts`.

Each part is switched off in turn. Runs of all variants are interleaved; each starts a service with one worker, measures
its capacity, and sends twice and ten times that load (benchmarks/overload.py). Printed is the goodput as a share of the
capacity, median and range of the runs, and its difference to that with all parts.

    python -m benchmarks.server_parts serve --without PART --port PORT    starts such a service
"""

import argparse
import asyncio
import socket
import statistics

from benchmarks.overload import CALM_SECONDS, Try, try_load
from benchmarks.service import make_upload, run_service

PARTS = ("drop_handshakes", "batch_accepts", "shed_from_head", "linger")
FACTORS = (2, 10)


def serve(without: str, port: int) -> None:
    from app.main import create_app, make_server
    from app.server.features import Features

    features = Features(**{without: False}) if without else Features()
    make_server(create_app(), features).run(sockets=[socket.create_server(("127.0.0.1", port), backlog=2048)])


async def measure(without: str, side: int, seconds: float) -> dict[float, Try]:
    request = make_upload(side)
    tries = {}
    module = ["benchmarks.server_parts", "serve", "--without", without]
    async with run_service(module=module, workers=1) as service:
        for factor in FACTORS:
            tries[factor] = await try_load(service, request, factor, seconds)
            await asyncio.sleep(CALM_SECONDS / 2)
    return tries


async def compare(runs: int, side: int, seconds: float) -> None:
    variants = ("", *PARTS)
    shares: dict[tuple[str, float], list[float]] = {(name, factor): [] for name in variants for factor in FACTORS}
    rejected_ms: dict[tuple[str, float], list[float]] = {key: [] for key in shares}
    for number in range(runs):
        for name in variants if number % 2 == 0 else reversed(variants):
            for factor, one in (await measure(name, side, seconds)).items():
                shares[name, factor].append(100 * one.share)
                rejected_ms[name, factor].append(one.figures["refused p99 ms"])
    print("| without | load | goodput / capacity %, median (range) | points less than with all | rejected p99 ms |")
    print("|---|---|---|---|---|")
    for (name, factor), values in shares.items():
        middle, whole = statistics.median(values), statistics.median(shares["", factor])
        spread = f"{middle:.0f} ({min(values):.0f} to {max(values):.0f})"
        delay = statistics.median(rejected_ms[name, factor])
        print(f"| {name or '(nothing)'} | {factor:g}x | {spread} | {whole - middle:.0f} | {delay:.0f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", nargs="?", choices=["serve"])
    parser.add_argument("--without", choices=["", *PARTS], default="")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--side", type=int, default=1200, help="of the image in pixels")
    parser.add_argument("--seconds", type=float, default=5)
    given = parser.parse_args()
    if given.command == "serve":
        serve(given.without, given.port)
    else:
        asyncio.run(compare(given.runs, given.side, given.seconds))


if __name__ == "__main__":
    main()
