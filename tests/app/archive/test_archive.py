"""`convserve batch` on this machine: what is done, what is skipped, what stops it and how it goes on."""

import csv
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet
from typer.testing import CliRunner, Result

from app.api.operations import parse_steps
from app.api.parameters import FilterQuery
from app.archive.job import ClassifyJob, FilterJob, Item, ItemOutcome, Job, process_items
from app.archive.processes import run_locally
from app.archive.run import Summary, run_batch
from app.archive.signals import StopSignal
from app.archive.storage import StorageError, open_folder, open_source
from app.cli.commands import app
from app.errors import StartError
from app.settings import Settings
from app.tasks.filter import FilterRequest
from kernels.catalogue import Catalogue
from tests.app.cli.test_commands import emboss
from tests.support.digit_images import find_digit, write_on_paper
from tests.support.images import decode, draw_noise, encode


def batch_command(source: object, out: object, *more: str) -> list[str]:
    return ["batch", "--kernel", "emboss", "--in", str(source), "--out", str(out), "--workers", "1", *more]


def run_command(source: object, out: object, *more: str) -> Result:
    return CliRunner().invoke(app, batch_command(source, out, *more))


def make_job(source: object, out: object) -> FilterJob:
    steps = parse_steps("emboss", FilterQuery(), Catalogue())
    return FilterJob(open_source(str(source)), open_folder(str(out)), Settings(), FilterRequest(steps))


def do_here(job: Job, mark: str, chunks: Iterable[list[Item]]) -> Iterator[ItemOutcome]:
    """In this process: no other has to start."""
    for items in chunks:
        yield from process_items(job, mark, items)


def run_here(job: Job) -> Summary:
    return run_batch(job, do_here, StopSignal())


def draw_archive(folder: Path, count: int) -> None:
    folder.mkdir(parents=True)
    for seed in range(count):
        (folder / f"{seed:04}.png").write_bytes(encode(draw_noise(9, 11, seed=seed)))


def assert_embossed(result: bytes, seed: int) -> None:
    assert np.array_equal(decode(result), emboss(draw_noise(9, 11, seed=seed)))


@pytest.mark.slow
def test_a_second_run_does_what_is_missing_or_changed_and_nothing_else(tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    (source / "deep").mkdir(parents=True)
    for seed, name in enumerate(("a.png", "b.png", "deep/c.png")):
        (source / name).write_bytes(encode(draw_noise(9, 11, seed=seed)))
    (source / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\ncut")
    first = run_command(source, out)
    assert (first.exit_code, "3 done, 0 were done already, 1 failed." in first.output) == (1, True)
    assert_embossed((out / "deep/c.png").read_bytes(), 2)
    assert (out / "failures.csv").read_text().splitlines()[1].startswith("bad.png,")

    (source / "bad.png").unlink()
    (source / "a.png").write_bytes(encode(draw_noise(9, 11, seed=7)))
    (out / "b.png").write_bytes((out / "b.png").read_bytes()[:-5])
    second = run_command(source, out)
    assert (second.exit_code, "2 done, 1 were done already, 0 failed." in second.output) == (0, True)
    assert_embossed((out / "a.png").read_bytes(), 7)
    assert_embossed((out / "b.png").read_bytes(), 1)


def test_verify_finds_what_changed_behind_size_and_time(tmp_path: Path) -> None:
    draw_archive(tmp_path / "in", 3)
    job = make_job(tmp_path / "in", tmp_path / "out")
    assert run_here(job).done == 3
    changed = tmp_path / "out/0001.png"
    changed.write_bytes(changed.read_bytes()[:-1] + b"x")
    assert run_here(job).kept == 3
    verified = run_batch(job, do_here, StopSignal(), verify=True)
    assert (verified.done, verified.kept) == (1, 2)
    assert_embossed(changed.read_bytes(), 1)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_asked_to_stop_forgets_nothing_that_is_done(tmp_path: Path, number: signal.Signals) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    draw_archive(source, 600)
    command = [str(Path(sys.executable).with_name("convserve")), *batch_command(source, out)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: out.exists() and len(list(out.glob("*.png"))) > 5)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + number, said
    assert "goes on from here" in said
    done = len(list(out.glob("*.png")))
    assert 5 < done < 600
    assert list(out.rglob("*.convserve-part")) == []
    summary = run_here(make_job(source, out))
    noted = re.search(r"(\d+) done", said)
    assert noted
    assert summary.kept == int(noted[1])
    assert done - summary.kept <= 2  # what the process was at
    assert summary.done + summary.kept == 600


def wait_for(condition: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.slow
def test_a_terminal_sees_a_bar_with_a_total(tmp_path: Path) -> None:
    draw_archive(tmp_path / "in", 40)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "app", *batch_command(tmp_path / "in", tmp_path / "out")]
    with subprocess.Popen(command, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        while part := read_terminal(ours):
            shown += part
        assert process.wait(60) == 0
    os.close(ours)
    totals = re.findall(rb"(\d+)/(\d+)", shown)
    assert (b"40", b"40") in totals
    assert b"40 done, 0 were done already, 0 failed." in shown


def read_terminal(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end is closed
        return b""


@pytest.mark.slow
def test_digits_go_into_a_parquet_table_with_the_polarity_that_was_said(tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    for digit in (3, 7):
        (source / f"{digit}.png").write_bytes(encode(write_on_paper(find_digit(digit))))
    (source / "bad.jpg").write_bytes(b"\xff\xd8\xff\xe0cut")
    (source / "notes.txt").write_text("no image")
    command = ["batch", "--classify", "--in", str(source), "--out", str(out), "--workers", "1"]
    result = CliRunner().invoke(app, [*command, "--report-format", "parquet", "--polarity", "dark"])
    assert result.exit_code == 1, result.output
    rows = parquet.read_table(out / "predictions.parquet").to_pylist()
    assert [(row["file"], row["digit"], row["verdict"]) for row in rows] == [
        ("3.png", 3, "digit"),
        ("7.png", 7, "digit"),
    ]
    assert sum(rows[0][f"probability_{digit}"] for digit in range(10)) == pytest.approx(1)
    (failure,) = parquet.read_table(out / "failures.parquet").to_pylist()
    assert failure["file"] == "bad.jpg"
    light = run_here(ClassifyJob(open_source(str(source)), open_folder(str(out)), Settings(), "light"))
    assert (light.done, light.kept) == (2, 0)  # another question, so it is asked again
    with (out / "predictions.csv").open() as file:
        assert [row["verdict"] for row in csv.DictReader(file)] != ["digit", "digit"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--classify", "--sigma", "3"], "--sigma is for --kernel"),
        (["--kernel", "blur", "--polarity", "dark"], "--polarity is for --classify"),
        (["--kernel", "blur", "--classify"], "either --kernel NAME or --classify"),
        (["--kernel", "blur", "--on", "moon"], "'local', 'ray'"),
    ],
)
def test_options_that_do_not_go_together_are_refused(tmp_path: Path, options: list[str], said: str) -> None:
    result = CliRunner().invoke(app, ["batch", "--in", str(tmp_path), "--out", "elsewhere", *options])
    assert (result.exit_code, said in result.output) == (2, True), result.output


def test_results_among_the_images_are_refused(tmp_path: Path) -> None:
    result = run_command(tmp_path, tmp_path / "out")
    assert (result.exit_code, "Say another" in result.output) == (2, True)


@pytest.mark.slow
def test_processes_that_cannot_start_stop_the_run_and_blame_no_image(tmp_path: Path) -> None:
    draw_archive(tmp_path / "in", 1)
    source_and_out = open_source(str(tmp_path / "in")), open_folder(str(tmp_path / "out"))
    job = ClassifyJob(*source_and_out, Settings(model_folder=tmp_path / "nowhere"))
    with pytest.raises(StartError, match="nowhere"):
        list(run_locally(job, "mark", [[Item("a.png", "a.png", "")]], 1))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 200 kB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_stops_the_run_which_goes_on_when_there_is_room(tmp_path: Path, small_disk: Path) -> None:
    draw_archive(tmp_path / "in", 20)
    job = make_job(tmp_path / "in", small_disk)
    filler = small_disk / "filler"
    filler.write_bytes(bytes(160_000))  # room for a few results
    with pytest.raises(StorageError, match="No space left on device"):
        run_here(job)
    assert list(small_disk.rglob("*.convserve-part")) == []
    results = sorted(small_disk.glob("*.png"))
    assert 0 < len(results) < 20
    for result in results:  # each is whole
        assert_embossed(result.read_bytes(), int(result.stem))
    filler.unlink()
    assert run_here(job).behind == 20
    assert len(list(small_disk.glob("*.png"))) == 20


def test_a_source_that_is_gone_stops_the_run(tmp_path: Path) -> None:
    draw_archive(tmp_path / "in", 5)

    def lose_it(job: Job, mark: str, chunks: Iterable[list[Item]]) -> Iterator[ItemOutcome]:
        for outcome in do_here(job, mark, chunks):
            yield outcome
            shutil.rmtree(tmp_path / "in", ignore_errors=True)

    with pytest.raises(StorageError, match="cannot be reached"):
        run_batch(make_job(tmp_path / "in", tmp_path / "out"), lose_it, StopSignal())
    draw_archive(tmp_path / "in", 5)
    assert run_here(make_job(tmp_path / "in", tmp_path / "out")).behind == 5
