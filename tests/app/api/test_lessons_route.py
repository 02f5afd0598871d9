"""`GET /lessons`, the log at the start, and pages that may show the page in a frame."""

import logging
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError

from app.main import create_app
from app.settings import AccessSettings, Settings
from tests.support.lesson_files import write_lesson


def test_lessons_are_listed_and_served(client: TestClient) -> None:
    listed = client.get("/lessons").json()
    assert listed["faults"] == []
    assert [one["name"] for one in listed["lessons"]][:2] == ["averaging", "sharpening"]
    for one in listed["lessons"]:
        lesson = client.get(f"/lessons/{one['name']}").json()
        assert (lesson["title"], len(lesson["tasks"])) == (one["title"], one["tasks"])
    reply = client.get("/lessons/averaging")
    assert client.get("/lessons/averaging", headers={"If-None-Match": reply.headers["ETag"]}).status_code == 304


def test_an_unknown_lesson_is_a_problem(client: TestClient) -> None:
    reply = client.get("/lessons/avreaging")
    assert reply.status_code == 404
    assert reply.json()["type"] == "/problems#unknown-lesson"
    assert reply.json()["detail"] == "There is no lesson 'avreaging'. GET /lessons lists all lessons."


def test_a_faulty_lesson_is_logged_and_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_lesson(tmp_path, "faulty.toml", "min_db", "min_bd")
    write_lesson(tmp_path, "good.toml")
    app = create_app(Settings(lessons_folder=tmp_path, workers=1))
    with caplog.at_level(logging.WARNING, "app.api.dependencies"), TestClient(app) as own:
        listed = own.get("/lessons").json()
    assert listed["lessons"][-1] == {"name": "good", "title": "Edges", "question": "What is an edge?", "tasks": 3}
    message = "tasks[2].min_bd: there is no key 'min_bd' here; correct or remove it."
    assert listed["faults"] == [{"file": "faulty.toml", "line": 19, "message": message}]
    assert f"lesson left out: faulty.toml:19: {message}" in caplog.text


def test_only_the_service_may_frame_its_page_unless_set() -> None:
    def read_policy(access: AccessSettings, path: str = "/") -> str:
        client = TestClient(create_app(Settings(workers=1), access))
        policy: str = client.get(path, headers={"Accept": "text/html"}).headers["Content-Security-Policy"]
        return policy

    origins = ("https://moodle.example.org", "https://*.school.example:8443")
    assert read_policy(AccessSettings()).endswith("; frame-ancestors 'self'")
    access = AccessSettings(frame_ancestors=origins)
    assert read_policy(access).endswith(
        "; frame-ancestors 'self' https://moodle.example.org https://*.school.example:8443"
    )
    assert read_policy(access, "/lessons").endswith("frame-ancestors 'none'")  # the page alone


def test_frame_ancestors_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVSERVE_FRAME_ANCESTORS", "https://a.example, http://localhost:3000")
    assert AccessSettings().frame_ancestors == ("https://a.example", "http://localhost:3000")


@pytest.mark.parametrize(
    "origin", ["example.org", "https://example.org/course", "https://a.example;script-src", "*", "'self'", "https://"]
)
def test_what_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(ValidationError, match="is no origin; write scheme and host, such as "):
        AccessSettings(frame_ancestors=(origin,))


def test_page_keeps_room_for_a_lesson_from_the_start(client: TestClient) -> None:
    pages = {path: client.get(path, headers={"Accept": "text/html"}) for path in ("/", "/?lesson=averaging")}
    hidden = {path: "hidden" in re.findall(r'<aside id="lesson"[^>]*>', page.text)[0] for path, page in pages.items()}
    assert hidden == {"/": True, "/?lesson=averaging": False}
    assert pages["/"].headers["ETag"] != pages["/?lesson=averaging"].headers["ETag"]
