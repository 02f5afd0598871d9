"""deploy/Caddyfile.local with another address: HTTPS by a certificate authority of Caddy's own."""

import shutil
import ssl
from pathlib import Path

import httpx2
import pytest

from tests.support import proxies
from tests.support.proxies import Proxy
from tests.support.service import find_free_port, run_service

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("caddy") is None, reason="caddy is not installed"),
]


def test_page_is_https_for_clients_that_trust_the_root_certificate(tmp_path: Path) -> None:
    port = find_free_port()
    with run_service(workers=1, trusted_proxies="127.0.0.1") as service:
        file = tmp_path / "Caddyfile"
        file.write_text(
            proxies.adapt(
                "deploy/Caddyfile.local",
                {
                    "\tskip_install_trust": "\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust",
                    "https://192.168.1.20 {": f"https://localhost:{port} {{",
                    "127.0.0.1:8000": f"127.0.0.1:{service.port}",
                },
            )
        )
        command = ["caddy", "run", "--config", str(file), "--adapter", "caddyfile"]
        folders = dict.fromkeys(("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"), str(tmp_path))
        with proxies.run_proxy(command, port, tmp_path / "log", **folders):
            (root,) = tmp_path.glob("**/pki/authorities/local/root.crt")
            proxy = Proxy(port, service, ssl.create_default_context(cafile=str(root)))
            proxies.check_image_round_trip(proxy)
            with proxy.client() as client:
                page = client.get("/", headers={"Accept": "text/html"})
                assert page.status_code == 200
                assert "<!doctype html>" in page.text
                assert client.get("/metrics").status_code == 403
            stranger = Proxy(port, service, ssl.create_default_context())
            with stranger.client() as client, pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                client.get("/livez")
