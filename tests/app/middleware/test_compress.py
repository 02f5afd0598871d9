"""What is compressed, and how it is cached."""

import gzip

import pytest
from fastapi.testclient import TestClient

from tests.support.images import draw_noise, encode

PAGES = ["/", "/docs", "/openapi.json", "/problems", "/kernels", "/static/js/main.js", "/docs/assets/swagger-ui.css"]


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_compressed_for_clients_that_accept_it(client: TestClient, path: str) -> None:
    plain = client.get(path, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    with client.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as packed:
        sent = b"".join(packed.iter_raw())
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(sent) == plain.content
    assert len(sent) < 0.6 * len(plain.content)
    assert "Accept-Encoding" in plain.headers["vary"]
    assert "Accept-Encoding" in packed.headers["vary"]


@pytest.mark.parametrize("path", ["/", "/model/weights"])
@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip;q=0", None),
        ("gzip;q=0, *", None),
        ("br, *;q=0", None),
        ("identity, gzip;q=0.5", None),
        ("xgzip", None),
        ("GZIP;Q=0.5, identity;q=0.1", "gzip"),
        ("deflate, gzip;q=1.0, *;q=0.5", "gzip"),
        ("*", "gzip"),
    ],
)
def test_weights_of_accept_encoding_count(client: TestClient, path: str, accepted: str, coding: str | None) -> None:
    """RFC 9110, 12.4.2: a weight of 0 means not acceptable. 12.5.3: `*` is any coding that is not named."""
    with client.stream("GET", path, headers={"Accept-Encoding": accepted}) as reply:
        assert reply.headers.get("content-encoding") == coding
        assert "Accept-Encoding" in reply.headers["vary"]


@pytest.mark.parametrize("path", ["/", "/kernels", "/static/js/main.js"])
def test_etags_of_compressed_pages_are_weak_and_revalidate_both_forms(client: TestClient, path: str) -> None:
    packed = client.get(path, headers={"Accept-Encoding": "gzip"}).headers["etag"]
    plain = client.get(path, headers={"Accept-Encoding": "identity"}).headers["etag"]
    assert packed == f"W/{plain}"
    for coding in ("gzip", "identity"):
        for etag in (packed, plain):
            again = client.get(path, headers={"Accept-Encoding": coding, "If-None-Match": etag})
            assert (again.status_code, again.content) == (304, b"")


def test_head_has_the_headers_of_get(client: TestClient) -> None:
    names = ("content-encoding", "content-length", "etag", "vary", "cache-control")
    get, head = client.get("/kernels"), client.head("/kernels")
    assert [head.headers.get(name) for name in names] == [get.headers.get(name) for name in names]
    assert head.content == b""


def test_results_are_not_compressed(client: TestClient) -> None:
    image = {"file": encode(draw_noise(40, 40, 3))}
    for path in ("/filter/blur?format=bmp", "/filter/blur?format=npy&response=raw", "/classify"):
        reply = client.post(path, files=image, headers={"Accept-Encoding": "gzip"})
        assert reply.status_code == 200
        assert "content-encoding" not in reply.headers
