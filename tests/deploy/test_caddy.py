"""deploy/Caddyfile as it stands, but for its address, certificate and time to wait, with Debian's Caddy."""

import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from http.client import HTTPSConnection
from pathlib import Path

import httpx2
import numpy as np
import pytest

from app.settings import Settings
from tests.app.pictures import decode, draw_noise, encode
from tests.deploy.proxies import make_certificate, wait_for_port
from tests.oracle import assert_equal_to_rounding, correlate
from tests.service import RunningService, find_free_port, run_service

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("caddy") is None or shutil.which("openssl") is None, reason="caddy or openssl is not installed"
    ),
]
SHARPEN = np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
HEADER_SECONDS = 2
LIMIT = Settings.model_fields["max_upload_bytes"].default


@dataclass(frozen=True)
class Proxy:
    """Caddy before a service; of the other instance there is none."""

    port: int
    service: RunningService
    tls: ssl.SSLContext

    def client(self) -> httpx2.Client:
        return httpx2.Client(base_url=f"https://localhost:{self.port}", verify=self.tls, timeout=60)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("caddy")
    certificate, key = make_certificate(folder)
    port = find_free_port()
    with run_service(workers=1, trusted_proxies="127.0.0.1") as service:
        text = Path("deploy/Caddyfile").read_text()
        for stands, becomes in {
            "{\n\tservers {": "{\n\tadmin off\n\tauto_https disable_redirects\n\tservers {",
            "convserve.example.org {": f"localhost:{port} {{\n\ttls {certificate} {key}",
            "127.0.0.1:8000 127.0.0.1:8001": f"127.0.0.1:{service.port} 127.0.0.1:{find_free_port()}",
            "read_header 10s": f"read_header {HEADER_SECONDS}s",
        }.items():
            assert text.count(stands) == 1, stands
            text = text.replace(stands, becomes)
        (folder / "Caddyfile").write_text(text)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"],
                stderr=log,
                env=os.environ | {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)},
            )
        try:
            wait_for_port(port, process, folder / "log")
            yield Proxy(port, service, ssl.create_default_context(cafile=str(certificate)))
        finally:
            process.terminate()
            process.wait(20)


def test_a_picture_goes_through_and_comes_back(proxy: Proxy) -> None:
    """Also while the other instance is down."""
    picture = draw_noise(700, 900)
    for _ in range(4):
        with proxy.client() as client:
            reply = client.post(
                "/filter/custom?weights=0,-1,0;-1,5,-1;0,-1,0", files={"file": ("a.png", encode(picture))}
            )
        assert reply.status_code == 200, reply.text
        assert_equal_to_rounding(decode(reply.content), correlate(picture, SHARPEN))


def test_the_service_learns_who_the_client_is_and_not_who_it_says_it_is(proxy: Proxy) -> None:
    """From 127.0.0.2, as every connection of Caddy to the service comes from 127.0.0.1."""
    connection = HTTPSConnection(
        "localhost", proxy.port, context=proxy.tls, source_address=("127.0.0.2", 0), timeout=60
    )
    with closing(connection):
        connection.request("GET", "/kernels", headers={"X-Forwarded-For": "192.0.2.7"})
        assert connection.getresponse().status == 200
    time.sleep(0.5)
    lines = [line for line in proxy.service.log.read_text().splitlines() if "/kernels" in line]
    assert lines
    assert "127.0.0.2" in lines[-1]
    assert "192.0.2.7" not in lines[-1]


def test_the_counters_are_not_for_the_world(proxy: Proxy) -> None:
    with proxy.client() as client:
        assert client.get("/metrics").status_code == 403
        assert client.get("/livez").status_code == 200


def test_the_size_limits_agree(proxy: Proxy) -> None:
    """The largest body is the service's to judge, one byte more Caddy's."""
    with proxy.client() as client:
        replies = [
            client.post("/filter/edge", content=bytes(length), headers={"Content-Type": "image/png"})
            for length in (LIMIT, LIMIT + 1)
        ]
    assert [reply.status_code for reply in replies] == [415, 413]


def test_a_client_that_stalls_is_closed(proxy: Proxy) -> None:
    """In the middle of its header. The service itself never sees it."""
    raw = socket.create_connection(("127.0.0.1", proxy.port), timeout=30)
    with proxy.tls.wrap_socket(raw, server_hostname="localhost") as connection:
        connection.sendall(b"POST /filter/edge HTTP/1.1\r\nHost: local")
        started = time.monotonic()
        with suppress(ConnectionError):
            assert connection.recv(1000) == b""
        waited = time.monotonic() - started
    assert HEADER_SECONDS - 1 < waited < HEADER_SECONDS + 10
