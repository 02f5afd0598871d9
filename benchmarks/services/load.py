"""Load by wrk: one request over and over, from a number of connections that each wait for their answer."""

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.services.machine import measure_tree, reset_peaks
from benchmarks.services.servers import BOUNDARY, Request, Running

SCRIPT = f"""
wrk.method = os.getenv("METHOD")
if wrk.method == "POST" then
  local file = assert(io.open(os.getenv("BODY"), "rb"))
  wrk.body = file:read("*a")
  wrk.headers["Content-Type"] = "multipart/form-data; boundary={BOUNDARY}"
end
function done(summary, latency)
  io.write(string.format('\\nJSON {{"requests": %d, "microseconds": %d, "p50_us": %d, "p99_us": %d, "failed": %d}}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), summary.errors.status
    + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
"""
COMMAND = "wrk -t1 -c{connections} -d{seconds}s --timeout 30s --latency -s post.lua {url}"


MOST_SECONDS = 30


class FailedReplyError(RuntimeError):
    """Not every reply under load was one."""


@dataclass(frozen=True)
class Turn:
    """What a server did under load in one turn."""

    images_per_s: float
    p50_ms: float
    p99_ms: float
    cpu_ms_per_image: float
    peak_mb: float


def put_under_load(
    running: Running, request: Request, folder: Path, *, connections: int, seconds: int, images_a_request: int = 1
) -> Turn:
    """One turn, longer where no reply came in time. `folder` is for the script and the body.

    Raises FailedReplyError.
    """
    script, body = folder / "post.lua", folder / "body"
    script.write_text(SCRIPT)
    body.write_bytes(request.body)
    command = COMMAND.format(connections=connections, seconds=seconds, url=running.url + request.path)
    words = [str(script) if word == "post.lua" else word for word in command.split(" ")]
    reset_peaks(running.pid)
    before = measure_tree(running.pid)
    environment = os.environ | {"BODY": str(body), "METHOD": request.method}
    output = subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout
    after = measure_tree(running.pid)
    told = read_output(output)
    if told["failed"]:
        raise FailedReplyError(f"{told['failed']} of {told['requests']} replies failed in {seconds} s")
    if not told["requests"]:
        if seconds >= MOST_SECONDS:
            raise FailedReplyError(f"no reply in {seconds} s")
        load = {"connections": connections, "images_a_request": images_a_request}
        return put_under_load(running, request, folder, seconds=2 * seconds, **load)
    images = told["requests"] * images_a_request
    return Turn(
        images_per_s=images / (told["microseconds"] / 1e6),
        p50_ms=told["p50_us"] / 1000,
        p99_ms=told["p99_us"] / 1000,
        cpu_ms_per_image=1000 * (after.cpu_s - before.cpu_s) / images,
        peak_mb=after.peak_mb,
    )


def read_output(output: str) -> dict[str, int]:
    """The line of SCRIPT in what wrk prints."""
    found = re.search(r"JSON (.*)", output)
    if not found:
        raise FailedReplyError(output)
    return json.loads(found.group(1))
