"""Imports go one way, nothing is built at import, and TensorFlow waits until there are pixels."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT


def run_python(code: str) -> str:
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.mark.slow
def test_imports_go_one_way() -> None:
    """The contracts in pyproject.toml: app -> kernels, and only app knows HTTP."""
    command = [str(Path(sys.executable).with_name("lint-imports"))]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "code",
    [
        "import app.main",
        "from app.main import create_app; assert create_app().openapi()['paths']",
        "import app.cli.commands",
        "import kernels; from kernels.catalogue import Catalogue; Catalogue()['gaussian'].make_kernel()",
    ],
)
def test_tensorflow_waits_until_there_are_pixels(code: str) -> None:
    loaded = run_python(f"{code}\nimport sys\nprint([n for n in ('tensorflow', 'keras') if n in sys.modules])")
    assert loaded == "[]"


def test_nothing_is_built_at_import() -> None:
    code = (
        "import threading, app.main, app.cli\n"
        "from fastapi import FastAPI\n"
        "from app.settings import Settings\n"
        "built = [n for n, v in vars(app.main).items() if isinstance(v, (FastAPI, Settings))]\n"
        "print(built, threading.active_count())"
    )
    assert run_python(code) == "[] 1"


def test_two_services_in_one_process_share_nothing() -> None:
    from app.main import create_app
    from app.settings import Settings

    first, second = create_app(Settings(max_pixels=10)), create_app(Settings(max_pixels=20))
    assert first.state.service.settings.max_pixels == 10
    assert second.state.service.settings.max_pixels == 20
    assert first.state.service.pool is not second.state.service.pool


def test_the_kernels_can_be_used_without_the_service() -> None:
    code = (
        "import sys, numpy as np\n"
        "from kernels import convolve\n"
        "image = np.zeros((5, 5), np.uint8); image[2, 2] = 16\n"
        "print(convolve(image, 'blur')[1:4, 1:4].tolist(), [n for n in ('fastapi', 'starlette') if n in sys.modules])"
    )
    assert run_python(code) == "[[1, 2, 1], [2, 4, 2], [1, 2, 1]] []"
