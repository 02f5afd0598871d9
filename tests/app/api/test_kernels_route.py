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

NAMES_OF_THE_ISSUE = {
    "identity", "blur", "box", "gaussian", "disk", "motion", "sharpen", "unsharp", "edge", "laplacian", "outline",
    "log", "dog", "top-sobel", "bottom-sobel", "left-sobel", "right-sobel", "sobel", "prewitt", "scharr", "roberts",
    "kirsch", "emboss", "gabor", "lighten", "darken", "average",
}  # fmt: skip


def test_the_list_has_every_kernel_once_with_all_that_describes_it(client: TestClient) -> None:
    kernels = client.get("/kernels").json()["kernels"]
    names = [kernel["name"] for kernel in kernels]
    assert set(names) >= NAMES_OF_THE_ISSUE
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


def test_the_kernels_of_the_lecture_have_its_weights(client: TestClient) -> None:
    """The numbers that the issue gives."""
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


def test_a_kernel_that_combines_directions_shows_all_of_them(client: TestClient) -> None:
    sobel = client.get("/kernels/sobel").json()
    assert sobel["combine"] == "magnitude"
    assert np.array(sobel["weights"]).shape == (2, 3, 3)
    assert np.array(client.get("/kernels/kirsch").json()["weights"]).shape == (8, 3, 3)


def test_parameters_are_a_json_schema_with_their_defaults(client: TestClient) -> None:
    parameters = client.get("/kernels/gaussian").json()["parameters"]
    assert parameters["type"] == "object"
    assert parameters["additionalProperties"] is False
    sigma = parameters["properties"]["sigma"]
    assert sigma["type"] == "number"
    assert sigma["minimum"] <= sigma["default"] <= sigma["maximum"]
    assert parameters["properties"]["size"]["type"] == "integer"
    assert client.get("/kernels/blur").json()["parameters"]["properties"] == {}


def test_parameters_shape_the_weights_shown(client: TestClient) -> None:
    weights = np.array(client.get("/kernels/gaussian?sigma=1").json()["weights"])
    grid = np.mgrid[-3:4, -3:4]
    expected = np.exp(-(grid**2).sum(axis=0) / 2)
    assert np.allclose(weights, expected / expected.sum())
    assert client.get("/kernels/box?size=7").json()["rows"] == 7


@pytest.mark.parametrize("name", ["Top_Sobel", "TOP-SOBEL", "top%20sobel"])
def test_names_are_found_however_they_are_spelt(client: TestClient, name: str) -> None:
    assert client.get(f"/kernels/{name}").json()["name"] == "top-sobel"


def test_the_limits_in_the_schema_are_those_that_hold(client: TestClient) -> None:
    for kernel in client.get("/kernels").json()["kernels"]:
        for name, schema in kernel["parameters"]["properties"].items():
            url = f"/kernels/{kernel['name']}"
            for value in (schema["minimum"], schema["maximum"]):
                reply = client.get(url, params={name: value})
                if reply.status_code != 200:  # in range, but not together with the other parameters
                    assert re.match("sigma1 .* must be smaller than sigma2|All weights are 0", reply.json()["detail"])
            assert client.get(url, params={name: schema["minimum"] - 1}).status_code == 422
            assert client.get(url, params={name: schema["maximum"] + 2}).status_code == 422


@pytest.mark.parametrize(
    "path", ["/kernels", "/kernels/emboss", "/kernels/emboss/preview.png", "/kernels/gaussian?sigma=1", "/sample.png"]
)
def test_what_the_client_has_is_not_sent_again(client: TestClient, path: str) -> None:
    first = client.get(path)
    etag = first.headers["ETag"]
    assert etag.startswith('"')  # strong
    assert client.get(path).headers["ETag"] == etag
    for known in (etag, f'"other", {etag}', f"W/{etag}", "*"):
        again = client.get(path, headers={"If-None-Match": known})
        assert again.status_code == 304
        assert again.content == b""
        assert again.headers["ETag"] == etag
    changed = client.get(path, headers={"If-None-Match": '"other"'})
    assert changed.status_code == 200
    assert changed.content == first.content


def test_other_contents_have_other_etags(client: TestClient) -> None:
    paths = ["/kernels", "/kernels/emboss", "/kernels/blur", "/kernels/gaussian?sigma=1", "/kernels/gaussian?sigma=2"]
    assert len({client.get(path).headers["ETag"] for path in paths}) == len(paths)


def test_previews_are_small_images_that_differ(client: TestClient) -> None:
    """Some are alike by nature: edge and outline, and under `abs` the kernels that are each other's negative."""
    kernels = client.get("/kernels").json()["kernels"]
    seen: dict[bytes, list[str]] = {}
    for kernel in kernels:
        reply = client.get(kernel["preview"])
        assert reply.headers["Content-Type"] == "image/png"
        assert decode(reply.content).shape == (72, 96, 3)
        seen.setdefault(decode(reply.content).tobytes(), []).append(kernel["name"])
    alike = {frozenset(names) for names in seen.values() if len(names) > 1}
    assert alike <= {
        frozenset({"edge", "outline"}),
        frozenset({"left-sobel", "right-sobel"}),
        frozenset({"top-sobel", "bottom-sobel"}),
    }


def test_a_preview_shows_the_parameters_asked_for(client: TestClient) -> None:
    weak = decode(client.get("/kernels/gaussian/preview.png?sigma=0.5").content).astype(float)
    strong = decode(client.get("/kernels/gaussian/preview.png?sigma=5").content).astype(float)
    assert np.abs(np.diff(strong, axis=1)).mean() < np.abs(np.diff(weak, axis=1)).mean() / 2


def test_a_preview_of_the_identity_is_the_sample_itself(client: TestClient) -> None:
    assert np.array_equal(decode(client.get("/kernels/identity/preview.png").content), draw_sample(96, 72))


@pytest.mark.parametrize("query", ["channels=gray", "response=raw", "channels=r", "border=valid&stride=8", "linear=1"])
def test_previews_take_every_setting_or_refuse_it(client: TestClient, query: str) -> None:
    reply = client.get(f"/kernels/emboss/preview.png?{query}")
    assert reply.status_code == (422 if query == "linear=1" else 200)
    if reply.status_code == 200:
        assert decode(reply.content).size > 0


def test_kernels_of_a_file_are_served_like_the_others(tmp_path: Path, client: TestClient) -> None:
    file = tmp_path / "kernels.toml"
    file.write_text(
        '[kernels.My_Lift]\nweights = [[1]]\ndivisor = 0.5\ntitle = "Twice as bright"\n'
        '[kernels.numbers]\nweights = [[-1, 0, 1]]\nresponse = "raw"\n'
    )
    with TestClient(create_app(Settings(kernels_file=file, workers=1))) as own:
        lift = own.get("/kernels/my-lift").json()
        assert (lift["title"], lift["divisor"], lift["source"]) == ("Twice as bright", 0.5, "kernels.toml")
        sample = own.get("/sample.png").content
        reply = own.post("/filter/my-lift", files={"file": sample})
        assert np.array_equal(decode(reply.content), np.minimum(2 * decode(sample).astype(int), 255))
        for kernel in own.get("/kernels").json()["kernels"]:
            assert own.get(kernel["preview"]).status_code == 200
        assert own.post("/gallery", files={"file": sample}).status_code == 200
        assert len(own.get("/kernels").json()["kernels"]) == len(client.get("/kernels").json()["kernels"]) + 2
    assert client.get("/kernels/my-lift").status_code == 404
