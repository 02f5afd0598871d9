"""Classes of a user's own over HTTP and on the command line: trained on features that `/classify` returned."""

import json
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from typer.testing import CliRunner

from app.cli.commands import app
from models.class_head import ModelReference, encode_class_file, train_head
from models.training.glyphs import OTHER_GLYPHS
from models.training.synthetic_digits import draw_field, parse_glyph
from tests.support.digit_images import find_digit, write_on_paper
from tests.support.images import encode

LABELS = ("K", "star", "spiral")


def draw(count: int, seed: int) -> tuple[list[bytes], list[int]]:
    """Drawings of the three classes in turn."""
    generator = np.random.default_rng(seed)
    classes = [number % len(LABELS) for number in range(count)]
    fields = [draw_field(parse_glyph(OTHER_GLYPHS[LABELS[one]]), generator) for one in classes]
    return [encode(write_on_paper(field)) for field in fields], classes


def classify(client: httpx2.Client, files: list[bytes], **fields: Any) -> Any:
    response = client.post("/classify", files=[("file", file) for file in files], data=fields)
    assert response.status_code == 200, response.text
    return response.json()


@pytest.fixture(scope="module")
def class_file(client: httpx2.Client) -> bytes:
    files, classes = draw(24, seed=1)
    features = np.array([one["features"] for one in classify(client, files, features="true")], np.float32)
    assert features.shape == (24, 1024)
    card = client.get("/model").json()
    return encode_class_file(
        train_head(features, classes, LABELS, ModelReference(card["version"], card["weights_sha256"]))
    )


def test_new_drawings_get_their_class(client: httpx2.Client, class_file: bytes) -> None:
    files, classes = draw(30, seed=2)
    answers = classify(client, files, classes=class_file.decode())
    named = [LABELS.index(one["classes"][0]["label"]) for one in answers]
    assert np.mean(np.array(named) == classes) >= 0.9
    for one in answers:
        assert sum(each["probability"] for each in one["classes"]) == pytest.approx(1)
        assert one["features"] is None


def test_the_file_may_be_a_form_file_or_part_of_json(client: httpx2.Client, class_file: bytes) -> None:
    import base64

    (image,), _ = draw(1, seed=3)
    expected = classify(client, [image], classes=class_file.decode())["classes"]
    as_file = client.post("/classify", files=[("file", image), ("classes", ("c.json", class_file))])
    document = {"file": base64.b64encode(image).decode(), "classes": json.loads(class_file)}
    as_json = client.post("/classify", json=document)
    assert as_file.json()["classes"] == as_json.json()["classes"] == expected


def test_without_classes_the_answer_is_as_before(client: httpx2.Client) -> None:
    answer = classify(client, [encode(write_on_paper(find_digit(7)))])
    assert (answer["digit"], answer["classes"], answer["features"]) == (7, None, None)


def test_a_blank_image_has_no_class(client: httpx2.Client, class_file: bytes) -> None:
    blank = encode(np.full((80, 80), 240, np.uint8))
    (image,), _ = draw(1, seed=3)
    answers = classify(client, [blank, image], classes=class_file.decode(), features="true")
    assert (answers[0]["verdict"], answers[0]["classes"], answers[0]["features"]) == ("blank", None, None)
    assert answers[1]["classes"] is not None


def test_faulty_class_files_are_rejected(client: httpx2.Client, class_file: bytes) -> None:
    (image,), _ = draw(1, seed=3)
    other = json.loads(class_file) | {"model": {"version": "99", "weights_sha256": "00"}}
    for content, part in ((b"{", "not valid"), (json.dumps(other).encode(), "'99'")):
        response = client.post("/classify", files=[("file", image), ("classes", content)])
        assert (response.status_code, response.json()["type"]) == (422, "/problems#bad-class-file")
        assert part in response.json()["detail"]


@pytest.mark.slow
def test_the_command_names_the_classes(class_file: bytes, tmp_path: Path) -> None:
    files, classes = draw(6, seed=4)
    for number, file in enumerate(files):
        (tmp_path / f"{number}.png").write_bytes(file)
    (tmp_path / "own.json").write_bytes(class_file)
    images = [str(tmp_path / f"{number}.png") for number in range(len(files))]
    done = CliRunner().invoke(app, ["classify", *images, "--classes", str(tmp_path / "own.json"), "--json"])
    assert done.exit_code == 0, done.output
    named = [row["class"] for row in json.loads(done.stdout)]
    assert np.mean([name == LABELS[one] for name, one in zip(named, classes, strict=True)]) >= 0.8
    (tmp_path / "bad.json").write_text("{}")
    failed = CliRunner().invoke(app, ["classify", *images, "--classes", str(tmp_path / "bad.json")])
    assert (failed.exit_code, "class file is not valid" in failed.output) == (2, True)
