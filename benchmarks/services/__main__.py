"""Measure this service beside others: OpenCV, Pillow, pyvips, sharp, thumbor, Keras and onnxruntime behind HTTP.

    python -m benchmarks.services --peers ../shared/peers [--short | --part NAME ...] [--write NAME]

All servers run with the same number of processes, one thread a request. `wrk` sends one request over and over; the
servers take turns in every round, so that a change in the machine's mood meets all of them. A reply is decoded and
compared with SciPy before any is timed; who answers wrong is left out. Needs `scripts/install requirements/bench.txt`,
wrk, node and npm; the folder of peers is written into, so copy it first if it must not change.

--write keeps the results as benchmarks/results/NAME.json; parts that are measured later are put in, the others stay.
"""

import argparse
import json
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.services.kernel_costs import measure_blur_growth, measure_kernels
from benchmarks.services.load import COMMAND
from benchmarks.services.machine import describe_machine
from benchmarks.services.memory import find_growth, measure_growth, measure_memory
from benchmarks.services.report import write_report, write_work
from benchmarks.services.servers import ROOT, Server, list_servers
from benchmarks.services.starting import measure_start
from benchmarks.services.turns import OWN, run_work
from benchmarks.services.works import PARTS, ImageWork, Part

RESULTS = ROOT / "benchmarks/results"
PHOTO = ROOT.parent / "shared/data/images/photos/canon_450d_12mp.jpg"
SHORT = ("jpeg", "digits")
ALONE = ("workers", "kernels", "memory", "start")
"""Parts that need no peer's server."""


def main() -> None:
    names = [*(part.name for part in PARTS), *ALONE]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, required=True, help="folder with opencv/run.sh and so on")
    parser.add_argument("--photo", type=Path, default=PHOTO, help="a photograph to make the images of [%(default)s]")
    parser.add_argument("--part", nargs="+", choices=names, default=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--short", action="store_true", help=f"only {', '.join(SHORT)}, in less than 3 minutes")
    parser.add_argument("--seconds", type=int, help="of load a turn [4, with --short 2]")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2, help="processes of each server [%(default)s]")
    parser.add_argument("--write", metavar="NAME", help="keep the results under benchmarks/results")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are stopped, too
    given.seconds = given.seconds or (2 if given.short else 4)
    results = read_results(given)
    photo = Image.open(given.photo).convert("RGB")
    servers = list_servers(given.peers.resolve())
    for name in names:
        if name in given.part and (name in SHORT or not given.short):
            started = time.monotonic()
            measure_part(name, servers, photo, given, results)
            results["parts"][name] = describe_turn(time.monotonic() - started)
            keep(results, given.write)
    print(write_report(results))


def measure_part(
    name: str, servers: Mapping[str, Server], photo: Image.Image, given: argparse.Namespace, results: dict[str, Any]
) -> None:
    """Measure and put what was found into `results`."""
    figures = results["figures"]
    image = np.asarray(photo.resize((1920, 1080), Image.Resampling.LANCZOS))
    if name == "kernels":
        figures["kernels"] = measure_kernels(image)
        figures["blur growth"] = measure_blur_growth(image)
    elif name == "memory":
        figures["memory"] = measure_memory(servers[OWN], photo)
        figures["growth"] = measure_growth(servers[OWN], photo)
        figures["growth of a pixel"] = find_growth(figures["growth"])
    elif name == "start":
        figures["start"] = measure_start(servers[OWN])
    elif name == "workers":
        figures["workers"] = measure_workers(servers[OWN], photo, given)
    else:
        measure_servers(next(part for part in PARTS if part.name == name), servers, photo, given, results)


def measure_servers(
    part: Part, servers: Mapping[str, Server], photo: Image.Image, given: argparse.Namespace, results: dict[str, Any]
) -> None:
    needed = list(dict.fromkeys([OWN, *(name for work in part.works for name in work.servers)]))
    with ExitStack() as stack:
        running = {name: stack.enter_context(servers[name].run(given.workers)) for name in needed}
        for work in part.works:
            found = run_work(work, servers, running, photo, rounds=given.rounds, seconds=given.seconds)
            results["works"][work.name] = found
            print(f"### {work.name}\n\n{write_work(found)}", flush=True)


def measure_workers(server: Server, photo: Image.Image, given: argparse.Namespace) -> dict[str, dict[str, float]]:
    """The same work for one worker process and for two, in turns."""
    with server.run(1) as one, server.run(2) as two:
        names = {"1 worker": one, "2 workers": two}
        work = ImageWork("workers", ())
        found: dict[str, dict[str, float]] = {}
        for name, running in names.items():
            how = {"rounds": given.rounds, "seconds": given.seconds}
            measured = run_work(work, {OWN: server}, {OWN: running}, photo, **how)["servers"][OWN]
            found[name] = {key: measured[key] for key in ("images_per_s", "p50_ms", "cpu_ms_per_image", "peak_mb")}
    return found


def read_results(given: argparse.Namespace) -> dict[str, Any]:
    """What --write has kept, to be added to, or the beginning of new results."""
    results: dict[str, Any] = {"parts": {}, "works": {}, "figures": {}}
    path = RESULTS / f"{given.write}.json"
    if given.write and path.exists():
        results = json.loads(path.read_text())
    told = {"machine": describe_machine(), "workers": given.workers, "load": COMMAND}
    return told | {key: results[key] for key in ("parts", "works", "figures")}


def describe_turn(took_s: float) -> dict[str, Any]:
    return {
        "when": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "took_s": round(took_s),
        "command": "python -m benchmarks.services " + " ".join(Path(word).name for word in sys.argv[1:]),
    }


def keep(results: dict[str, Any], name: str | None) -> None:
    if name:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{name}.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
