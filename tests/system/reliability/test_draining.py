"""During the shutdown /readyz is 503 for the load balancer, and an upload in progress is answered."""

import http.client
import signal
import time

import httpx2
import pytest

from tests.support.images import decode, draw_noise, encode
from tests.support.service import run_service


@pytest.mark.slow
def test_readyz_is_503_while_it_drains() -> None:
    """On the open connection of the load balancer, which stock uvicorn closes without a response."""
    pixels = draw_noise(200, 300)
    body = encode(pixels)
    with (
        run_service(workers=1, stall_seconds=60, drain_seconds=60, graceful_seconds=60) as service,
        httpx2.Client(base_url=service.url, timeout=60) as balancer,
    ):
        client = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
        client.putrequest("POST", "/filter/identity")
        client.putheader("Content-Type", "image/png")
        client.putheader("Content-Length", str(len(body)))
        client.endheaders(body[:1000])
        ready = balancer.get("/readyz")
        assert ready.status_code == 200
        assert "connection" not in ready.headers

        service.process.send_signal(signal.SIGTERM)
        wait_until_connections_are_refused(service.url)
        reply = balancer.get("/readyz")

        assert reply.status_code == 503
        assert reply.json()["type"] == "/problems#overloaded"
        assert reply.json()["detail"].startswith("The service is stopping.")
        assert reply.headers["connection"] == "close"
        client.send(body[1000:])
        with client.getresponse() as answer:
            assert answer.status == 200
            assert (decode(answer.read()) == pixels).all()
        client.close()
        assert service.process.wait(60) == 0


def wait_until_connections_are_refused(address: str) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            httpx2.get(f"{address}/livez")
        except httpx2.ConnectError:
            return
        time.sleep(0.02)
    raise TimeoutError("new connections are still taken")
