"""Folders that tests read from."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"
MNIST_EXCERPT = DATA / "mnist-excerpt"
SHARED = ROOT.parent / "shared"
"""Test data beside the checkout. Tests that need it are skipped where it is missing."""
