"""`GET /`: a page for people, links for programs."""

import re

import pytest
from fastapi.testclient import TestClient

from tests.support.images import decode


@pytest.mark.parametrize("accept", ["text/html,application/xhtml+xml,*/*;q=0.8", "*/*", "text/html"])
def test_people_get_a_page(client: TestClient, accept: str) -> None:
    reply = client.get("/", headers={"Accept": accept})
    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    assert reply.headers["Vary"] == "Accept"
    assert "<form" in reply.text


@pytest.mark.parametrize("accept", ["application/json", "application/json, text/html;q=0.5"])
def test_programs_get_links_that_lead_somewhere(client: TestClient, accept: str) -> None:
    reply = client.get("/", headers={"Accept": accept})
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.headers["Vary"] == "Accept"
    documented = client.get("/openapi.json").json()["paths"]
    for path in reply.json()["links"].values():
        assert path in documented or client.get(path).status_code == 200


def test_the_api_is_linked_in_the_headers(client: TestClient) -> None:
    """RFC 8631: service-desc for machines, service-doc for people."""
    link = client.get("/").headers["Link"]
    for path, relation in re.findall(r'<([^>]+)>; rel="([^"]+)"', link):
        assert relation in ("service-desc", "service-doc")
        assert client.get(path).status_code == 200
    assert link.count("rel=") == 2


def test_the_page_fetches_nothing_from_elsewhere(client: TestClient) -> None:
    page = client.get("/").text
    assert "http://" not in page
    assert "https://" not in page
    assert re.findall(r'(?:src|href)="//', page) == []
    for path in re.findall(r'(?:src|href|action)="(/[^"]*)"', page) + re.findall(r'fetch\("(/[^"]*)"\)', page):
        assert client.get(path).status_code == 200


def test_there_is_an_image_to_try(client: TestClient) -> None:
    reply = client.get("/sample.png")
    assert reply.headers["Content-Type"] == "image/png"
    pixels = decode(reply.content)
    assert pixels.ndim == 3
    assert pixels.std() > 30


def test_the_service_says_that_it_lives(client: TestClient) -> None:
    reply = client.get("/livez")
    assert (reply.status_code, reply.json()) == (200, {"status": "ok"})
