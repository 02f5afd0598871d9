"""deploy/nginx.conf with other ports and paths, in Debian's nginx in front of the real service."""

import os
import shutil
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx2
import pytest

from tests.support import proxies
from tests.support.images import draw_noise, encode
from tests.support.proxies import HEADER_SECONDS, LIMIT, Proxy
from tests.support.service import find_free_port, run_service

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("nginx", path="/usr/sbin:/usr/bin") is None or shutil.which("openssl") is None,
        reason="nginx or openssl is not installed",
    ),
]
KEPT_PLACES = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@dataclass(frozen=True)
class Nginx(Proxy):
    """It also listens for plain HTTP."""

    plain_port: int


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    folder = tmp_path_factory.mktemp("nginx")
    certificate, key = proxies.make_certificate(folder)
    port, plain_port = find_free_port(), find_free_port()
    with run_service(workers=1, trusted_proxies="127.0.0.1") as service:
        file = folder / "nginx.conf"
        file.write_text(
            proxies.adapt(
                "deploy/nginx.conf",
                {
                    "listen 443 ": f"listen 127.0.0.1:{port} ",
                    "listen 80;": f"listen 127.0.0.1:{plain_port};",
                    "server 127.0.0.1:8000;": f"server 127.0.0.1:{service.port};",
                    "server 127.0.0.1:8001;": f"server 127.0.0.1:{find_free_port()};",
                    "/etc/nginx/tls/convserve.crt": str(certificate),
                    "/etc/nginx/tls/convserve.key": str(key),
                    "/run/nginx.pid": str(folder / "pid"),
                    "client_header_timeout 10s;": f"client_header_timeout {HEADER_SECONDS}s;",
                    "http {": "http {" + "".join(f"\n    {place}_temp_path {folder}/{place};" for place in KEPT_PLACES),
                },
            )
        )
        nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin")
        same_user = "user root;" if os.geteuid() == 0 else ""  # the owner of the test's folder
        command = [str(nginx), "-p", str(folder), "-c", str(file), "-g", f"daemon off; {same_user}"]
        with proxies.run_proxy(command, port, folder / "log"):
            yield Nginx(port, service, ssl.create_default_context(cafile=str(certificate)), plain_port)


def test_an_image_passes_the_proxy_in_both_directions(proxy: Nginx) -> None:
    reply = proxies.check_image_round_trip(proxy)
    assert "max-age" in reply.headers["strict-transport-security"]


def test_an_instance_that_is_down_is_skipped(proxy: Nginx) -> None:
    """The second instance does not run, and no POST is lost."""
    image = encode(draw_noise(10, 10))
    with proxy.client() as client:
        statuses = [client.post("/filter/edge", files={"file": ("a.png", image)}).status_code for _ in range(6)]
    assert statuses == [200] * 6


def test_the_size_limits_agree(proxy: Nginx) -> None:
    """The proxy passes the largest body of the service, and rejects one byte more with the same problem."""
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


def post_bytes(proxy: Nginx, length: int) -> tuple[int, dict[str, object]]:
    with proxy.client() as client:
        reply = client.post("/filter/edge", content=bytes(length), headers={"Content-Type": "image/png"})
    assert reply.headers["content-type"].startswith("application/problem+json")
    problem: dict[str, object] = reply.json()
    return reply.status_code, problem


def test_the_service_sees_the_real_client_address(proxy: Nginx) -> None:
    proxies.check_client_address(proxy)


def test_plain_http_is_redirected_to_tls(proxy: Nginx) -> None:
    reply = httpx2.get(f"http://localhost:{proxy.plain_port}/kernels?a=b")
    assert reply.status_code == 308
    assert reply.headers["location"] == "https://localhost/kernels?a=b"


def test_metrics_are_not_public(proxy: Nginx) -> None:
    assert proxy.get_from_elsewhere("/metrics") == 403


def test_requests_above_the_rate_limit_get_429_with_retry_after(proxy: Nginx) -> None:
    with proxy.client() as client:
        replies = [client.get("/livez") for _ in range(200)]
    refused = [reply for reply in replies if reply.status_code == 429]
    assert {reply.status_code for reply in replies} == {200, 429}
    assert len(refused) > 30
    assert all(reply.headers["retry-after"] == "1" and reply.json()["status"] == 429 for reply in refused)


def test_a_stalled_client_is_closed(proxy: Nginx) -> None:
    time.sleep(3)  # until the rate limit of the test before has passed
    proxies.check_stalled_client(proxy)
