"""`convserve --help`, `convserve version`, and the modules that commands load."""

import resource
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.command_line import run
from tests.support.paths import ROOT


def measure_cpu_s(*command: str) -> float:
    """Processor time of a process, in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True, timeout=120)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def list_loaded(code: str) -> str:
    """The modules among some large ones that Python has loaded after this code."""
    code += "\nimport sys\nprint([n for n in ('tensorflow', 'keras', 'cv2', 'numpy', 'fastapi') if n in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip().splitlines()[-1]


def test_version_is_that_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert run("version").stdout.strip() == project["version"]


def test_help_names_every_command() -> None:
    text = run("--help", COLUMNS="200").stdout
    for command in ("serve", "filter", "batch", "gallery", "learn", "kernels", "classify", "read", "train", "model",
                    "health", "version"):  # fmt: skip
        assert command in text


def test_help_names_every_parameter() -> None:
    text = run("filter", "--help", COLUMNS="200").stdout
    for option in ("--border", "--stride", "--dilation", "--divisor", "--bias", "--response", "--amount", "--channels",
                   "--alpha", "--linear", "--format", "--quality", "--output", "--weights", "--sigma"):  # fmt: skip
        assert option in text


def test_help_shows_choices_limits_and_defaults() -> None:
    text = run("learn", "--help", COLUMNS="200").stdout
    for part in (
        "<int 1..31>",
        "<least-squares|descent>",
        "[default: least-squares]",
        "Default: 400, or 1000 with --layers 2",
    ):
        assert part in text
    assert "one per core" in run("batch", "--help", COLUMNS="200").stdout


def test_help_is_about_the_command_line_rather_than_http() -> None:
    for command in ("filter", "batch", "learn", "gallery"):
        text = run(command, "--help", COLUMNS="200").stdout
        assert "Accept" not in text
        assert "text/event-stream" not in text


@pytest.mark.slow
def test_help_takes_little_time() -> None:
    """The requirement is 0.5 s. The test compares processor times, so that it holds on a slow or busy machine, too."""
    least = [sys.executable, "-c", "import pydantic_settings, typer.rich_utils"]
    pairs = [(measure_cpu_s(sys.executable, "-m", "app", "--help"), measure_cpu_s(*least)) for _ in range(5)]
    of_help, of_least = map(min, zip(*pairs, strict=True))
    assert of_help < 2 * of_least, pairs


@pytest.mark.slow
def test_help_loads_neither_tensorflow_nor_fastapi() -> None:
    code = (
        "from typer.testing import CliRunner\nfrom app.cli.commands import app\n"
        "for command in ([], ['filter'], ['serve'], ['gallery']):\n"
        "    assert CliRunner().invoke(app, [*command, '--help']).exit_code == 0\n"
    )
    assert list_loaded(code) == "[]"


@pytest.mark.slow
@pytest.mark.parametrize("command", [["filter", "blur"], ["gallery", "--kernels", "blur"], ["classify"]])
def test_commands_that_do_not_serve_load_no_fastapi(photo: Path, command: list[str]) -> None:
    code = (
        "from typer.testing import CliRunner\nfrom app.cli.commands import app\n"
        f"result = CliRunner().invoke(app, {[*command, str(photo)]})\nassert result.exit_code == 0, result.output\n"
    )
    assert "fastapi" not in list_loaded(code)


def test_the_installed_command_is_this_one() -> None:
    command = Path(sys.executable).with_name("convserve")
    assert shutil.which(command)
    result = subprocess.run([command, "version"], capture_output=True, text=True, timeout=60)
    assert result.stdout == run("version").stdout
