"""Every documented command works as printed, and gives what the page shows.

A page's blocks of `sh` and `python` run in order, in a folder of the page's own that looks like a clone with a few
images in it. A block with a title is written to a file of that name. Where a block of output follows, `...` in it
stands for any text, and white space does not count. A block that cannot run here has a comment above it,
`<!-- not run: REASON -->`.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.support.markdown import CodeBlock, find_code_blocks, list_pages
from tests.support.paths import ROOT
from tests.support.service import RunningService, run_service

BLOCK_SECONDS = 120
DOCUMENTED_ADDRESS = "localhost:8000"
LINKED = (".venv", "benchmarks", "deploy", "examples", "scripts", "README.md")
EXAMPLES = ROOT / "examples/images"


def find_runnable(page: Path) -> list[CodeBlock]:
    blocks = find_code_blocks(page.read_text("utf-8"))
    return [block for block in blocks if not block.not_run and (block.language in ("sh", "python") or block.title)]


PAGES = [page for page in list_pages(ROOT) if any(not block.title for block in find_runnable(page))]


@pytest.fixture(scope="module")
def service() -> Iterator[RunningService]:
    if shutil.which("curl") is None:
        pytest.skip("the documented commands need curl")
    with run_service(workers=1) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A clone, as far as commands go, and images under the names that how-to guides give to the reader's own."""
    for name in LINKED:
        (tmp_path / name).symlink_to(ROOT / name)
    house = Image.open(EXAMPLES / "house.png")
    house.save(tmp_path / "photo.jpg", quality=95)
    house.save(tmp_path / "photo.png")
    for name in ("photos", "scans", "digits"):
        (tmp_path / name).mkdir()
    house.resize((240, 180)).save(tmp_path / "photos/first.jpg")
    house.resize((200, 150)).save(tmp_path / "photos/second.png")
    house.convert("L").save(tmp_path / "scans/page.png")
    shutil.copy(EXAMPLES / "seven.jpg", tmp_path / "digits/seven.jpg")
    shutil.copy(EXAMPLES / "seven.jpg", tmp_path / "digit.jpg")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_blocks_run_as_printed(page: Path, folder: Path, service: RunningService) -> None:
    for block in find_runnable(page):
        if block.title:
            (folder / block.title).write_text(block.text, "utf-8")
            continue
        output = run_block(block, folder, service)
        if block.output is not None:
            assert matches(block.output, output), f"{page}:{block.line} prints\n{output[:3000]}\nnot\n{block.output}"


def run_block(block: CodeBlock, folder: Path, service: RunningService) -> str:
    text = block.text.replace(DOCUMENTED_ADDRESS, f"localhost:{service.port}")
    program = ["bash", "-eu", "-o", "pipefail", "-c"] if block.language == "sh" else [sys.executable, "-c"]
    paths = [str(Path(sys.executable).parent), os.environ["PATH"]]
    done = subprocess.run(
        [*program, text],
        cwd=folder,
        env=os.environ | {"PATH": os.pathsep.join(paths), "PYTHONPATH": str(ROOT), "CONVSERVE_PORT": str(service.port)},
        capture_output=True,
        text=True,
        timeout=BLOCK_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"line {block.line}: status {done.returncode}\n{text}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def matches(expected: str, actual: str) -> bool:
    """Without white space; `...` stands for anything, and in JSON 1 for 1.0."""
    parts = [re.escape("".join(part.split())) for part in expected.split("...")]
    return re.fullmatch(".*".join(parts), "".join(normalize_json(actual).split()), re.DOTALL) is not None


def normalize_json(text: str) -> str:
    """Letters instead of escapes, and whole numbers without a fraction; other text as it is."""
    try:
        return json.dumps(json.loads(text, parse_float=parse_number), ensure_ascii=False)
    except ValueError:
        return text


def parse_number(text: str) -> float:
    number = float(text)
    return int(number) if number.is_integer() else number


def test_ellipsis_stands_for_any_text_and_white_space_does_not_count() -> None:
    assert matches('{"a": 1, ...}', '{"a":1,"b":2}')
    assert not matches('{"a": 1}', '{"a":1,"b":2}')
    assert matches('{"a": 1, "b": "×"}', '{"a": 1.0, "b": "\\u00d7"}')
    assert not matches("0.99...", "0.98")
