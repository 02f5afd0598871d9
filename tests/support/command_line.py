"""Run the `convserve` command, in this process or in its own, and compute the expected result of one kernel."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from scipy import ndimage
from typer.testing import CliRunner, Result

from app.cli.commands import app
from tests.support.images import Pixels
from tests.support.paths import ROOT

EMBOSS = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], float)


def run(*arguments: object, **environment: str) -> Result:
    """In this process, which has TensorFlow loaded already."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env=environment or None)


def run_process(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app", *map(str, arguments)],
        cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def list_files(folder: Path) -> set[str]:
    """Names below a folder, including hidden ones: no partial file may remain."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def emboss(pixels: Pixels) -> Pixels:
    """The result of the kernel `emboss`, computed by SciPy."""
    planes = [ndimage.correlate(pixels[..., c].astype(float), EMBOSS, mode="nearest") for c in range(3)]
    return np.clip(np.dstack(planes), 0, 255).astype(np.uint8)
