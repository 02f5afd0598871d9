"""`explain=json` of a chain includes the single kernel that it equals, and its request."""

import io
import json
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from scipy import ndimage
from typer.testing import CliRunner

from app.cli.commands import app
from tests.support.images import Pixels, decode, encode

PHOTO = np.clip(ndimage.gaussian_filter(np.random.default_rng(2).normal(128, 90, (40, 52, 3)), (2, 2, 0)), 0, 255)
PHOTO = np.clip(128 + 2.5 * (PHOTO - 128), 30, 220).astype(np.uint8)


def explain(client: TestClient, names: str, pixels: Pixels = PHOTO, **query: Any) -> Any:
    response = client.post(f"/filter/{names}", params={"explain": "json", **query}, files={"file": encode(pixels)})
    assert response.status_code == 200, response.text
    return response.json()


@pytest.mark.parametrize(
    ("names", "query", "margin"),
    [
        ("gaussian,sharpen", {"sigma": 1.2}, 1),
        ("gaussian,edge,blur", {"response": "raw"}, 2),
        ("blur,blur", {"border": "wrap"}, 0),
        ("blur,box", {"border": "valid", "size": 3}, 0),
        ("box,box", {"stride": 2, "size": 3}, 0),  # all padding is at the end
    ],
)
def test_composed_kernel_equals_the_chain_inside_the_margin(
    client: TestClient, names: str, query: dict[str, Any], margin: int
) -> None:
    one = explain(client, names, **query)["one_kernel"]
    assert (one["is_one_kernel"], one["exact"]) == (True, True)
    assert one["margin"]["top"] == one["margin"]["left"] == margin
    files = {"file": encode(PHOTO)}
    if query.get("response") == "raw":
        chain, once = (
            np.load(io.BytesIO(client.post(path, params=more, files=files).content))
            for path, more in ((f"/filter/{names}", query), (one["request"], None))
        )
        tolerance = 1e-3
    else:
        chain = decode(client.post(f"/filter/{names}", params=query, files=files).content).astype(float)
        once = decode(client.post(one["request"], files=files).content).astype(float)
        tolerance = 1  # a sum close to a half can be rounded up or down
    assert once.shape == chain.shape
    bottom, right = one["margin"]["bottom"], one["margin"]["right"]
    inside = np.s_[margin : chain.shape[0] - bottom, margin : chain.shape[1] - right]
    difference = np.abs(once - chain)[inside]
    assert difference.max() <= tolerance
    assert np.mean(difference > 0.01) < 0.01


def test_composed_kernel_applied_by_scipy_equals_the_chain(client: TestClient) -> None:
    one = explain(client, "gaussian,sharpen", sigma=1)["one_kernel"]
    weights = np.array(one["weights"]) / one["divisor"]
    by_scipy = np.dstack([ndimage.correlate(PHOTO[..., c].astype(float), weights, mode="nearest") for c in range(3)])
    chain = decode(client.post("/filter/gaussian,sharpen?sigma=1", files={"file": encode(PHOTO)}).content)
    assert np.abs(by_scipy - chain)[1:-1, 1:-1].max() <= 0.5 + 1e-3
    assert "inside the margin" in one["why"]


def test_reason_for_inexactness_is_given(client: TestClient) -> None:
    assert "takes the magnitude of 2 kernels" in explain(client, "sobel,blur")["one_kernel"]["why"]
    assert "drops the sign" in explain(client, "edge,blur")["one_kernel"]["why"]
    harsh = np.where(PHOTO > 128, 255, 0).astype(np.uint8)
    clipped = explain(client, "sharpen,blur", harsh)["one_kernel"]
    assert not clipped["exact"]
    assert "are clipped there" in clipped["why"]
    faint = np.dstack([PHOTO, np.full(PHOTO.shape[:2], 200, np.uint8)])
    assert "transparent pixels" in explain(client, "blur,blur", faint)["one_kernel"]["why"]
    wide = explain(client, "box,box", size=63)["one_kernel"]
    assert wide["request"] is None  # its sides are 125
    assert len(wide["weights"]) == 125
    assert "Exact nowhere" in wide["why"]


def test_single_step_has_no_composed_kernel(client: TestClient) -> None:
    assert "one_kernel" not in explain(client, "blur")


def test_command_line_shows_the_composed_kernel(tmp_path: Any) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(encode(PHOTO))
    result = CliRunner().invoke(app, ["filter", "blur,blur", str(path), "--explain", "json"])
    assert result.exit_code == 0, result.output
    one = json.loads(result.stdout)["one_kernel"]
    np.testing.assert_array_equal(one["weights"], np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]))
    assert one["divisor"] == 256
