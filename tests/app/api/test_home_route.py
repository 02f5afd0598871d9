"""`GET /`: a page for browsers, links for programs."""

import re

import pytest
from fastapi.testclient import TestClient

from tests.support.images import decode


@pytest.mark.parametrize("accept", ["text/html,application/xhtml+xml,*/*;q=0.8", "*/*", "text/html"])
def test_browsers_get_the_page(client: TestClient, accept: str) -> None:
    response = client.get("/", headers={"Accept": accept})
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert response.headers["Vary"] == "Accept, Accept-Encoding"
    assert "<form" in response.text


@pytest.mark.parametrize("accept", ["application/json", "application/json, text/html;q=0.5"])
def test_programs_get_valid_links(client: TestClient, accept: str) -> None:
    response = client.get("/", headers={"Accept": accept})
    assert response.headers["Content-Type"] == "application/json"
    assert "Accept" in response.headers["Vary"].split(", ")
    documented = client.get("/openapi.json").json()["paths"]
    for path in response.json()["links"].values():
        assert path in documented or client.get(path).status_code == 200


def test_link_header_leads_to_the_documentation(client: TestClient) -> None:
    """RFC 8631: service-desc for machines, service-doc for humans."""
    link = client.get("/").headers["Link"]
    for path, relation in re.findall(r'<([^>]+)>; rel="([^"]+)"', link):
        assert relation in ("service-desc", "service-doc")
        assert client.get(path).status_code == 200
    assert link.count("rel=") == 2


def test_page_loads_nothing_from_other_sites(client: TestClient) -> None:
    page = client.get("/").text
    assert "http://" not in page
    assert "https://" not in page
    assert re.findall(r'(?:src|href)="//', page) == []
    for path in re.findall(r'(?:src|href|action)="(/[^"]*)"', page) + re.findall(r'fetch\("(/[^"]*)"\)', page):
        assert client.get(path).status_code == 200


def test_sample_image_is_served(client: TestClient) -> None:
    response = client.get("/sample.png")
    assert response.headers["Content-Type"] == "image/png"
    pixels = decode(response.content)
    assert pixels.ndim == 3
    assert pixels.std() > 30


def test_liveness(client: TestClient) -> None:
    response = client.get("/livez")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
