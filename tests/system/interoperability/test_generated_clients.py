"""Clients that generators make from /openapi.json filter a PNG, classify two digits and read a problem."""

import base64
import io
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from tests.support.digit_images import find_digit, write_on_paper
from tests.support.service import RunningService
from tests.system.interoperability.conftest import RunProgram

pytestmark = pytest.mark.slow

SHARPEN = np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
TIMEOUT_SECONDS = 200
TYPESCRIPT = Path(__file__).with_name("typescript")


@pytest.fixture(scope="module")
def photo() -> Any:
    return np.random.default_rng(25).integers(0, 256, (48, 64, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def files(photo: Any, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("images")
    images = {"photo": photo, "seven": write_on_paper(find_digit(7)), "two": write_on_paper(find_digit(2))}
    for name, pixels in images.items():
        Image.fromarray(pixels).save(folder / f"{name}.png")
    return [folder / f"{name}.png" for name in images]


def check_answers(answers: Any, photo: Any) -> None:
    with Image.open(io.BytesIO(base64.b64decode(answers["filtered"]))) as image:
        assert image.format == "PNG"
        filtered = np.asarray(image).astype(int)
    expected = ndimage.correlate(photo.astype(int), SHARPEN[:, :, None], mode="mirror").clip(0, 255)
    assert np.array_equal(filtered, expected)
    assert [one["digit"] for one in answers["digits"]] == [7, 2]
    assert answers["problem"]["status"] == 404
    assert "no-such-kernel" in answers["problem"]["detail"]


def test_generated_python_client(
    service: RunningService, run_program: RunProgram, files: list[Path], photo: Any, tmp_path: Path
) -> None:
    answers = run_program("python_client.py", service.url, *files, folder=tmp_path)
    check_answers(answers, photo)
    assert answers["problem"]["class"] == "Problem"
    assert {one["class"] for one in answers["digits"]} == {"DigitResult"}
    assert answers["explained"]["steps"][0]["kernel"] == "sharpen"


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_generated_typescript_client(service: RunningService, files: list[Path], photo: Any, tmp_path: Path) -> None:
    shutil.copytree(TYPESCRIPT, tmp_path, dirs_exist_ok=True)

    def run(*command: object) -> str:
        done = subprocess.run(
            [str(part) for part in command], cwd=tmp_path, capture_output=True, text=True, timeout=TIMEOUT_SECONDS
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    try:
        run("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
    except AssertionError as error:
        pytest.skip(f"the packages of package-lock.json cannot be installed: {str(error)[-300:]}")
    tools = tmp_path / "node_modules/.bin"
    run(tools / "openapi-typescript", f"{service.url}/openapi.json", "-o", "api.ts")
    run(tools / "tsc", "-p", ".")  # the program fits the generated types
    check_answers(json.loads(run("node", "client.js", service.url, *files)), photo)
