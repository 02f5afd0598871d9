"""`explain=json`: the arithmetic of a filter request."""

import json
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from tests.support.filtering import EMBOSS, PHOTO, correlate
from tests.support.images import Pixels, encode


def explain(client: TestClient, pixels: Pixels, kernel: str, **query: str) -> dict[str, Any]:
    response = client.post(f"/filter/{kernel}", params=query | {"explain": "json"}, files={"file": encode(pixels)})
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "Content-Disposition" not in response.headers
    return response.json()


def test_explanation_of_a_small_image(client: TestClient) -> None:
    """1 2 3 / 4 5 6 under [0 1; 1 -4] (VALID, divisor 2, bias 1): (2+4-20)/2+1 = -6, (3+5-24)/2+1 = -7."""
    pixels = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)
    answer = explain(
        client, pixels, "custom", weights="0,1;1,-4", divisor="2", bias="1", border="valid", response="clip"
    )
    assert answer["input"] == {"width": 3, "height": 2, "channels": 1}
    assert answer["output"] == {"width": 2, "height": 1, "channels": 1}
    assert answer["multiply_adds"] == 2 * 1 * 4
    (step,) = answer["steps"]
    assert step["weights"] == [[[0, 0.5], [0.5, -2]]]
    assert (step["sum"], step["divisor"], step["bias"], step["amount"]) == (-2, 2, 1, 1)
    assert (step["minimum"], step["maximum"], step["clipped_percent"]) == (-7, -6, 100)
    assert (step["rank"], step["separable"]) == (2, False)
    assert step["padding"] == {"top": 0, "bottom": 0, "left": 0, "right": 0}
    assert step["output"]["width"] == 2
    assert step["output"]["height"] == 1
    assert step["output"]["width_formula"].endswith("(3 - 2 + 2×0)/1 + 1 = 2")
    assert step["output"]["height_formula"].endswith("(2 - 2 + 2×0)/1 + 1 = 1")
    assert step["multiply_adds"] == 8


def test_explanation_has_effective_weights(client: TestClient) -> None:
    """Half of [1 2 1; 2 4 2; 1 2 1]/16 and half of the identity."""
    (step,) = explain(client, PHOTO, "blur", amount="0.5")["steps"]
    assert step["weights"] == [[[1 / 32, 2 / 32, 1 / 32], [2 / 32, 4 / 32 + 0.5, 2 / 32], [1 / 32, 2 / 32, 1 / 32]]]
    assert (step["rank"], step["separable"]) == (1, True)


def test_explanation_has_padding_and_stride_of_every_step(client: TestClient) -> None:
    """SAME padding of 17x12 with stride 2 gives 9x6, then 5x3. The odd pixel of padding is at the end."""
    answer = explain(client, PHOTO, "box,box", size="3", stride="2")
    first, second = answer["steps"]
    assert first["padding"] == {"top": 0, "bottom": 1, "left": 1, "right": 1}
    assert (first["output"]["width"], first["output"]["height"]) == (9, 6)
    assert first["output"]["width_formula"].endswith("(17 - 3 + 2×1)/2 + 1 = 9")
    assert first["output"]["height_formula"].endswith("(12 - 3 + 0 + 1)/2 + 1 = 6")
    assert (second["output"]["width"], second["output"]["height"]) == (5, 3)
    assert answer["output"] == {"width": 5, "height": 3, "channels": 3}
    assert answer["multiply_adds"] == 9 * (9 * 6 + 5 * 3) * 3


def test_explanation_has_range_and_clipped_share(client: TestClient) -> None:
    (step,) = explain(client, PHOTO, "emboss")["steps"]
    values = correlate(PHOTO, EMBOSS)
    assert (step["minimum"], step["maximum"]) == (values.min(), values.max())
    assert step["clipped_percent"] == pytest.approx(100 * np.mean((values < 0) | (values > 255)), abs=0.001)


@pytest.mark.parametrize("query", [{"divisor": "1e-40"}, {"bias": "1e300%"}, {"divisor": "1e-9", "response": "raw"}])
def test_explanation_is_strict_json_for_extreme_numbers(client: TestClient, query: dict[str, str]) -> None:
    response = client.post("/filter/blur", params=query | {"explain": "json"}, files={"file": encode(PHOTO)})
    assert response.status_code in (200, 422)
    json.loads(response.content, parse_constant=lambda text: pytest.fail(f"{text} is not JSON"))


def test_explain_can_be_a_form_field(client: TestClient) -> None:
    form = {"operations": '[{"kernel": "blur"}]', "explain": "json"}
    response = client.post("/filter", files={"file": encode(PHOTO)}, data=form)
    assert response.json()["steps"][0]["kernel"] == "blur"
