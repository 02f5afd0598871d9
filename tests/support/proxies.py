"""What the tests of both proxies share: setup and checks."""

import os
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPSConnection
from pathlib import Path

import httpx2
import numpy as np
import pytest

from app.settings import Settings
from tests.support.images import decode, draw_noise, encode
from tests.support.reference import assert_equal_to_rounding, correlate
from tests.support.service import RunningService

SHARPEN = np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
HEADER_SECONDS = 2
LIMIT = Settings.model_fields["max_upload_bytes"].default


@dataclass(frozen=True)
class Proxy:
    """A proxy in front of a service. The second instance in its configuration does not run."""

    port: int
    service: RunningService
    tls: ssl.SSLContext

    def client(self) -> httpx2.Client:
        return httpx2.Client(base_url=f"https://localhost:{self.port}", verify=self.tls, timeout=60)

    def get_from_elsewhere(self, path: str, **headers: str) -> int:
        """Send a request from 127.0.0.2 and return the status. The proxy connects to the service from 127.0.0.1."""
        connection = HTTPSConnection(
            "localhost", self.port, context=self.tls, source_address=("127.0.0.2", 0), timeout=60
        )
        with closing(connection):
            connection.request("GET", path, headers=headers)
            return connection.getresponse().status


@contextmanager
def run_proxy(command: list[str], port: int, log: Path, **variables: str) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stderr=output, env=os.environ | variables)
    try:
        wait_for_port(port, process, log)
        yield
    finally:
        process.terminate()
        process.wait(20)


def adapt(file: str, changes: Mapping[str, str]) -> str:
    """The text of a configuration with these replacements. Each has to occur exactly once."""
    text = Path(file).read_text()
    for stands, becomes in changes.items():
        assert text.count(stands) == 1, stands
        text = text.replace(stands, becomes)
    return text


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate for localhost, and its key."""
    certificate, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


def wait_for_port(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    pytest.fail(f"the proxy did not start: {log.read_text()}")


def check_image_round_trip(proxy: Proxy) -> httpx2.Response:
    image = draw_noise(700, 900)  # larger than the buffer of a proxy
    with proxy.client() as client:
        reply = client.post("/filter/custom?weights=0,-1,0;-1,5,-1;0,-1,0", files={"file": ("a.png", encode(image))})
    assert reply.status_code == 200, reply.text
    assert_equal_to_rounding(decode(reply.content), correlate(image, SHARPEN))
    return reply


def check_client_address(proxy: Proxy) -> None:
    assert proxy.get_from_elsewhere("/kernels", **{"X-Forwarded-For": "192.0.2.7"}) == 200
    time.sleep(0.5)
    lines = [line for line in proxy.service.log.read_text().splitlines() if "/kernels" in line]
    assert lines
    assert "127.0.0.2" in lines[-1]
    assert "192.0.2.7" not in lines[-1]


def check_stalled_client(proxy: Proxy) -> None:
    """A client that stalls in the middle of the head is closed by the proxy."""
    raw = socket.create_connection(("127.0.0.1", proxy.port), timeout=30)
    with proxy.tls.wrap_socket(raw, server_hostname="localhost") as connection:
        connection.sendall(b"POST /filter/edge HTTP/1.1\r\nHost: local")
        started = time.monotonic()
        with suppress(ConnectionError):
            assert connection.recv(1000) == b""
        waited = time.monotonic() - started
    assert HEADER_SECONDS - 1 < waited < HEADER_SECONDS + 10
