"""deploy/Caddyfile with another address, certificate and timeout, in Debian's Caddy."""

import shutil
import ssl
from collections.abc import Iterator

import pytest

from tests.support import proxies
from tests.support.proxies import HEADER_SECONDS, LIMIT, Proxy
from tests.support.service import find_free_port, run_service

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("caddy") is None or shutil.which("openssl") is None, reason="caddy or openssl is not installed"
    ),
]


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("caddy")
    certificate, key = proxies.make_certificate(folder)
    port = find_free_port()
    with run_service(workers=1, trusted_proxies="127.0.0.1") as service:
        file = folder / "Caddyfile"
        file.write_text(
            proxies.adapt(
                "deploy/Caddyfile",
                {
                    "{\n\tservers {": "{\n\tadmin off\n\tauto_https disable_redirects\n\tservers {",
                    "convserve.example.org {": f"localhost:{port} {{\n\ttls {certificate} {key}",
                    "127.0.0.1:8000 127.0.0.1:8001": f"127.0.0.1:{service.port} 127.0.0.1:{find_free_port()}",
                    "read_header 10s": f"read_header {HEADER_SECONDS}s",
                },
            )
        )
        command = ["caddy", "run", "--config", str(file), "--adapter", "caddyfile"]
        folders = dict.fromkeys(("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"), str(folder))
        with proxies.run_proxy(command, port, folder / "log", **folders):
            yield Proxy(port, service, ssl.create_default_context(cafile=str(certificate)))


def test_an_image_passes_the_proxy_in_both_directions(proxy: Proxy) -> None:
    """Also while the other instance is down."""
    for _ in range(4):
        proxies.check_image_round_trip(proxy)


def test_the_service_sees_the_real_client_address(proxy: Proxy) -> None:
    proxies.check_client_address(proxy)


def test_metrics_are_not_public(proxy: Proxy) -> None:
    with proxy.client() as client:
        assert client.get("/metrics").status_code == 403
        assert client.get("/livez").status_code == 200


def test_the_size_limits_agree(proxy: Proxy) -> None:
    """The proxy passes the largest body of the service, and rejects one byte more."""
    with proxy.client() as client:
        replies = [
            client.post("/filter/edge", content=bytes(length), headers={"Content-Type": "image/png"})
            for length in (LIMIT, LIMIT + 1)
        ]
    assert [reply.status_code for reply in replies] == [415, 413]


def test_a_stalled_client_is_closed(proxy: Proxy) -> None:
    proxies.check_stalled_client(proxy)
