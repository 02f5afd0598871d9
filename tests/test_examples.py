"""Everything in examples/ runs as its first lines say, and gives SciPy's and Pillow's results."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from tests.support.paths import ROOT
from tests.support.reference import assert_equal_to_rounding
from tests.support.service import RunningService, run_service

pytestmark = pytest.mark.slow

EXAMPLES = ROOT / "examples"
HOUSE = EXAMPLES / "images/house.png"
SECONDS = 240
"""For a program, on a busy machine."""
EMBOSS = [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]
SHARPEN = [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]
TOP_SOBEL = [[1, 2, 1], [0, 0, 0], [-1, -2, -1]]
LEFT_SOBEL = [[1, 0, -1], [2, 0, -2], [1, 0, -1]]


@pytest.fixture(scope="module")
def service() -> Iterator[RunningService]:
    """With the kernels of examples/kernels.toml."""
    with run_service(workers=1, kernels_file=EXAMPLES / "kernels.toml", deadline_seconds=60) as running:
        yield running


def run(*command: str | Path, folder: Path) -> str:
    """What a program prints. It must not write to standard error."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


def read(path: Path) -> NDArray[Any]:
    return np.asarray(Image.open(path))


def correlate(image: NDArray[Any], weights: Any, mode: str = "nearest") -> NDArray[np.float64]:
    """SciPy's correlation, exact, for images with channels."""
    planes = np.asarray(image, np.float64)
    result: NDArray[np.float64] = ndimage.correlate(planes, np.array(weights, float)[:, :, None], mode=mode)
    return result


def blur(image: NDArray[Any], sigma: float, mode: str) -> NDArray[np.float64]:
    """A Gaussian that ends at three times sigma."""
    result: NDArray[np.float64] = ndimage.gaussian_filter(
        image.astype(np.float64), (sigma, sigma, 0), mode=mode, truncate=3
    )
    return result


def contains(sheet: NDArray[Any], tile: NDArray[Any]) -> bool:
    height, width = tile.shape[:2]
    starts = (sheet[: 1 - height, : 1 - width] == tile[0, 0]).all(axis=2)
    return any(np.array_equal(sheet[y : y + height, x : x + width], tile) for y, x in np.argwhere(starts))


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl(service: RunningService, tmp_path: Path) -> None:
    house = read(HOUSE)
    printed = run(EXAMPLES / "curl.sh", service.url, ".", folder=tmp_path)

    assert_equal_to_rounding(read(tmp_path / "emboss.png"), correlate(house, EMBOSS))
    edges = np.abs(correlate(blur(house, 2, "mirror"), TOP_SOBEL, "mirror"))
    assert_equal_to_rounding(read(tmp_path / "edges.png"), edges)

    tile = Image.open(HOUSE)
    tile.thumbnail((160, 160), Image.Resampling.LANCZOS, reducing_gap=3)
    sheet = read(tmp_path / "sheet.png")
    assert contains(sheet, np.asarray(tile))
    embossed = np.clip(correlate(np.asarray(tile), EMBOSS), 0, 255).astype(np.uint8)  # whole numbers
    assert contains(sheet, embossed)

    assert json.loads(printed)["digit"] == 7


def test_httpx(service: RunningService, tmp_path: Path) -> None:
    printed = run(sys.executable, EXAMPLES / "client_httpx.py", service.url, folder=tmp_path)

    assert_equal_to_rounding(read(tmp_path / "blurred.png"), blur(read(HOUSE), 3, "mirror"))
    seven, blank, *page, error = printed.splitlines()
    assert re.fullmatch(r"seven\.jpg: verdict digit, digit 7, confidence (0\.9\d\d|1\.000)", seven)
    assert blank == "blank.jpg: verdict blank, digit None, confidence 0.000"
    assert page == ["31415", "92653", "58979"]
    assert error.startswith("422 ")
    assert error.endswith("sigma is 500; it may be 0.1 to 200.")


def test_python(tmp_path: Path) -> None:
    house = read(HOUSE)
    printed = run(sys.executable, EXAMPLES / "python_convolve.py", folder=tmp_path)

    assert_equal_to_rounding(read(tmp_path / "edges.png"), correlate(house, TOP_SOBEL, "mirror") / 2 + 128)
    assert_equal_to_rounding(read(tmp_path / "sharp.png"), correlate(house, SHARPEN))
    laplacian = correlate(house, [[0, 1, 0], [1, -4, 1], [0, 1, 0]])
    assert printed.splitlines() == [
        f"laplacian: float32, {laplacian.min():.0f} to {laplacian.max():.0f}",
        "sigma is 500; it may be 0.1 to 200.",
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("diagonal", lambda house: np.abs(correlate(house, [[2, 1, 0], [1, 0, -1], [0, -1, -2]]))),
        ("cross-mean", lambda house: correlate(house, [[0, 1, 0], [1, 1, 1], [0, 1, 0]]) / 5),
        ("central-difference", lambda house: correlate(house, [[-0.5, 0, 0.5]]) / 2 + 128),
    ],
)
def test_kernels_file(name: str, expected: Any, service: RunningService, tmp_path: Path) -> None:
    reply = httpx.post(f"{service.url}/filter/{name}", files={"file": HOUSE.read_bytes()}, timeout=SECONDS)
    assert reply.status_code == 200, reply.text
    (tmp_path / "result.png").write_bytes(reply.content)
    assert_equal_to_rounding(read(tmp_path / "result.png"), expected(read(HOUSE)))


def test_notebook(tmp_path: Path) -> None:
    """Its code cells, in order, as one program: this needs no Jupyter."""
    notebook = json.loads((EXAMPLES / "lesson.ipynb").read_text("utf-8"))
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    program = "\n\n".join(
        [*cells, "import sys\nnp.savez(sys.argv[1], by_hand=by_hand, edges=edges, noisy=noisy, calm=calm_edges)"]
    )
    run(sys.executable, "-c", program, tmp_path / "results.npz", folder=EXAMPLES)

    results = np.load(tmp_path / "results.npz")
    assert results["by_hand"].tolist() == [0, 0, 80, 80, 0, 0]
    house = np.asarray(Image.open(HOUSE).convert("L"))[:, :, None]
    assert_equal_to_rounding(results["edges"][:, :, None], correlate(house, LEFT_SOBEL) / 2 + 128)
    blurred = np.rint(blur(results["noisy"][:, :, None], 2, "nearest"))
    calm = np.hypot(correlate(blurred, LEFT_SOBEL), correlate(blurred, TOP_SOBEL))[:, :, 0]
    differs = np.abs(results["calm"] - np.clip(calm, 0, 255)) > 0.5 + 1e-3
    assert differs.mean() < 0.01  # around pixels of the blur that are next to a half


def test_notebook_has_no_output() -> None:
    """Outputs make differences unreadable."""
    notebook = json.loads((EXAMPLES / "lesson.ipynb").read_text("utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [(cell["outputs"], cell["execution_count"]) for cell in code] == [([], None)] * len(code)


def test_readme_lists_every_example() -> None:
    text = (EXAMPLES / "README.md").read_text("utf-8")
    assert [path.name for path in EXAMPLES.iterdir() if path.name != "README.md" and f"]({path.name}" not in text] == []
