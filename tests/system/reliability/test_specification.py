"""The OpenAPI document is correct: Schemathesis sends requests that it allows, and some that it forbids."""

import json
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.support.service import run_service

UPLOAD_ROUTES = ("/filter", "/filter/{kernel}", "/gallery", "/learn", "/classify", "/read", "/classify/explain")


@pytest.mark.slow
def test_responses_conform_to_the_document(tmp_path: Path) -> None:
    """Every status, header, media type and body is documented, no 500, and no forbidden request is accepted.

    Whether allowed requests are accepted is not checked: a schema cannot say which bytes are an image.
    """
    har = tmp_path / "har.json"
    with run_service(workers=2) as service:
        document = httpx2.get(f"{service.url}/openapi.json").json()
        asked = subprocess.run(
            [sys.executable, "-m", "schemathesis.cli", "run", f"{service.url}/openapi.json", "--no-color",
             "--phases", "examples,coverage,fuzzing", "--max-examples", "10", "--generation-deterministic",
             "--exclude-checks", "positive_data_acceptance", "--report-har-path", str(har)],
            env=os.environ | {"SCHEMATHESIS_HOOKS": "tests.support.schemathesis_hooks", "PYTHONPATH": os.getcwd()},
            cwd=tmp_path,  # for the database of Schemathesis
            capture_output=True, text=True, timeout=280,
        )  # fmt: skip
    assert asked.returncode == 0, asked.stdout[-5000:] + asked.stderr[-2000:]
    statuses = count_statuses(har, document["paths"])
    for route in document["paths"]:
        assert 200 in statuses[route], (route, statuses[route])
    for route in UPLOAD_ROUTES:
        assert {415, 422} & statuses[route].keys(), (route, statuses[route])


def count_statuses(har: Path, routes: Iterable[str]) -> dict[str, Counter[int]]:
    """Number of responses by route and status."""
    patterns = {route: re.compile(re.sub(r"\{\w+\}", "[^/]*", route)) for route in routes}
    counts: dict[str, Counter[int]] = defaultdict(Counter)
    for entry in json.loads(har.read_text())["log"]["entries"]:
        path = urlsplit(entry["request"]["url"]).path
        for route in [route for route, pattern in patterns.items() if pattern.fullmatch(path)]:
            counts[route][entry["response"]["status"]] += 1
    return counts
