"""This service beside others that filter pictures over HTTP: the same work, the same load, in turns, in one run.

    python -m benchmarks.services --peers ../shared/peers --photo PHOTO [--seconds 5] [--rounds 3] [--work NAME ...]

Every server runs with the same number of processes. `wrk` (its line is in the results) sends one picture over and over;
the servers take turns in every round, so that a change in the machine's mood meets all of them. A reply is decoded and
compared with SciPy before any is timed. CPU is that of the server's whole process tree, user and system.
"""

import argparse
import io
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

KERNEL = np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
BOUNDARY = "benchmark"
CONNECTIONS = 8
FIRST_PORT = 9100
RESULTS = Path(__file__).parent / "results"
LUA = """
local file = assert(io.open(os.getenv("BODY"), "rb"))
wrk.body = file:read("*a")
wrk.method = "POST"
wrk.headers["Content-Type"] = "multipart/form-data; boundary={boundary}"
function done(summary, latency)
  io.write(string.format('\\nJSON {{"requests": %d, "microseconds": %d, "p50_us": %d, "p99_us": %d, "failed": %d}}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), summary.errors.status
    + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
"""


@dataclass(frozen=True)
class Work:
    """One picture in, one out, both of one format."""

    name: str
    size: tuple[int, int]
    format: str

    def make_file(self, photo: Image.Image) -> bytes:
        buffer = io.BytesIO()
        options: dict[str, Any] = {"quality": 90, "subsampling": 2} if self.format == "jpeg" else {}
        photo.resize(self.size, Image.Resampling.LANCZOS).save(buffer, self.format, **options)
        return buffer.getvalue()


WORKS = [
    Work("1920x1080 JPEG", (1920, 1080), "jpeg"),
    Work("512x512 JPEG", (512, 512), "jpeg"),
    Work("1920x1080 PNG", (1920, 1080), "png"),
    Work("512x512 PNG", (512, 512), "png"),
    Work("12 MP JPEG", (4000, 3000), "jpeg"),
]
TARGETS = {
    "jpeg": [(("pillow", "pyvips", "sharp"), 1.7), (("opencv",), 1.0)],
    "png": [(("opencv", "pillow", "pyvips", "sharp"), 2.0)],
    "12 MP JPEG": [(("opencv",), 1.0), (("sharp",), 2.0)],
}


@dataclass(frozen=True)
class Server:
    name: str
    command: list[str]
    port: int
    path: str
    fields: dict[str, str]
    """In the form, besides the picture; `{format}` is filled in."""
    tolerance: int
    """Largest difference from the rounded exact result in a PNG, within the border of one pixel."""


def list_servers(peers: Path, workers: int) -> list[Server]:
    weights = KERNEL.ravel().tolist()
    ours = {"weights": "0,-1,0;-1,5,-1;0,-1,0", "format": "{format}", "quality": "85", "response": "clip"}
    command = [str(Path(sys.executable).with_name("convserve")), "serve", "--port", str(FIRST_PORT)]
    servers = [Server("convserve", command, FIRST_PORT, "/filter/custom", ours, 0)]
    theirs = {"kernel": ",".join(str(weight) for weight in weights), "fmt": "{format}"}
    for number, (name, tolerance) in enumerate({"opencv": 0, "pillow": 1, "pyvips": 0, "sharp": 1}.items(), 1):
        port = FIRST_PORT + number
        run = [str(peers / name / "run.sh"), str(port), str(workers)]
        servers.append(Server(name, run, port, "/convolve", theirs, tolerance))
    return servers


def make_body(server: Server, file: bytes, format: str) -> bytes:
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()
        + f"{value.format(format=format)}\r\n".encode()
        for name, value in server.fields.items()
    ]
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.{format}"\r\n'
    head += f"Content-Type: image/{format}\r\n\r\n"
    return b"".join([*parts, head.encode(), file, f"\r\n--{BOUNDARY}--\r\n".encode()])


@contextmanager
def run_server(server: Server, workers: int) -> Iterator[subprocess.Popen[bytes]]:
    environment = os.environ | {"CONVSERVE_WORKERS": str(workers)}
    process = subprocess.Popen(
        server.command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, 15)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)


def check_reply(server: Server, body: bytes, file: bytes, format: str) -> int:
    """Wait until the server answers, and compare its answer with SciPy's. Returns the bytes of the answer."""
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    for _ in range(240):
        try:
            reply = httpx.post(
                f"http://127.0.0.1:{server.port}{server.path}", content=body, headers=headers, timeout=60
            )
            break
        except httpx.TransportError:
            time.sleep(0.5)
    else:
        raise SystemExit(f"{server.name} did not start: {' '.join(server.command)}")
    if reply.status_code != 200:
        raise SystemExit(f"{server.name}: {reply.status_code} {reply.text[:300]}")
    result = open_pixels(reply.content)
    exact = correlate(open_pixels(file))
    if format == "png":
        difference = int(np.abs(result.astype(int) - exact)[1:-1, 1:-1].max())
        if difference > server.tolerance:
            raise SystemExit(f"{server.name}: {difference} levels from the exact result")
    elif (noise := float(np.mean((result.astype(float) - exact) ** 2))) > 65:  # 30 dB
        raise SystemExit(f"{server.name}: mean squared difference {noise:.0f} from the exact result")
    return len(reply.content)


def open_pixels(file: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))


def correlate(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    planes = [ndimage.correlate(pixels[:, :, c].astype(np.int64), KERNEL, mode="nearest") for c in range(3)]
    return np.clip(np.stack(planes, axis=2), 0, 255)


def measure(server: Server, pid: int, body: Path, script: Path, seconds: int) -> dict[str, float]:
    """One turn of load. Times in milliseconds."""
    before = sum_tree(pid)[0]
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "30s", "--latency", "-s", str(script)]
    url = f"http://127.0.0.1:{server.port}{server.path}"
    output = subprocess.run(
        [*command, url], env=os.environ | {"BODY": str(body)}, capture_output=True, text=True, check=True
    ).stdout
    cpu_s, rss_mb = sum_tree(pid)
    found = re.search(r"JSON (.*)", output)
    assert found, output
    told = json.loads(found.group(1))
    if told["failed"]:
        raise SystemExit(f"{server.name}: {told['failed']} of {told['requests']} replies failed")
    images = max(1, told["requests"])
    return {
        "images_per_s": images / (told["microseconds"] / 1e6),
        "p50_ms": told["p50_us"] / 1000,
        "p99_ms": told["p99_us"] / 1000,
        "cpu_ms_per_image": 1000 * (cpu_s - before) / images,
        "rss_mb": rss_mb,
    }


def sum_tree(pid: int) -> tuple[float, float]:
    """CPU seconds of a process and all below it, those that have ended included, and their resident megabytes."""
    children: dict[int, list[int]] = {}
    usage: dict[int, tuple[float, float]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(entry.name))
        ticks = sum(int(field) for field in fields[11:15])
        usage[int(entry.name)] = (ticks / os.sysconf("SC_CLK_TCK"), int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 1e6)
    cpu_s = rss_mb = 0.0
    pending = [pid]
    while pending:
        one = pending.pop()
        cpu_s, rss_mb = cpu_s + usage[one][0], rss_mb + usage[one][1]
        pending += children.get(one, [])
    return cpu_s, rss_mb


def run_works(works: list[Work], servers: list[Server], photo: Image.Image, given: argparse.Namespace) -> Any:
    results: dict[str, Any] = {}
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "post.lua"
        script.write_text(LUA.format(boundary=BOUNDARY))
        pids = {server.name: stack.enter_context(run_server(server, given.workers)).pid for server in servers}
        for work in works:
            file = work.make_file(photo)
            turns: dict[str, list[dict[str, float]]] = {server.name: [] for server in servers}
            sizes = {}
            for server in servers:
                body = make_body(server, file, work.format)
                sizes[server.name] = check_reply(server, body, file, work.format)
                (Path(folder) / server.name).write_bytes(body)
                measure(server, pids[server.name], Path(folder) / server.name, script, 1)  # warm
            for _ in range(given.rounds):
                for server in servers:
                    body_file = Path(folder) / server.name
                    turns[server.name].append(measure(server, pids[server.name], body_file, script, given.seconds))
            results[work.name] = {
                name: {key: round(median(turn[key] for turn in all_turns), 2) for key in all_turns[0]}
                | {"rss_mb": round(max(turn["rss_mb"] for turn in all_turns)), "bytes": sizes[name]}
                for name, all_turns in turns.items()
            }
            print(describe_work(work, results[work.name]), flush=True)
    return results


def describe_work(work: Work, result: dict[str, dict[str, float]]) -> str:
    """A table of one work in Markdown, and each target with `met` or `not met`."""
    own = result["convserve"]["images_per_s"]
    lines = [
        f"### {work.name}",
        "",
        "| server | images/s | convserve is | p50 ms | p99 ms | CPU ms an image | RSS MB | bytes |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, one in result.items():
        ratio = "" if name == "convserve" else f"{own / one['images_per_s']:.2f}x"
        lines.append(
            f"| {name} | {one['images_per_s']:.1f} | {ratio} | {one['p50_ms']:.0f} | {one['p99_ms']:.0f} | "
            f"{one['cpu_ms_per_image']:.1f} | {one['rss_mb']:.0f} | {one['bytes']:.0f} |"
        )
    lines.append("")
    for names, wanted in TARGETS.get(work.name, TARGETS[work.format]):
        best = max(
            (name for name in names if name in result), key=lambda name: result[name]["images_per_s"], default=""
        )
        if best:
            ratio = own / result[best]["images_per_s"]
            met = "met" if ratio >= wanted else "not met"
            lines.append(f"- at least {wanted}x the best of {', '.join(names)}: {ratio:.2f}x of {best}, **{met}**")
    if work.format == "png" and "pillow" in result:
        ratio = result["convserve"]["bytes"] / result["pillow"]["bytes"]
        lines.append(f"- at most 1.15x Pillow's bytes: {ratio:.3f}x, **{'met' if ratio <= 1.15 else 'not met'}**")
    return "\n".join([*lines, ""])


def describe_machine() -> str:
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return f"{os.cpu_count()} cores of {model.group(1) if model else platform.machine()}, {platform.platform()}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, required=True, help="folder with opencv/run.sh and so on")
    parser.add_argument("--photo", type=Path, required=True, help="a photograph to make the pictures of")
    parser.add_argument("--seconds", type=int, default=5, help="of load a turn")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--work", nargs="*", choices=[work.name for work in WORKS])
    parser.add_argument("--write", help="name of the results under benchmarks/results")
    given = parser.parse_args()
    works = [work for work in WORKS if not given.work or work.name in given.work]
    photo = Image.open(given.photo).convert("RGB")
    results = run_works(works, list_servers(given.peers.resolve(), given.workers), photo, given)
    if given.write:
        RESULTS.mkdir(exist_ok=True)
        told = {"machine": describe_machine(), "command": " ".join(sys.argv), "workers": given.workers}
        document = told | {"connections": CONNECTIONS, "seconds": given.seconds, "rounds": given.rounds}
        (RESULTS / f"{given.write}.json").write_text(json.dumps(document | {"results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
