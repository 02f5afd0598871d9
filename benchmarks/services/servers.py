"""The servers, how each is started, and how each wants to be asked."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from benchmarks.services.works import SHARPEN, DigitWork, ImageWork, Work

ROOT = Path(__file__).parents[2]
OWN_PEERS = ROOT / "benchmarks/peers"
BOUNDARY = "benchmark"
START_SECONDS = 120
EXTENSIONS = {"png16": "png"}


@dataclass(frozen=True)
class Request:
    path: str
    body: bytes = b""
    method: str = "POST"

    @property
    def headers(self) -> dict[str, str]:
        return {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"} if self.body else {}


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    name: str
    pid: int
    url: str


@dataclass(frozen=True)
class Server:
    name: str
    command: Sequence[str]
    """`{port}` and `{workers}` are filled in."""
    environment: Mapping[str, str] = field(default_factory=dict)
    ready_path: str = "/healthz"

    @contextmanager
    def run(self, workers: int) -> Iterator[Running]:
        """Start it and wait until it answers. Raises RuntimeError."""
        port = find_port()
        command = [part.format(port=port, workers=workers) for part in self.command]
        environment = {key: value.format(workers=workers) for key, value in self.environment.items()}
        process = subprocess.Popen(
            command,
            env=os.environ | environment,
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until_ready(f"{url}{self.ready_path}", process)
            yield Running(self.name, process.pid, url)
        finally:
            stop(process)

    def build_request(self, running: Running, work: Work, files: Sequence[bytes]) -> Request:
        """The work in this server's words. thumbor wants the image first, so that is sent here."""
        if isinstance(work, DigitWork):
            return Request("/classify", make_form({}, files, "png"))
        assert isinstance(work, ImageWork)
        (file,) = files
        weights = SHARPEN.ravel().tolist()
        if self.name == "convserve":
            return build_own_request(work, file)
        if self.name == "thumbor":
            kernel = ";".join(str(weight) for weight in weights)
            headers = {"Content-Type": f"image/{work.format}", "Slug": f"image.{work.format}"}
            upload = httpx.post(f"{running.url}/image", content=file, headers=headers, timeout=60)
            upload.raise_for_status()
            key = upload.headers["Location"].split("/")[2]
            filters = f"convolution({kernel},3,false):format({work.format}):quality(85)"
            return Request(f"/unsafe/filters:{filters}/{key}", method="GET")
        what = {"sigma": str(work.sigma)} if work.sigma else {"kernel": ",".join(str(weight) for weight in weights)}
        path = "/filter" if self.name.endswith("-formats") else "/convolve"
        return Request(path, make_form(what | {"fmt": work.format}, files, work.format))


def build_own_request(work: ImageWork, file: bytes) -> Request:
    fields = {"border": "edge", "response": "clip"}
    if work.format in ("jpeg", "webp"):
        fields["quality"] = {"jpeg": "85", "webp": "80"}[work.format]
    if work.sigma:
        fields["sigma"] = str(work.sigma)
        return Request("/filter/gaussian", make_form(fields, [file], work.format))
    fields["weights"] = ";".join(",".join(str(weight) for weight in row) for row in SHARPEN)
    return Request("/filter/custom", make_form(fields, [file], work.format))


def list_servers(peers: Path) -> dict[str, Server]:
    """All servers by name. `peers` holds opencv/run.sh and so on."""
    convserve = Server(
        "convserve",
        [str(Path(sys.executable).with_name("convserve")), "serve", "--port", "{port}"],
        {"CONVSERVE_WORKERS": "{workers}", "CONVSERVE_LOG_LEVEL": "warning"},  # the others log no requests
        "/readyz",
    )
    servers = [convserve]
    for name in ("opencv", "pillow", "pyvips", "sharp", "thumbor"):
        path = "/healthcheck" if name == "thumbor" else "/healthz"
        servers.append(Server(name, [str(peers / name / "run.sh"), "{port}", "{workers}"], ready_path=path))
    listen = ["--host", "127.0.0.1", "--port", "{port}", "--workers", "{workers}", "--no-access-log"]
    for name in ("opencv", "pillow", "pyvips"):
        uvicorn = [str(peers / name / "venv/bin/uvicorn"), "--app-dir", str(OWN_PEERS)]
        servers.append(Server(f"{name}-formats", [*uvicorn, f"{name}_formats:app", *listen]))
    node = ["node", str(OWN_PEERS / "sharp_formats.js"), "{port}", "{workers}"]
    servers.append(Server("sharp-formats", node, {"NODE_PATH": str(peers / "sharp/node_modules")}))
    for name, factory in {"keras-predict": "make_keras_app", "onnxruntime": "make_onnx_app"}.items():
        uvicorn = [sys.executable, "-m", "uvicorn", f"benchmarks.peers.digits:{factory}", "--factory"]
        servers.append(Server(name, [*uvicorn, *listen]))
    return {server.name: server for server in servers}


def make_form(fields: Mapping[str, str], files: Sequence[bytes], format: str) -> bytes:
    """A multipart body, the fields first."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    extension = EXTENSIONS.get(format, format)
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="image.{extension}"\r\n'
    head += f"Content-Type: image/{extension}\r\n\r\n"
    parts += [head.encode() + file + b"\r\n" for file in files]
    return b"".join([*parts, f"--{BOUNDARY}--\r\n".encode()])


def find_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"it ended with status {process.returncode} before it answered: {process.args!r}")
        try:
            if httpx.get(url, timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"it did not answer at {url} within {START_SECONDS} s: {process.args!r}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """It and its group."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(15)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
    process.wait()


def ask(running: Running, request: Request) -> bytes:
    """One reply. Raises RuntimeError for any status but 200."""
    url = running.url + request.path
    reply = httpx.request(request.method, url, content=request.body or None, headers=request.headers, timeout=120)
    if reply.status_code != 200:
        raise RuntimeError(f"status {reply.status_code}: {reply.text[:200]}")
    return reply.content


def read_json(reply: bytes) -> list[dict[str, object]]:
    answer = json.loads(reply)
    return answer if isinstance(answer, list) else [answer]
