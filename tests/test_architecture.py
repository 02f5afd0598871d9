"""Contracts of imports, lazy imports, and modules that must not be imported."""

import ast
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
def test_import_contracts_are_kept() -> None:
    """The contracts of import-linter in pyproject.toml."""
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
def test_tensorflow_is_loaded_only_to_process_pixels(code: str) -> None:
    loaded = run_python(f"{code}\nimport sys\nprint([n for n in ('tensorflow', 'keras') if n in sys.modules])")
    assert loaded == "[]"


def test_server_loads_no_images_kernels_models_or_web_framework() -> None:
    code = (
        "import app.server.server, sys\n"
        "forbidden = {'numpy', 'PIL', 'kernels', 'models', 'fastapi'}\n"
        "print(sorted(forbidden & {name.partition('.')[0] for name in sys.modules}))"
    )
    assert run_python(code) == "[]"


UNSAFE_MODULES = {"pickle", "cPickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
"""Modules that execute code from the data they load."""


def find_unsafe_loads(source: str) -> list[str]:
    """Imports of `UNSAFE_MODULES`, and calls that let NumPy unpickle, with their line numbers."""
    found = []
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        elif isinstance(node, ast.Call):
            if ast.unparse(node.func) in ("__import__", "import_module", "importlib.import_module"):
                names = [ast.literal_eval(arg) for arg in node.args[:1] if isinstance(arg, ast.Constant)]
            for keyword in node.keywords:
                is_off = isinstance(keyword.value, ast.Constant) and keyword.value.value is False
                if keyword.arg == "allow_pickle" and not is_off:
                    found.append(f"{node.lineno}: {ast.unparse(node)}")
        found += [f"{node.lineno}: {name}" for name in names if name.partition(".")[0] in UNSAFE_MODULES]  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import os, pickle as p",
        "from marshal import loads",
        "def f():\n    import shelve",
        "importlib.import_module('pickle')",
        "numpy.load(file, allow_pickle=True)",
        "np.load(file, allow_pickle=allowed)",
    ],
)
def test_unsafe_loads_are_found(source: str) -> None:
    assert len(find_unsafe_loads(source)) == 1


def test_safe_loads_are_not_found() -> None:
    assert find_unsafe_loads("import msgspec\nfrom .pickle import x\nnp.load(file, allow_pickle=False)") == []


def test_app_does_not_unpickle() -> None:
    """Data from workers, other machines and files must not be able to execute code."""
    modules = sorted((ROOT / "app").rglob("*.py"))
    assert len(modules) > 50
    found = {str(path.relative_to(ROOT)): find_unsafe_loads(path.read_text("utf-8")) for path in modules}
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_nothing_is_built_at_import() -> None:
    code = (
        "import threading, app.main, app.cli\n"
        "from fastapi import FastAPI\n"
        "from app.settings import Settings\n"
        "built = [n for n, v in vars(app.main).items() if isinstance(v, (FastAPI, Settings))]\n"
        "print(built, threading.active_count())"
    )
    assert run_python(code) == "[] 1"


def test_services_in_one_process_share_nothing() -> None:
    from app.main import create_app
    from app.settings import Settings

    first, second = create_app(Settings(max_pixels=10)), create_app(Settings(max_pixels=20))
    assert first.state.service.settings.max_pixels == 10
    assert second.state.service.settings.max_pixels == 20
    assert first.state.service.pool is not second.state.service.pool


def test_kernels_work_without_the_service() -> None:
    code = (
        "import sys, numpy as np\n"
        "from kernels import convolve\n"
        "image = np.zeros((5, 5), np.uint8); image[2, 2] = 16\n"
        "print(convolve(image, 'blur')[1:4, 1:4].tolist(), [n for n in ('fastapi', 'starlette') if n in sys.modules])"
    )
    assert run_python(code) == "[[1, 2, 1], [2, 4, 2], [1, 2, 1]] []"
