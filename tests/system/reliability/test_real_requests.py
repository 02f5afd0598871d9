"""Requests as clients send them, to the whole service over a socket."""

import http.client
import socket

import httpx2
import numpy as np
import pytest

from tests.support.images import decode, draw_noise, encode
from tests.support.paths import DATA
from tests.support.problems import check_problem
from tests.support.service import RunningService
from tests.support.slow_clients import read_all

IMAGE = encode(draw_noise(8, 8))


def exchange(service: RunningService, request: bytes) -> tuple[bytes, bytes]:
    """Head and body of the one response before the service closes the connection."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as client:
        client.sendall(request)
        head, _, body = read_all(client).partition(b"\r\n\r\n")
    return head, body


@pytest.mark.slow
@pytest.mark.parametrize("name", ["h2c_upgrade.http", "good_then_garbage.http"])
def test_recorded_requests_are_answered(service: RunningService, http: httpx2.Client, name: str) -> None:
    """An upload that offers h2c, as from Java, and one with a line of garbage behind it."""
    recorded = (DATA / name).read_bytes()
    image = recorded[recorded.index(b"\x89PNG") :].removesuffix(b"garbage\r\n\r\n")
    expected = http.post("/filter/emboss?format=png", content=image, headers={"Content-Type": "image/png"})
    closing = b"Host: localhost\r\nConnection: close"
    request = recorded if b"garbage" in recorded else recorded.replace(b"Host: localhost", closing, 1)
    head, body = exchange(service, request)
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"connection: close" in head
    assert body == expected.content


@pytest.mark.slow
def test_head_and_slash_keep_the_connection_in_step(service: RunningService) -> None:
    """With a body after HEAD, the next response would not parse."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=20)
    connection.connect()
    used = connection.sock
    headers = {"Content-Type": "image/png"}
    for method, path, body in [
        ("HEAD", "/kernels", None), ("HEAD", "/docs/", None), ("HEAD", "/filter/blur", None),
        ("HEAD", "/static/js/main.js", None), ("HEAD", "/nowhere", None), ("GET", "/kernels/", None),
        ("POST", "/filter/emboss/", IMAGE), ("HEAD", "/samples/house.png", None), ("GET", "/livez", None),
    ]:  # fmt: skip
        connection.request(method, path, body, headers if body else {})
        reply = connection.getresponse()
        content = reply.read()
        assert reply.status == {"/nowhere": 404, "/filter/blur": 405}.get(path, 200), path
        assert int(reply.headers["content-length"]) > 0
        assert len(content) == (0 if method == "HEAD" else int(reply.headers["content-length"]))
        assert connection.sock is used, f"the connection was closed after {method} {path}"
    connection.close()


@pytest.mark.slow
def test_the_largest_kernel_fits_into_the_form(http: httpx2.Client) -> None:
    """In the query it exceeds the limit for request heads. The message says so."""
    random = np.random.default_rng(1)
    weights = ";".join(",".join(f"{weight:.6f}" for weight in row) for row in random.normal(size=(63, 63)))
    query = {"weights": weights, "divisor": "1000", "format": "png"}
    reply = http.post("/filter/custom", params=query, content=IMAGE, headers={"Content-Type": "image/png"})
    assert "fields of its form" in check_problem(reply, 431, "request-head-too-large")["detail"]
    reply = http.post("/filter/custom", files={"file": IMAGE}, data=query)
    assert reply.status_code == 200, reply.text
    assert decode(reply.content).shape == (8, 8, 3)
