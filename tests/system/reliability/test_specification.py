"""Schemathesis asks everything that the OpenAPI document allows, and some that it does not. The document is true."""

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
def test_what_the_document_says_is_true(tmp_path: Path) -> None:
    """No status, header, media type or body that is not described, no 500, nothing accepted that it forbids.

    That what it allows is accepted cannot be asked: which bytes are an image is more than a schema can say.
    """
    har = tmp_path / "har.json"
    with run_service(workers=2) as service:
        document = httpx2.get(f"{service.url}/openapi.json").json()
        asked = subprocess.run(
            [sys.executable, "-m", "schemathesis.cli", "run", f"{service.url}/openapi.json", "--no-color",
             "--phases", "examples,coverage,fuzzing", "--max-examples", "10", "--generation-deterministic",
             "--exclude-checks", "positive_data_acceptance", "--report-har-path", str(har)],
            env=os.environ | {"SCHEMATHESIS_HOOKS": "tests.support.schemathesis_hooks", "PYTHONPATH": os.getcwd()},
            cwd=tmp_path,  # where it keeps what it has found
            capture_output=True, text=True, timeout=280,
        )  # fmt: skip
    assert asked.returncode == 0, asked.stdout[-5000:] + asked.stderr[-2000:]
    statuses = count_statuses(har, document["paths"])
    for route in document["paths"]:
        assert 200 in statuses[route], (route, statuses[route])
    for route in UPLOAD_ROUTES:
        assert {415, 422} & statuses[route].keys(), (route, statuses[route])


def count_statuses(har: Path, routes: Iterable[str]) -> dict[str, Counter[int]]:
    """How often each status came, by route."""
    patterns = {route: re.compile(re.sub(r"\{\w+\}", "[^/]*", route)) for route in routes}
    counts: dict[str, Counter[int]] = defaultdict(Counter)
    for entry in json.loads(har.read_text())["log"]["entries"]:
        path = urlsplit(entry["request"]["url"]).path
        for route in [route for route, pattern in patterns.items() if pattern.fullmatch(path)]:
            counts[route][entry["response"]["status"]] += 1
    return counts
