"""How long it takes to start, and what a warm worker weighs, beside TensorFlow alone."""

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import httpx

from benchmarks.services.machine import list_tree, read_mb
from benchmarks.services.servers import ROOT, Server, ask, find_port, make_form, stop, wait_until_ready
from benchmarks.services.servers import Request as HttpRequest
from benchmarks.services.works import DigitWork

TRIES = 3
IMPORT = "import tensorflow"
ASKED = 20


def measure_start(server: Server) -> dict[str, float]:
    """Seconds, medians; megabytes of a worker that has answered, and of a process that only imports TensorFlow."""
    command = str(Path(sys.executable).with_name("convserve"))
    serve()  # installs what is missing
    ready_s = median(serve() for _ in range(TRIES))
    import_s = median(measure_s([sys.executable, "-c", IMPORT]) for _ in range(TRIES))
    worker_mb, tensorflow_mb = measure_worker_mb(server), measure_import_mb()
    return {
        "help_s": round(median(measure_s([command, "--help"]) for _ in range(TRIES)), 3),
        "ready_s": round(ready_s, 2),
        "tensorflow_import_s": round(import_s, 2),
        "ready_after_import_s": round(ready_s - import_s, 2),
        "worker_mb": round(worker_mb),
        "tensorflow_mb": round(tensorflow_mb),
        "worker_over_tensorflow": round(worker_mb / tensorflow_mb, 2),
    }


def serve() -> float:
    """Seconds from `scripts/serve` to the first answer of /readyz."""
    port = find_port()
    started = time.monotonic()
    process = subprocess.Popen(
        [str(ROOT / "scripts/serve"), "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_until_ready(f"http://127.0.0.1:{port}/readyz", process)
        return time.monotonic() - started
    finally:
        stop(process)


def measure_s(command: list[str]) -> float:
    started = time.monotonic()
    subprocess.run(command, check=True, capture_output=True, env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"})
    return time.monotonic() - started


def measure_worker_mb(server: Server) -> float:
    """Of the heaviest process below the one that talks HTTP, after images and digits."""
    with server.run(2) as running:
        image = httpx.get(f"{running.url}/sample.png").content
        digit = DigitWork("", ()).make_files()
        for _ in range(ASKED):
            ask(running, HttpRequest("/filter/emboss", make_form({}, [image], "png")))
            ask(running, HttpRequest("/classify", make_form({}, digit, "png")))
        return max(read_rss_mb(pid) for pid in list_tree(running.pid)[1:])


def measure_import_mb() -> float:
    code = f"{IMPORT}; print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        rss_mb = read_rss_mb(process.pid)
        process.kill()
        return rss_mb


def read_rss_mb(pid: int) -> float:
    return read_mb(Path(f"/proc/{pid}/status").read_text(), "VmRSS")
