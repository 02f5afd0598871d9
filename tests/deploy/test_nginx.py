"""deploy/nginx.conf as it stands, but for its ports and paths, with Debian's nginx before the real service."""

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
        shutil.which("nginx", path="/usr/sbin:/usr/bin") is None or shutil.which("openssl") is None,
        reason="nginx or openssl is not installed",
    ),
]
SHARPEN = np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
HEADER_SECONDS = 2
LIMIT = Settings.model_fields["max_upload_bytes"].default
KEPT_PLACES = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@dataclass(frozen=True)
class Proxy:
    """nginx before a service; `second` is where the other instance would be."""

    port: int
    plain_port: int
    second_port: int
    service: RunningService
    tls: ssl.SSLContext

    def client(self) -> httpx2.Client:
        return httpx2.Client(base_url=f"https://localhost:{self.port}", verify=self.tls, timeout=60)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("nginx")
    certificate, key = make_certificate(folder)
    port, plain_port, second_port = find_free_port(), find_free_port(), find_free_port()
    with run_service(workers=1, trusted_proxies="127.0.0.1") as service:
        text = Path("deploy/nginx.conf").read_text()
        for stands, becomes in {
            "listen 443 ": f"listen 127.0.0.1:{port} ",
            "listen 80;": f"listen 127.0.0.1:{plain_port};",
            "server 127.0.0.1:8000;": f"server 127.0.0.1:{service.port};",
            "server 127.0.0.1:8001;": f"server 127.0.0.1:{second_port};",
            "/etc/nginx/tls/convserve.crt": str(certificate),
            "/etc/nginx/tls/convserve.key": str(key),
            "/run/nginx.pid": str(folder / "pid"),
            "client_header_timeout 10s;": f"client_header_timeout {HEADER_SECONDS}s;",
            "http {": "http {" + "".join(f"\n    {place}_temp_path {folder}/{place};" for place in KEPT_PLACES),
        }.items():
            assert text.count(stands) == 1, stands
            text = text.replace(stands, becomes)
        (folder / "nginx.conf").write_text(text)
        nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin")
        same_user = "user root;" if os.geteuid() == 0 else ""  # who owns the test's folder
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [str(nginx), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", f"daemon off; {same_user}"],
                stderr=log,
            )
        try:
            wait_for_port(port, process, folder / "log")
            yield Proxy(port, plain_port, second_port, service, ssl.create_default_context(cafile=str(certificate)))
        finally:
            process.terminate()
            process.wait(20)


def test_a_picture_goes_through_and_comes_back(proxy: Proxy) -> None:
    picture = draw_noise(700, 900)  # more than nginx keeps in memory
    with proxy.client() as client:
        reply = client.post("/filter/custom?weights=0,-1,0;-1,5,-1;0,-1,0", files={"file": ("a.png", encode(picture))})
    assert reply.status_code == 200, reply.text
    assert_equal_to_rounding(decode(reply.content), correlate(picture, SHARPEN))
    assert "max-age" in reply.headers["strict-transport-security"]


def test_an_instance_that_is_down_is_passed_over(proxy: Proxy) -> None:
    """The second one never answers here, and POSTs lose nothing by it."""
    picture = encode(draw_noise(10, 10))
    with proxy.client() as client:
        statuses = [client.post("/filter/edge", files={"file": ("a.png", picture)}).status_code for _ in range(6)]
    assert statuses == [200] * 6


def test_the_size_limits_agree(proxy: Proxy) -> None:
    """The largest body is the service's to judge, one byte more nginx's, and both say the same."""
    largest = post_bytes(proxy, LIMIT)
    assert largest[0] == 415
    status, problem = post_bytes(proxy, LIMIT + 1)
    assert status == 413
    direct = httpx2.post(
        f"{proxy.service.url}/filter/edge", content=bytes(LIMIT + 1), headers={"Content-Type": "image/png"}, timeout=60
    )
    assert direct.status_code == 413
    assert {name: problem[name] for name in ("type", "title", "status")} == {
        name: direct.json()[name] for name in ("type", "title", "status")
    }


def post_bytes(proxy: Proxy, length: int) -> tuple[int, dict[str, object]]:
    with proxy.client() as client:
        reply = client.post("/filter/edge", content=bytes(length), headers={"Content-Type": "image/png"})
    assert reply.headers["content-type"].startswith("application/problem+json")
    problem: dict[str, object] = reply.json()
    return reply.status_code, problem


def test_the_service_learns_who_the_client_is_and_not_who_it_says_it_is(proxy: Proxy) -> None:
    """From 127.0.0.2, as every connection of nginx to the service comes from 127.0.0.1."""
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


def test_plain_http_is_sent_to_tls(proxy: Proxy) -> None:
    reply = httpx2.get(f"http://localhost:{proxy.plain_port}/kernels?a=b")
    assert reply.status_code == 308
    assert reply.headers["location"] == "https://localhost/kernels?a=b"


def test_the_counters_are_not_for_the_world(proxy: Proxy) -> None:
    connection = HTTPSConnection(
        "localhost", proxy.port, context=proxy.tls, source_address=("127.0.0.2", 0), timeout=60
    )
    with closing(connection):
        connection.request("GET", "/metrics")
        assert connection.getresponse().status == 403


def test_too_many_requests_are_refused_with_the_time_to_come_back(proxy: Proxy) -> None:
    with proxy.client() as client:
        replies = [client.get("/livez") for _ in range(200)]
    refused = [reply for reply in replies if reply.status_code == 429]
    assert {reply.status_code for reply in replies} == {200, 429}
    assert len(refused) > 30
    assert all(reply.headers["retry-after"] == "1" and reply.json()["status"] == 429 for reply in refused)


def test_a_client_that_stalls_is_closed(proxy: Proxy) -> None:
    """In the middle of its header. The service itself never sees it."""
    time.sleep(3)  # for the rate of the test before
    raw = socket.create_connection(("127.0.0.1", proxy.port), timeout=30)
    with proxy.tls.wrap_socket(raw, server_hostname="localhost") as connection:
        connection.sendall(b"POST /filter/edge HTTP/1.1\r\nHost: local")
        started = time.monotonic()
        with suppress(ConnectionError):
            assert connection.recv(1000) == b""
        waited = time.monotonic() - started
    assert HEADER_SECONDS - 1 < waited < HEADER_SECONDS + 10
