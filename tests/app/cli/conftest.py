"""Image files for the command line, and an environment without settings."""

import os
from pathlib import Path

import pytest

from tests.support.images import draw_blobs, draw_noise, encode


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("CONVSERVE_"):
            monkeypatch.delenv(name)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """`draw_noise(12, 17)` as a PNG."""
    path = tmp_path / "photo.png"
    path.write_bytes(encode(draw_noise(12, 17)))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four images of different formats, and a text file."""
    folder = tmp_path / "images"
    folder.mkdir()
    for seed, name in enumerate(["a.png", "b.bmp", "c.tif"]):
        format = {"png": "PNG", "bmp": "BMP", "tif": "TIFF"}[name[2:]]
        (folder / name).write_bytes(encode(draw_noise(9, 9, seed=seed), format))
    (folder / "d.JPG").write_bytes(encode(draw_blobs(9, 9), "JPEG"))
    (folder / "notes.txt").write_text("no image")
    return folder
