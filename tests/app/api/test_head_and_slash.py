"""HEAD on every GET route, and a slash at the end of a path."""

import httpx2
import pytest
from fastapi.testclient import TestClient

from app.main import create_app
from app.settings import AccessSettings, Settings
from tests.support.images import draw_noise, encode
from tests.support.problems import check_problem, raw_body

IMAGE = encode(draw_noise(8, 8))
EXAMPLES = {
    "/kernels/{name}": "/kernels/sobel",
    "/kernels/{name}/preview.png": "/kernels/sobel/preview.png",
    "/lessons/{name}": "/lessons/averaging",
    "/v2/models/{model}": "/v2/models/digits",
    "/v2/models/{model}/ready": "/v2/models/digits/ready",
    "/samples/{name}.png": "/samples/house.png",
    "/size": "/size?input=28&kernel=5",
}
UNDOCUMENTED = ["/docs", "/openapi.json", "/problems", "/favicon.ico", "/static/js/main.js",
                "/docs/assets/swagger-ui.css"]  # fmt: skip
VARYING = {"x-request-id", "date"}


def list_get_routes(client: httpx2.Client) -> list[str]:
    paths = client.get("/openapi.json").json()["paths"]
    return [EXAMPLES.get(path, path) for path, methods in paths.items() if "get" in methods] + UNDOCUMENTED


def test_head_has_the_headers_of_get_and_no_body(client: httpx2.Client) -> None:
    routes = list_get_routes(client)
    assert len(routes) >= 18
    for route in routes:
        plain = {"Accept-Encoding": "identity"}
        got, head = client.get(route, headers=plain), client.head(route, headers=plain)
        assert got.status_code == head.status_code == 200, route
        assert head.content == b""
        if route == "/metrics":
            continue  # its values change with each request
        expected = {name: value for name, value in got.headers.items() if name not in VARYING}
        assert {name: value for name, value in head.headers.items() if name not in VARYING} == expected, route
        assert int(head.headers["content-length"]) == len(got.content) > 0


def test_head_answers_conditions_and_errors_like_get(client: httpx2.Client) -> None:
    etag = client.head("/kernels").headers["etag"]
    assert client.head("/kernels", headers={"If-None-Match": etag}).status_code == 304
    assert client.head("/kernels/embos").status_code == 404
    assert client.head("/nowhere").status_code == 404
    refused = client.head("/filter/blur")
    assert (refused.status_code, refused.headers["allow"], refused.content) == (405, "POST", b"")
    assert client.delete("/kernels").headers["allow"] == "GET, HEAD"
    assert client.delete("/static/js/main.js").headers["allow"] == "GET, HEAD"


def test_head_is_not_in_the_openapi_document(client: httpx2.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert {method for methods in paths.values() for method in methods} == {"get", "post"}


def test_a_slash_at_the_end_changes_nothing(client: httpx2.Client) -> None:
    for route in list_get_routes(client):
        path, _, query = route.partition("?")
        if path in ("/", "/metrics"):
            continue
        without = client.get(route, follow_redirects=False)
        slashed = client.get(f"{path}/?{query}", follow_redirects=False)
        assert slashed.status_code == 200, route
        assert slashed.content == without.content, route
    assert client.get("/", follow_redirects=False).status_code == 200


def test_an_upload_to_a_path_with_a_slash_is_not_redirected(client: httpx2.Client) -> None:
    for route in ("/filter/emboss", "/classify", "/gallery"):
        without = client.post(route, **raw_body(IMAGE), follow_redirects=False)
        slashed = client.post(f"{route}/", **raw_body(IMAGE), follow_redirects=False)
        assert (slashed.status_code, slashed.content) == (without.status_code, without.content) != (404, b"")
        assert slashed.status_code == 200
    chain = client.post('/filter/?operations=["blur"]', **raw_body(IMAGE), follow_redirects=False)
    assert chain.status_code == 200


@pytest.mark.parametrize("path", ["/static", "/static/", "/docs/assets/", "/kernels//", "/filters/"])
def test_other_paths_are_not_found_and_quoted_as_sent(client: httpx2.Client, path: str) -> None:
    reply = client.request("GET", f"http://testserver{path}", follow_redirects=False)
    assert f"Unknown path {path}." in check_problem(reply, 404, "")["detail"]


def test_head_and_slash_are_counted_under_their_route(client: httpx2.Client) -> None:
    def count(method: str, route: str) -> float:
        line = f'convserve_requests_total{{method="{method}",route="{route}",status="200"}}'
        found = [row for row in client.get("/metrics").text.splitlines() if row.startswith(line)]
        return float(found[0].split()[-1]) if found else 0

    for method, route, sent in [
        ("HEAD", "/kernels/{name}", "/kernels/emboss"),
        ("GET", "/kernels/{name}", "/kernels/emboss/"),
        ("HEAD", "/static/{path}", "/static/js/main.js"),
    ]:
        before = count(method, route)
        assert client.request(method, sent).status_code == 200
        assert count(method, route) == before + 1


def test_access_is_the_same_with_a_slash_and_for_head() -> None:
    access = AccessSettings(tokens="first-token-0123456789")
    client = TestClient(create_app(Settings(workers=1), access))
    for method in ("GET", "HEAD"):
        assert client.request(method, "/kernels/").status_code == 401
        assert client.request(method, "/docs/").status_code == 200
        assert client.request(method, "/problems/").status_code == 200
    assert client.head("/kernels").content == b""
