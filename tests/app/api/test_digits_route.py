"""`POST /classify`, `POST /read` and `GET /model`: digits, images without digits, and bad input."""

import base64
import io
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from tests.support.digit_images import TEST, find_digit, write_line, write_on_paper
from tests.support.images import encode


def classify(client: TestClient, *files: bytes, **parameters: Any) -> Any:
    response = client.post("/classify", files=[("file", file) for file in files], params=parameters)
    assert response.status_code == 200, response.text
    return response.json()


def test_accuracy_over_http_is_at_least_99_percent(client: TestClient) -> None:
    answers: list[dict[str, Any]] = []
    for start in range(0, len(TEST.images), 50):
        answers += classify(client, *(encode(image) for image in TEST.images[start : start + 50]))
    right = [answer["digit"] == label for answer, label in zip(answers, TEST.labels, strict=True)]
    assert len(right) >= 300
    assert np.mean(right) >= 0.99


@pytest.mark.parametrize("digit", range(10))
def test_both_polarities_give_the_same_digit(client: TestClient, digit: int) -> None:
    paper = write_on_paper(find_digit(digit))
    on_paper, on_a_blackboard = classify(client, encode(paper), encode(255 - paper))
    assert (on_paper["digit"], on_paper["verdict"]) == (digit, "digit")
    assert (on_a_blackboard["digit"], on_a_blackboard["verdict"]) == (digit, "digit")
    assert (on_paper["steps"]["polarity"], on_a_blackboard["steps"]["polarity"]) == ("dark", "light")


def test_single_file_gives_a_complete_result(client: TestClient) -> None:
    answer = classify(client, encode(write_on_paper(find_digit(7))))
    assert answer["verdict"] == "digit"
    assert answer["digit"] == int(np.argmax(answer["probabilities"])) == 7
    assert answer["confidence"] == max(answer["probabilities"])
    assert sum(answer["probabilities"]) == pytest.approx(1, abs=1e-6)
    assert len(answer["probabilities"]) == 10
    assert answer["preview"] is None


def test_box_encloses_the_digit(client: TestClient) -> None:
    page = np.full((400, 600), 240, np.uint8)
    page[100:324, 300:524] = write_on_paper(find_digit(5))
    ink = np.argwhere(page < 150)
    box = classify(client, encode(page))["box"]
    (top, left), (bottom, right) = ink.min(axis=0), ink.max(axis=0) + 1
    found = (box["left"], box["top"], box["left"] + box["width"], box["top"] + box["height"])
    assert np.abs(np.subtract(found, (left, top, right, bottom))).max() <= 16


def test_box_of_a_reduced_photo_is_in_its_original_pixels(client: TestClient) -> None:
    page = np.full((400, 600), 240, np.uint8)
    page[100:324, 300:524] = write_on_paper(find_digit(5))
    small = classify(client, encode(page, "JPEG", quality=95))["box"]
    large = np.asarray(Image.fromarray(page).resize((4800, 3200), Image.Resampling.BICUBIC))
    boxed = classify(client, encode(large, "JPEG", quality=95))["box"]
    assert [boxed[side] / 8 for side in boxed] == pytest.approx([small[side] for side in small], abs=6)


def test_several_files_give_results_in_order(client: TestClient) -> None:
    order = [3, 1, 4, 1, 5, 9, 2, 6]
    answers = classify(client, *(encode(write_on_paper(find_digit(digit))) for digit in order))
    assert [answer["digit"] for answer in answers] == order


def test_raw_body_and_form_give_the_same_result(client: TestClient) -> None:
    data = encode(write_on_paper(find_digit(8)))
    raw = client.post("/classify", content=data, headers={"Content-Type": "image/png"})
    assert raw.json() == classify(client, data)
    assert raw.headers["cache-control"] == "no-store"


def test_preview_shows_the_input_of_the_network(client: TestClient) -> None:
    answer = classify(client, encode(write_on_paper(find_digit(2))), preview=True)
    head, body = answer["preview"]["seen"].split(",")
    assert head == "data:image/png;base64"
    seen = np.asarray(Image.open(io.BytesIO(base64.b64decode(body))), np.float64)
    assert seen.shape == (28, 28)
    original = find_digit(2).astype(np.float64)
    correlation = np.corrcoef(seen.ravel(), original.ravel())[0, 1]
    assert correlation > 0.9
    assert answer["preview"]["stages"]


@pytest.mark.parametrize("value", [0, 128, 255])
def test_image_of_one_colour_is_blank(client: TestClient, value: int) -> None:
    answer = classify(client, encode(np.full((120, 90), value, np.uint8)))
    assert (answer["verdict"], answer["digit"], answer["box"]) == ("blank", None, None)


def test_single_pixel_is_not_a_digit(client: TestClient) -> None:
    assert classify(client, encode(np.zeros((1, 1), np.uint8)))["verdict"] in ("blank", "not_a_digit")


def test_noise_and_texture_are_not_digits(client: TestClient) -> None:
    noise = np.random.default_rng(5).integers(0, 256, (200, 200), dtype=np.uint8)
    y, x = np.mgrid[:200, :200]
    stripes = (127 + 120 * np.sin((x + y) / 3)).astype(np.uint8)
    for image in (noise, stripes):
        assert classify(client, encode(image))["verdict"] in ("not_a_digit", "blank")


@pytest.mark.parametrize("path", ["/classify", "/read", "/classify/explain?format=json"])
def test_strictness_decides_what_is_accepted(client: TestClient, path: str) -> None:
    """Not which digit it is. The lowest strictness that refuses a digit follows from the answer itself."""

    def send(digit: int, **fields: Any) -> Any:
        file = encode(write_on_paper(find_digit(digit)))
        response = client.post(path, files={"file": file}, data=fields)
        assert response.status_code == 200, response.text
        answer = response.json()
        return answer["digits"][0] if path == "/read" else answer.get("answer", answer)

    usual, lenient, strict = send(8), send(8, strictness="0"), send(8, strictness="1")
    probability = usual["confidence"] * (1 - usual["not_a_digit"])
    assert probability < 1
    assert [one["verdict"] for one in (usual, lenient)] == ["digit", "digit"]
    assert strict["verdict"] in ("unsure", "not_a_digit")
    assert (strict["digit"], lenient["probabilities"]) == (8, usual["probabilities"])
    assert send(8, strictness=str(probability))["verdict"] == "digit"
    assert send(8, strictness=str(np.nextafter(probability, 1)))["verdict"] != "digit"


def test_a_lenient_request_accepts_what_is_refused_otherwise(client: TestClient) -> None:
    letter = np.full((200, 200), 235, np.uint8)
    letter[40:160, 60:72] = letter[40:160, 130:142] = letter[95:107, 60:142] = 40  # H
    usual, lenient = (classify(client, encode(letter), **options) for options in ({}, {"strictness": 0}))
    assert usual["verdict"] == "not_a_digit"
    assert lenient["verdict"] == "digit"
    assert usual["not_a_digit"] == lenient["not_a_digit"] > 0.5


def test_polarity_can_be_set(client: TestClient) -> None:
    data = encode(write_on_paper(find_digit(6)))
    assert classify(client, data, polarity="dark")["digit"] == 6
    light = classify(client, data, polarity="light")
    assert light["steps"] is None or light["steps"]["polarity"] == "light"


@pytest.mark.parametrize(
    ("files", "parameters", "status", "message"),
    [
        ([b""], {}, 422, "0 bytes"),
        ([b"no image"], {}, 415, "not an image"),
        ([encode(find_digit(1))] * 65, {}, 413, "65 files; the limit is 64 (CONVSERVE_MAX_DIGIT_FILES)"),
        ([encode(find_digit(1))], {"polarity": "both"}, 422, "'auto', 'dark' or 'light'"),
        ([encode(find_digit(1))], {"strictness": "1.01"}, 422, "less than or equal to 1"),
        ([encode(find_digit(1))], {"strictness": "nan"}, 422, "strictness"),
    ],
    ids=["empty", "not an image", "65 files", "polarity", "strictness", "not a number"],
)
def test_bad_input_is_a_problem_that_names_the_cause(
    client: TestClient, files: list[bytes], parameters: dict[str, str], status: int, message: str
) -> None:
    response = client.post("/classify", files=[("file", file) for file in files], params=parameters)
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    assert message in response.json()["detail"]


def test_bad_file_among_several_does_not_affect_the_others(client: TestClient) -> None:
    good, bad = encode(write_on_paper(find_digit(4))), encode(find_digit(1))[:60]
    files = [
        ("file", ("good.png", good)),
        ("file", ("bad.png", bad)),
        ("file", ("none.png", b"")),
        ("file", ("good.png", good)),
    ]
    response = client.post("/classify", files=files)
    assert response.status_code == 200
    first, damaged, empty, last = response.json()
    assert (first["digit"], last["digit"]) == (4, 4)
    assert (damaged["file"], empty["file"]) == ("bad.png", "none.png")
    # The error is the response to the file if it is sent alone.
    alone = client.post("/classify", files={"file": ("bad.png", bad)})
    assert alone.status_code == damaged["error"]["status"] == 422
    members = {name: value for name, value in alone.json().items() if name != "request_id"}
    assert {name: damaged["error"][name] for name in members} == members
    assert "0 bytes" in empty["error"]["detail"]


def test_not_a_digit_has_a_probability(client: TestClient) -> None:
    digit, blank = classify(client, encode(write_on_paper(find_digit(3))), encode(np.full((90, 90), 200, np.uint8)))
    assert 0 <= digit["not_a_digit"] < 0.1
    assert (blank["not_a_digit"], blank["probabilities"]) == (1, [0] * 10)
    y, x = np.abs(np.mgrid[-100:100, -100:100])
    cross = (np.abs(x - y) < 8) & (x + y < 120)
    rejected = classify(client, encode(np.where(cross, 30, 230).astype(np.uint8)))
    assert rejected["verdict"] == "not_a_digit"
    assert digit["not_a_digit"] < rejected["not_a_digit"] <= 1


def test_several_digits_are_unsure_and_the_hint_names_read(client: TestClient) -> None:
    answer = classify(client, encode(write_line([3, 7, 5])))
    assert (answer["verdict"], answer["other_pieces"]) == ("unsure", 2)
    assert "/read" in answer["hint"]
    alone = classify(client, encode(write_line([3])))
    assert (alone["verdict"], alone["digit"], alone["other_pieces"], alone["hint"]) == ("digit", 3, 0, None)


def test_page_is_read_line_by_line(client: TestClient) -> None:
    page = np.vstack([write_line([3, 1, 4, 1]), write_line([5, 9, 2, 6])])
    response = client.post("/read", files={"file": encode(page)})
    assert response.status_code == 200
    answer = response.json()
    assert answer["lines"] == ["3141", "5926"]
    assert answer["text"] == "3141\n5926"
    lefts = [one["box"]["left"] for one in answer["digits"] if one["line"] == 0]
    assert lefts == sorted(lefts)
    assert len(lefts) == 4


def test_empty_page_has_no_text(client: TestClient) -> None:
    answer = client.post("/read", files={"file": encode(np.full((300, 400), 230, np.uint8))}).json()
    assert (answer["text"], answer["digits"]) == ("", [])


def test_model_card_is_served_with_an_etag(client: TestClient) -> None:
    response = client.get("/model")
    card = response.json()
    assert card["network"] == "bundled"
    assert len(card["weights_sha256"]) == 64
    assert 0 < card["thresholds"]["strictness"] < 1
    unchanged = client.get("/model", headers={"If-None-Match": response.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")


@pytest.mark.parametrize("path", ["/classify", "/read", "/classify/explain"])
def test_form_fields_are_parameters_and_misspelt_ones_are_rejected(client: TestClient, path: str) -> None:
    files = {"file": encode(write_on_paper(find_digit(3)))}
    misspelt = client.post(path, files=files, data={"polrity": "light"})
    assert misspelt.status_code == 422
    assert misspelt.json()["detail"] == "polrity: there is no such parameter; did you mean 'polarity'?"
    assert client.post(f"{path}?foo=1", files=files).status_code == 422
    wrong = client.post(path, files=files, data={"polarity": "both"})
    assert wrong.status_code == 422
    assert "'both'" in wrong.json()["detail"]
