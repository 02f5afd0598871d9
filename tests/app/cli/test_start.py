"""A service that cannot start ends soon, with one line that says what to change."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from models.reader.weights import BUNDLED_FOLDER
from tests.support.paths import ROOT

pytestmark = pytest.mark.slow


def start(**environment: str) -> tuple[int, str]:
    """Exit status and stderr."""
    process = subprocess.run(
        [sys.executable, "-m", "app", "serve", "--port", "0"],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    return process.returncode, process.stderr


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"CONVSERVE_WORKERS": "many"}, "CONVSERVE_WORKERS is 'many': "),
        ({"CONVSERVE_WORKERS": "0"}, "CONVSERVE_WORKERS is '0': "),
        ({"CONVSERVE_STALL_SECONDS": "-1"}, "CONVSERVE_STALL_SECONDS is '-1': "),
        ({"CONVSERVE_HOST": "203.0.113.1"}, "Cannot listen on 203.0.113.1 port 0: Cannot assign requested address"),
        ({"CONVSERVE_MODEL_FOLDER": "/no/model"}, "/no/model"),
        ({"CONVSERVE_LESSONS_FOLDER": "/no/lessons"}, "/no/lessons cannot be read: No such file or directory"),
        ({"CONVSERVE_FRAME_ANCESTORS": "example.org"}, "'example.org' is no origin; write scheme and host, such as "),
        ({"TMPDIR": "/no/folder"}, "TMPDIR is '/no/folder'"),
    ],
)
def test_a_bad_setting_ends_the_start_with_one_line(environment: dict[str, str], says: str) -> None:
    status, message = start(**environment)
    assert status == 2
    assert says in message
    assert message.count("\n") == 1


def test_a_model_that_cannot_be_loaded_ends_the_start_with_one_line(tmp_path: Path) -> None:
    for file in BUNDLED_FOLDER.iterdir():
        content = file.read_bytes()
        (tmp_path / file.name).write_bytes(content if file.suffix == ".json" else content[: len(content) // 2])
    status, message = start(CONVSERVE_MODEL_FOLDER=str(tmp_path), CONVSERVE_WORKERS="2")
    assert status in (1, 2)
    assert str(tmp_path) in message
    assert message.count("\n") == 1


@pytest.mark.parametrize(
    ("tensorflow", "says"),
    [
        ("raise ImportError('libsomething.so is missing')", "libsomething.so is missing"),
        ("import os; os.kill(os.getpid(), 9)", "a worker process ended while it was starting (signal 9)"),
    ],
)
def test_workers_that_cannot_start_end_the_start_with_one_line(tmp_path: Path, tensorflow: str, says: str) -> None:
    """With a TensorFlow that is broken."""
    (tmp_path / "tensorflow.py").write_text(tensorflow)
    status, message = start(PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}", CONVSERVE_WORKERS="2")
    assert status == 1
    assert f"The service cannot start: {says}" in message
    assert message.count("\n") == 1
