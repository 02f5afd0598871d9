"""Third-party clients, in a virtual environment of their own, against the running service."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import ROOT
from tests.support.service import RunningService, run_service

REQUIREMENTS = ROOT / "requirements/clients.txt"
ENVIRONMENT = ROOT / ".venv-clients"
INSTALL_SECONDS = 300

RunProgram = Callable[..., Any]
"""Runs a program of this folder with arguments in the virtual environment. Returns the JSON that it prints."""


@pytest.fixture(scope="session")
def clients() -> Path:
    """The virtual environment with the locked clients. The tests are skipped where it cannot be installed."""
    stamp, wanted = ENVIRONMENT / "installed", REQUIREMENTS.read_text()
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", ENVIRONMENT], check=True)
        command = [
            str(ENVIRONMENT / "bin/pip"),
            "install",
            "--quiet",
            "--no-deps",
            "--require-hashes",
            "-r",
            str(REQUIREMENTS),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
        if done.returncode:
            pytest.skip(f"requirements/clients.txt cannot be installed: {done.stderr[-300:]}")
        stamp.write_text(wanted)
    return ENVIRONMENT


@pytest.fixture(scope="session")
def service() -> Iterator[RunningService]:
    with run_service(workers=1) as service:
        yield service


@pytest.fixture(scope="session")
def run_program(clients: Path) -> RunProgram:
    def run(name: str, *arguments: object, folder: Path | None = None) -> Any:
        done = subprocess.run(
            [clients / "bin/python", Path(__file__).with_name(name), *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=120,
            cwd=folder,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
