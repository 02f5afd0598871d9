"""`convserve learn`."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.support.command_line import run
from tests.support.images import draw_noise, encode


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """With `shifted.png`, the same one pixel to the right, and `turned.png`, the same turned by 180°."""
    pixels = draw_noise(40, 50, seed=4) // 2 + 60
    images = {"image": pixels, "shifted": np.roll(pixels, 1, axis=1), "turned": pixels[::-1, ::-1]}
    for name, one in images.items():
        (tmp_path / f"{name}.png").write_bytes(encode(np.ascontiguousarray(one)))
    return tmp_path / "image.png"


def test_the_kernel_is_found(image: Path) -> None:
    found = run("learn", image, image.with_name("shifted.png"), "--json")
    assert found.exit_code == 0
    weights = json.loads(found.stdout)["kernels"][0]["weights"]
    assert np.abs(np.array(weights) - [[0, 0, 0], [1, 0, 0], [0, 0, 0]]).max() < 1e-3


def test_the_reason_is_printed_if_there_is_no_kernel(image: Path) -> None:
    result = run("learn", image, image.with_name("turned.png"))
    assert (result.exit_code, "turned or mirrored" in result.stdout) == (1, True)


def test_a_size_above_the_limit_is_rejected(image: Path) -> None:
    result = run("learn", image, image, "--size", "32")
    assert result.exit_code == 2
    assert "--size 32: Input should be less than or equal to 31." in result.stderr
