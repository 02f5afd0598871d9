"""The OpenAPI document describes the actual API, and /docs works without internet access."""

import re
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.support.images import draw_noise, encode

IMAGE_TYPES = {"image/png", "image/jpeg", "image/webp", "image/avif", "image/gif", "image/tiff", "image/bmp"}


@pytest.fixture(scope="module")
def document(client: TestClient) -> dict[str, Any]:
    response = client.get("/openapi.json")
    assert response.status_code == 200
    return dict(response.json())


def list_operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def list_parameters(document: dict[str, Any], path: str, method: str = "post") -> dict[str, dict[str, Any]]:
    return {parameter["name"]: parameter for parameter in document["paths"][path][method].get("parameters", [])}


def test_document_is_openapi_3_1_and_its_references_resolve(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert {"title", "version", "description", "license"} <= set(document["info"])
    references = set(re.findall(r"'\$ref': '([^']+)'", str(document)))
    assert references
    for reference in references:
        node: Any = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]
    names = [parameter["name"] for parameter in document["paths"]["/filter"]["post"]["parameters"]]
    assert len(names) == len(set(names))


def test_every_operation_has_unique_id_tag_summary_and_success_response(document: dict[str, Any]) -> None:
    operations = list_operations(document)
    assert {path for path, _, _ in operations} >= {
        "/", "/filter", "/filter/{kernel}", "/gallery", "/kernels", "/kernels/{name}", "/kernels/{name}/preview.png",
        "/size", "/learn", "/livez", "/readyz", "/sample.png",
    }  # fmt: skip
    identifiers = [operation["operationId"] for _, _, operation in operations]
    assert len(identifiers) == len(set(identifiers))
    tags = {tag["name"] for tag in document["tags"]}
    for path, _, operation in operations:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)+", operation["operationId"]), path
        assert set(operation["tags"]) <= tags
        assert operation["summary"]
        assert "200" in operation["responses"]
        for parameter in operation.get("parameters", []):
            assert parameter.get("description"), (path, parameter["name"])
        for match in re.findall(r"{(\w+)}", path):
            assert match in {p["name"] for p in operation["parameters"] if p["in"] == "path"}


def test_errors_are_documented_as_problems(document: dict[str, Any]) -> None:
    assert "HTTPValidationError" not in document["components"]["schemas"]
    for path, _, operation in list_operations(document):
        for status, response in operation["responses"].items():
            if status >= "400":
                assert list(response["content"]) == ["application/problem+json"], (path, status)
                assert response["content"]["application/problem+json"]["schema"]["$ref"].endswith("/Problem")
    for path in ("/filter", "/filter/{kernel}"):
        statuses = set(document["paths"][path]["post"]["responses"])
        assert statuses == {"200", "400", "404", "406", "413", "415", "422", "500", "503"}


@pytest.mark.parametrize("path", ["/filter", "/filter/{kernel}"])
def test_image_bodies_are_documented(document: dict[str, Any], path: str) -> None:
    operation = document["paths"][path]["post"]
    response = operation["responses"]["200"]
    assert next(iter(response["content"])) == "image/*"  # /docs sends it as Accept, so that a JPEG stays a JPEG
    others = {"image/*", "application/x-npy", "application/octet-stream", "application/json"}
    assert set(response["content"]) == IMAGE_TYPES | others
    types = list(response["content"])  # a generator of clients takes the first that it knows
    assert types.index("application/octet-stream") < types.index("application/json")
    assert {
        "X-Origin-Width", "X-Origin-Height", "X-Result-Width", "X-Result-Height", "X-Kernel-Sum", "X-Kernel-Divisor",
        "X-Clipped-Percent", "Server-Timing",
    } <= set(response["headers"])  # fmt: skip
    uploads = operation["requestBody"]["content"]
    assert set(uploads) == IMAGE_TYPES | {"image/heic", "image/heif", "multipart/form-data", "application/json"}
    assert uploads["multipart/form-data"]["schema"]["properties"]["file"]["format"] == "binary"
    assert uploads["multipart/form-data"]["schema"]["required"] == ["file"]
    for path_of_png in ("/kernels/{name}/preview.png", "/sample.png", "/samples/{name}.png"):
        (png,) = document["paths"][path_of_png].values()
        assert list(png["responses"]["200"]["content"]) == ["image/png", "application/octet-stream"]
    gallery = document["paths"]["/gallery"]["post"]["responses"]["200"]["content"]
    assert list(gallery) == ["image/png", "application/octet-stream", "application/json"]


def test_kernel_parameter_has_examples(document: dict[str, Any]) -> None:
    examples = list_parameters(document, "/filter/{kernel}")["kernel"]["examples"]
    assert {"emboss", "custom", "gaussian,edge"} <= {example["value"] for example in examples.values()}


DEFAULTS = {
    "border": "edge", "stride": "1", "dilation": "1", "bias": 0, "amount": 1, "channels": "rgb", "alpha": "auto",
    "linear": False, "frames": "all", "behaviour": "correlate",
}  # fmt: skip


@pytest.mark.parametrize("path", ["/filter", "/filter/{kernel}"])
@pytest.mark.parametrize(("name", "default"), DEFAULTS.items())
def test_defaults_are_documented(document: dict[str, Any], path: str, name: str, default: object) -> None:
    assert list_parameters(document, path)[name]["schema"]["default"] == default


@pytest.mark.parametrize("name", ["divisor", "response", "format"])
def test_computed_defaults_are_described(document: dict[str, Any], name: str) -> None:
    parameter = list_parameters(document, "/filter/{kernel}")[name]
    assert "Default:" in parameter["description"]
    assert parameter["required"] is False


@pytest.mark.parametrize(("name", "default"), DEFAULTS.items())
def test_documented_default_is_the_actual_default(client: TestClient, name: str, default: object) -> None:
    sent = {"file": encode(draw_noise(9, 9, 4))}
    plain = client.post("/filter/emboss?format=webp", files=sent)
    spelt = client.post("/filter/emboss?format=webp", params={"format": "webp", name: default}, files=sent)  # type: ignore[dict-item]
    assert plain.content == spelt.content


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("border", {"edge", "zero", "reflect", "symmetric", "wrap", "valid"}),
        ("response", {"clip", "abs", "offset", "rescale", "raw"}),
        ("alpha", {"auto", "keep", "filter"}),
        ("format", {"jpeg", "png", "webp", "avif", "gif", "tiff", "bmp", "npy", "json"}),
        ("behaviour", {"correlate", "convolve"}),
        ("frames", {"all", "first"}),
    ],
)
def test_choices_are_listed(document: dict[str, Any], name: str, values: set[str]) -> None:
    schema = list_parameters(document, "/filter/{kernel}")[name]["schema"]
    options = [schema, *schema.get("anyOf", [])]
    assert values == {value for option in options for value in option.get("enum", [])}


def test_ranges_are_documented(document: dict[str, Any]) -> None:
    parameters = list_parameters(document, "/filter/{kernel}")
    assert (parameters["quality"]["schema"]["minimum"], parameters["quality"]["schema"]["maximum"]) == (1, 100)
    size = list_parameters(document, "/size", "get")
    assert size["input"]["required"]
    assert size["stride"]["schema"]["default"] == 1
    assert size["padding"]["schema"]["default"] == "VALID"
    for name in ("mirror", "replicate", "reflect101", "circular"):
        assert name in parameters["border"]["description"]


def test_docs_page_loads_nothing_from_other_sites(client: TestClient) -> None:
    page = client.get("/docs")
    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert re.findall(r"https?:", page.text) == []
    assets = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(assets) >= 4
    for asset in assets:
        assert asset.startswith(("/docs/assets/", "/static/"))
        assert client.get(asset).status_code == 200
    script = client.get("/docs/assets/swagger-ui-bundle.js")
    assert len(script.content) > 500_000
    assert "javascript" in script.headers["Content-Type"]
    assert "/openapi.json" in page.text


def test_redoc_is_off(client: TestClient) -> None:
    assert client.get("/redoc").status_code == 404


def test_not_modified_is_documented(client: TestClient, document: dict[str, Any]) -> None:
    etag = client.get("/kernels").headers["ETag"]
    assert client.get("/kernels", headers={"If-None-Match": etag}).status_code == 304
    for path in ("/kernels", "/kernels/{name}", "/kernels/{name}/preview.png", "/sample.png"):
        assert "304" in document["paths"][path]["get"]["responses"], path
