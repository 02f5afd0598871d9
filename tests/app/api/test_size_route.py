"""`GET /size`: output sizes, calculated by hand or taken from published examples."""

import pytest
from fastapi.testclient import TestClient


@pytest.mark.parametrize(
    ("query", "padding", "output"),
    [
        ("input=28&kernel=5&stride=1&padding=2", (2, 2), 28),
        ("input=28&kernel=5", (0, 0), 24),
        ("input=32&kernel=5&padding=VALID", (0, 0), 28),
        ("input=7&kernel=3&stride=2", (0, 0), 3),  # CS231n: 7x7 under 3x3, stride 2
        ("input=7&kernel=3&stride=3", (0, 0), 2),  # floor of 2.33, as in TensorFlow
        ("input=227&kernel=11&stride=4", (0, 0), 55),  # AlexNet, first layer
        ("input=224&kernel=7&stride=2&padding=3", (3, 3), 112),  # ResNet, first layer
        ("input=28&kernel=5&padding=SAME", (2, 2), 28),
        ("input=28&kernel=5&stride=2&padding=SAME", (1, 2), 14),
        ("input=13&kernel=6&stride=5&padding=SAME", (1, 2), 3),  # the example in TensorFlow's documentation
        ("input=13&kernel=6&stride=5&padding=VALID", (0, 0), 2),
        ("input=10&kernel=2&padding=same", (0, 1), 10),
        ("input=10&kernel=3&dilation=2", (0, 0), 6),
        ("input=10&kernel=3&dilation=2&padding=SAME", (2, 2), 10),
        ("input=5&kernel=1&stride=9&padding=SAME", (0, 0), 1),
        ("input=1&kernel=1", (0, 0), 1),
        ("input=3&kernel=15&padding=SAME", (7, 7), 3),
        ("input=3&kernel=5&padding=1", (1, 1), 1),
    ],
)
def test_sizes_equal_hand_calculations(client: TestClient, query: str, padding: tuple[int, int], output: int) -> None:
    response = client.get(f"/size?{query}")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    size = response.json()
    assert (size["padding_before"], size["padding_after"]) == padding
    assert size["output"] == output
    assert size["worked_out"].endswith(f"= {output}")


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("input=28&kernel=5&stride=1&padding=2", "(28 - 5 + 2×2)/1 + 1 = 28"),
        ("input=7&kernel=3&stride=3", "floor (7 - 3 + 2×0)/3 + 1 = 2"),
        ("input=28&kernel=5&stride=2&padding=SAME", "(28 - 5 + 1 + 2)/2 + 1 = 14"),
        ("input=10&kernel=3&dilation=2", "(10 - (2×(3 - 1) + 1) + 2×0)/1 + 1 = 6"),
    ],
)
def test_formula_is_written_with_its_numbers(client: TestClient, query: str, text: str) -> None:
    assert client.get(f"/size?{query}").json()["worked_out"] == text


def test_response_repeats_the_parameters(client: TestClient) -> None:
    size = client.get("/size?input=28&kernel=5&stride=2&padding=same&dilation=3").json()
    assert (size["input"], size["kernel"], size["stride"], size["dilation"]) == (28, 5, 2, 3)
    assert size["padding"] == "SAME"
    assert size["footprint"] == 13
    assert size["formula"] == "(W - F + 2P)/S + 1"


def test_unknown_parameter_is_rejected(client: TestClient) -> None:
    response = client.get("/size?input=28&kernel=5&strides=2")
    assert response.status_code == 422
    assert response.json()["detail"] == "strides: there is no such parameter; did you mean 'stride'?"
