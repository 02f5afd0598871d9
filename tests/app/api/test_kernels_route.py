"""`GET /kernels`, `/kernels/{name}` and the previews."""

import re
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from app.main import create_app
from app.settings import Settings
from app.tasks.samples import draw_sample
from tests.support.images import decode

REQUIRED_NAMES = {
    "identity", "blur", "box", "gaussian", "disk", "motion", "sharpen", "unsharp", "edge", "laplacian", "outline",
    "log", "dog", "top-sobel", "bottom-sobel", "left-sobel", "right-sobel", "sobel", "prewitt", "scharr", "roberts",
    "kirsch", "emboss", "gabor", "lighten", "darken", "average",
}  # fmt: skip


def test_list_describes_every_kernel_once(client: TestClient) -> None:
    kernels = client.get("/kernels").json()["kernels"]
    names = [kernel["name"] for kernel in kernels]
    assert set(names) >= REQUIRED_NAMES
    assert len(names) == len(set(names)) >= 30
    for kernel in kernels:
        assert kernel["title"]
        assert kernel["source"]
        parts = np.array(kernel["weights"])
        parts = parts if parts.ndim == 3 else parts[None]
        assert parts.shape[1:] == (kernel["rows"], kernel["columns"])
        assert kernel["sum"] == pytest.approx(parts[0].sum(), abs=1e-6)
        assert kernel["rank"] == np.linalg.matrix_rank(parts[0])
        assert kernel["separable"] == all(np.linalg.matrix_rank(part) == 1 for part in parts)
        by_sum = "abs" if abs(parts[0].sum()) < 1e-6 else "clip"
        assert kernel["response"] == ("rescale" if kernel["source"] == "learned" else by_sum)


def test_common_kernels_have_the_expected_weights(client: TestClient) -> None:
    """The usual definitions of these kernels."""
    blur = client.get("/kernels/blur").json()
    assert blur["weights"] == [[1, 2, 1], [2, 4, 2], [1, 2, 1]]
    assert (blur["sum"], blur["divisor"], blur["response"], blur["separable"]) == (16, 16, "clip", True)
    sharpen = client.get("/kernels/sharpen").json()
    assert sharpen["weights"] == [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]
    assert (sharpen["sum"], sharpen["divisor"], sharpen["separable"]) == (1, 1, False)
    edge = client.get("/kernels/edge").json()
    assert edge["weights"] == [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]
    assert (edge["sum"], edge["response"]) == (0, "abs")
    assert client.get("/kernels/emboss").json()["weights"] == [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]


def test_combined_kernels_show_all_parts(client: TestClient) -> None:
    sobel = client.get("/kernels/sobel").json()
    assert sobel["combine"] == "magnitude"
    assert np.array(sobel["weights"]).shape == (2, 3, 3)
    assert np.array(client.get("/kernels/kirsch").json()["weights"]).shape == (8, 3, 3)


def test_parameters_are_a_json_schema_with_defaults(client: TestClient) -> None:
    parameters = client.get("/kernels/gaussian").json()["parameters"]
    assert parameters["type"] == "object"
    assert parameters["additionalProperties"] is False
    sigma = parameters["properties"]["sigma"]
    assert sigma["type"] == "number"
    assert sigma["minimum"] <= sigma["default"] <= sigma["maximum"]
    assert parameters["properties"]["size"]["type"] == "integer"
    assert client.get("/kernels/blur").json()["parameters"]["properties"] == {}


def test_parameters_change_the_weights(client: TestClient) -> None:
    weights = np.array(client.get("/kernels/gaussian?sigma=1").json()["weights"])
    grid = np.mgrid[-3:4, -3:4]
    expected = np.exp(-(grid**2).sum(axis=0) / 2)
    assert np.allclose(weights, expected / expected.sum())
    assert client.get("/kernels/box?size=7").json()["rows"] == 7


@pytest.mark.parametrize("name", ["Top_Sobel", "TOP-SOBEL", "top%20sobel"])
def test_names_are_normalised(client: TestClient, name: str) -> None:
    assert client.get(f"/kernels/{name}").json()["name"] == "top-sobel"


def test_schema_has_the_actual_limits(client: TestClient) -> None:
    for kernel in client.get("/kernels").json()["kernels"]:
        for name, schema in kernel["parameters"]["properties"].items():
            url = f"/kernels/{kernel['name']}"
            for value in (schema["minimum"], schema["maximum"]):
                response = client.get(url, params={name: value})
                if response.status_code != 200:  # in range, but not valid with the other parameters
                    assert re.match(
                        "sigma1 .* must be smaller than sigma2|All weights are 0", response.json()["detail"]
                    )
            assert client.get(url, params={name: schema["minimum"] - 1}).status_code == 422
            assert client.get(url, params={name: schema["maximum"] + 2}).status_code == 422


@pytest.mark.parametrize(
    "path", ["/kernels", "/kernels/emboss", "/kernels/emboss/preview.png", "/kernels/gaussian?sigma=1", "/sample.png"]
)
def test_unchanged_content_is_not_sent_again(client: TestClient, path: str) -> None:
    plain = {"Accept-Encoding": "identity"}  # the ETag of a compressed response is weak
    first = client.get(path, headers=plain)
    etag = first.headers["ETag"]
    assert etag.startswith('"')  # strong
    assert client.get(path, headers=plain).headers["ETag"] == etag
    for known in (etag, f'"other", {etag}', f"W/{etag}", "*"):
        again = client.get(path, headers=plain | {"If-None-Match": known})
        assert again.status_code == 304
        assert again.content == b""
        assert again.headers["ETag"] == etag
    changed = client.get(path, headers={"If-None-Match": '"other"'})
    assert changed.status_code == 200
    assert changed.content == first.content


def test_different_contents_have_different_etags(client: TestClient) -> None:
    paths = ["/kernels", "/kernels/emboss", "/kernels/blur", "/kernels/gaussian?sigma=1", "/kernels/gaussian?sigma=2"]
    assert len({client.get(path).headers["ETag"] for path in paths}) == len(paths)


def test_previews_are_small_and_different(client: TestClient) -> None:
    """Some are equal by definition: edge and outline, and with `abs` the kernels that are negatives of each other."""
    kernels = client.get("/kernels").json()["kernels"]
    seen: dict[bytes, list[str]] = {}
    for kernel in kernels:
        response = client.get(kernel["preview"])
        assert response.headers["Content-Type"] == "image/png"
        assert decode(response.content).shape == (72, 96, 3)
        seen.setdefault(decode(response.content).tobytes(), []).append(kernel["name"])
    alike = {frozenset(names) for names in seen.values() if len(names) > 1}
    assert alike <= {
        frozenset({"edge", "outline"}),
        frozenset({"left-sobel", "right-sobel"}),
        frozenset({"top-sobel", "bottom-sobel"}),
    }


def test_preview_uses_the_parameters(client: TestClient) -> None:
    weak = decode(client.get("/kernels/gaussian/preview.png?sigma=0.5").content).astype(float)
    strong = decode(client.get("/kernels/gaussian/preview.png?sigma=5").content).astype(float)
    assert np.abs(np.diff(strong, axis=1)).mean() < np.abs(np.diff(weak, axis=1)).mean() / 2


def test_preview_of_identity_is_the_sample(client: TestClient) -> None:
    assert np.array_equal(decode(client.get("/kernels/identity/preview.png").content), draw_sample(96, 72))


@pytest.mark.parametrize("query", ["channels=gray", "response=raw", "channels=r", "border=valid&stride=8", "linear=1"])
def test_preview_accepts_only_kernel_settings(client: TestClient, query: str) -> None:
    response = client.get(f"/kernels/emboss/preview.png?{query}")
    assert response.status_code == (422 if query == "linear=1" else 200)
    if response.status_code == 200:
        assert decode(response.content).size > 0


def test_kernels_of_a_file_are_served_like_built_in_ones(tmp_path: Path, client: TestClient) -> None:
    file = tmp_path / "kernels.toml"
    file.write_text(
        '[kernels.My_Lift]\nweights = [[1]]\ndivisor = 0.5\ntitle = "Twice as bright"\n'
        '[kernels.numbers]\nweights = [[-1, 0, 1]]\nresponse = "raw"\n'
    )
    with TestClient(create_app(Settings(kernels_file=file, workers=1))) as own:
        lift = own.get("/kernels/my-lift").json()
        assert (lift["title"], lift["divisor"], lift["source"]) == ("Twice as bright", 0.5, "kernels.toml")
        sample = own.get("/sample.png").content
        response = own.post("/filter/my-lift", files={"file": sample})
        assert np.array_equal(decode(response.content), np.minimum(2 * decode(sample).astype(int), 255))
        for kernel in own.get("/kernels").json()["kernels"]:
            assert own.get(kernel["preview"]).status_code == 200
        assert own.post("/gallery", files={"file": sample}).status_code == 200
        assert len(own.get("/kernels").json()["kernels"]) == len(client.get("/kernels").json()["kernels"]) + 2
    assert client.get("/kernels/my-lift").status_code == 404
