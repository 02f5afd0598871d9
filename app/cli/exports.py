"""What the commands that export files check first."""

from importlib.util import find_spec
from pathlib import Path

from app.cli.errors import fail


def check_new(output: Path) -> None:
    """End the command if the file or folder exists."""
    if output.exists():
        fail(f"{output} exists already. Remove it, or choose another --output.")


def check_onnx() -> None:
    """End the command if the package onnx is not installed."""
    if find_spec("onnx") is None:
        fail("ONNX files need the package onnx: pip install 'convserve[onnx]'.")
