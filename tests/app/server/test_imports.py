"""The server, the middleware and the observability know no framework and nothing of images."""

import subprocess
import sys

import pytest

from tests.support.paths import ROOT

IMAGES = {"numpy", "PIL", "cv2", "kernels", "models", "app.images", "app.tasks", "app.pool", "app.api"}


@pytest.mark.parametrize(
    ("modules", "banned"),
    [
        ("app.server.server, app.server.collector", IMAGES | {"fastapi", "starlette", "app.middleware"}),
        ("app.observability.metrics, app.observability.tracing, app.observability.logs",
         IMAGES | {"fastapi", "starlette", "uvicorn", "app.server", "app.middleware"}),
        ("app.middleware.auth, app.middleware.body_limit, app.middleware.cors, app.middleware.disconnect, "
         "app.middleware.headers, app.middleware.observe", IMAGES | {"fastapi", "uvicorn", "app.server"}),
        ("app.settings, app.errors, app.system, app.context", IMAGES | {"fastapi", "starlette", "uvicorn"}),
    ],
)  # fmt: skip
def test_a_package_imports_only_what_is_below_it(modules: str, banned: set[str]) -> None:
    code = f"import sys, {modules}\nprint(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert banned & set(result.stdout.split()) == set()
