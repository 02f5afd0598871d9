"""`convserve batch` on this machine: what is processed and skipped, what stops a run, and how it continues."""

import csv
import json
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

import msgspec
import numpy as np
import pytest
from pyarrow import parquet
from typer.testing import CliRunner, Result

from app.archive.items import Item, ItemOutcome, process_items
from app.archive.job import ClassifyJob, FilterJob, Job
from app.archive.messages import JobMessage, describe_job, restore_job
from app.archive.processes import run_locally
from app.archive.run import Summary, run_batch
from app.archive.signals import StopSignal
from app.archive.storage import StorageError, open_folder, open_source
from app.cli.commands import app
from app.errors import StartError
from app.settings import Settings
from app.tasks.context import TaskContext
from app.tasks.filter import FilterRequest
from app.tasks.operations import parse_operations_text, parse_steps
from app.tasks.options import ReadingOptions
from kernels.catalogue import Catalogue
from kernels.settings import FilterSettings
from tests.support.command_line import emboss
from tests.support.digit_images import find_digit, write_on_paper
from tests.support.heif import read_heic
from tests.support.images import decode, draw_noise, encode, open_image


def batch_command(source: object, out: object, *more: str) -> list[str]:
    return ["batch", "--kernel", "emboss", "--in", str(source), "--out", str(out), "--workers", "1", *more]


def run_command(source: object, out: object, *more: str) -> Result:
    return CliRunner().invoke(app, batch_command(source, out, *more))


def make_job(source: object, out: object) -> FilterJob:
    steps = parse_steps("emboss", FilterSettings(), Catalogue())
    return FilterJob(open_source(str(source)), open_folder(str(out)), Settings(), FilterRequest(steps))


def make_layer_job(folder: Path, operations: str) -> FilterJob:
    steps = parse_operations_text(operations, FilterSettings(), Catalogue())
    source, out = open_source(str(folder / "in")), open_folder(str(folder / "out"))
    return FilterJob(source, out, Settings(), FilterRequest(steps))


def run_in_process(job: Job, fingerprint: str, chunks: Iterable[list[Item]]) -> Iterator[ItemOutcome]:
    """An executor that starts no worker processes."""
    for items in chunks:
        yield from process_items(job, fingerprint, items)


def run_job(job: Job) -> Summary:
    return run_batch(job, run_in_process, StopSignal())


def draw_archive(folder: Path, count: int) -> None:
    folder.mkdir(parents=True)
    for seed in range(count):
        (folder / f"{seed:04}.png").write_bytes(encode(draw_noise(9, 11, seed=seed)))


def assert_embossed(result: bytes, seed: int) -> None:
    assert np.array_equal(decode(result), emboss(draw_noise(9, 11, seed=seed)))


def test_layers_of_an_archive(tmp_path: Path) -> None:
    """Two maps are no image: the results are npy files."""
    draw_archive(tmp_path / "in", 2)
    summary = run_job(make_layer_job(tmp_path, '[{"kernel": "conv", "weights": [[1, 0, 0], [0, 0, 1]]}, "relu"]'))
    assert (summary.done, summary.failed) == (2, 0)
    for seed in range(2):
        (result,) = tmp_path.glob(f"out/**/{seed:04}.png.npy")
        np.testing.assert_array_equal(np.load(result), draw_noise(9, 11, seed=seed)[:, :, [0, 2]])


def test_jobs_with_other_weights_of_a_layer_are_other_jobs(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    layers = [{"kernel": "conv", "weights": [[w, 0, 0]], "bias": bias} for w, bias in ((1, 0), (2, 0), (1, 3))]
    operations = [json.dumps([layer]) for layer in layers]
    assert len({make_layer_job(tmp_path, each).compute_fingerprint() for each in operations}) == 3


def test_the_result_of_a_heic_is_a_jpeg(tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    (source / "IMG_1.HEIC").write_bytes(read_heic("rgb8"))
    assert run_job(make_job(source, out)).done == 1
    assert open_image((out / "IMG_1.HEIC.jpg").read_bytes()).format == "JPEG"


@pytest.mark.slow
def test_a_second_run_processes_only_what_is_missing_or_has_changed(tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    (source / "deep").mkdir(parents=True)
    for seed, name in enumerate(("a.png", "b.png", "deep/c.png")):
        (source / name).write_bytes(encode(draw_noise(9, 11, seed=seed)))
    (source / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\ncut")
    first = run_command(source, out)
    assert (first.exit_code, "3 done, 0 already done, 1 failed." in first.output) == (1, True)
    assert_embossed((out / "deep/c.png").read_bytes(), 2)
    assert (out / "failures.csv").read_text().splitlines()[1].startswith("bad.png,")

    (source / "bad.png").unlink()
    (source / "a.png").write_bytes(encode(draw_noise(9, 11, seed=7)))
    (out / "b.png").write_bytes((out / "b.png").read_bytes()[:-5])
    second = run_command(source, out)
    assert (second.exit_code, "2 done, 1 already done, 0 failed." in second.output) == (0, True)
    assert_embossed((out / "a.png").read_bytes(), 7)
    assert_embossed((out / "b.png").read_bytes(), 1)


def test_verify_finds_a_change_that_keeps_size_and_time(tmp_path: Path) -> None:
    draw_archive(tmp_path / "in", 3)
    job = make_job(tmp_path / "in", tmp_path / "out")
    assert run_job(job).done == 3
    changed = tmp_path / "out/0001.png"
    changed.write_bytes(changed.read_bytes()[:-1] + b"x")
    assert run_job(job).skipped == 3
    verified = run_batch(job, run_in_process, StopSignal(), verify=True)
    assert (verified.done, verified.skipped) == (1, 2)
    assert_embossed(changed.read_bytes(), 1)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_stopped_by_a_signal_records_all_finished_images(tmp_path: Path, number: signal.Signals) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    draw_archive(source, 600)
    command = [str(Path(sys.executable).with_name("convserve")), *batch_command(source, out)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: out.exists() and len(list(out.glob("*.png"))) > 5)
    process.send_signal(number)
    _, message = process.communicate(timeout=60)
    assert process.returncode == 128 + number, message
    assert "Run the same command again to continue" in message
    done = len(list(out.glob("*.png")))
    assert 5 < done < 600
    assert list(out.rglob("*.convserve-part")) == []
    summary = run_job(make_job(source, out))
    recorded = re.search(r"(\d+) done", message)
    assert recorded
    assert summary.skipped == int(recorded[1])
    assert done - summary.skipped <= 2  # images that were in work
    assert summary.done + summary.skipped == 600


def wait_for(condition: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.slow
def test_a_terminal_shows_a_progress_bar_with_the_total(tmp_path: Path) -> None:
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
    assert b"40 done, 0 already done, 0 failed." in shown


def read_terminal(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end is closed
        return b""


@pytest.mark.slow
def test_digits_are_written_to_a_parquet_table_and_read_again_for_another_polarity(tmp_path: Path) -> None:
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
    light = run_job(ClassifyJob(open_source(str(source)), open_folder(str(out)), Settings(), ReadingOptions("light")))
    assert (light.done, light.skipped) == (2, 0)  # another polarity is another job
    with (out / "predictions.csv").open() as file:
        assert [row["verdict"] for row in csv.DictReader(file)] != ["digit", "digit"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--classify", "--sigma", "3"], "--sigma needs --kernel"),
        (["--kernel", "blur", "--polarity", "dark"], "--polarity needs --classify"),
        (["--kernel", "blur", "--strictness", "0.5"], "--strictness needs --classify"),
        (["--kernel", "blur", "--classify"], "either --kernel NAME or --classify"),
        (["--kernel", "blur", "--on", "moon"], "'local', 'ray'"),
    ],
)
def test_options_that_exclude_each_other_are_rejected(tmp_path: Path, options: list[str], says: str) -> None:
    result = CliRunner().invoke(app, ["batch", "--in", str(tmp_path), "--out", "elsewhere", *options])
    assert (result.exit_code, says in result.output) == (2, True), result.output


def test_another_strictness_is_another_job_and_reaches_the_workers(tmp_path: Path) -> None:
    source, out = open_source(str(tmp_path)), open_folder(str(tmp_path / "out"))
    jobs = [ClassifyJob(source, out, Settings(), ReadingOptions("auto", value)) for value in (None, 0.5, 0.9)]
    assert len({job.compute_fingerprint() for job in jobs}) == 3
    sent = [msgspec.msgpack.decode(msgspec.msgpack.encode(describe_job(job)), type=JobMessage) for job in jobs]
    restored = [restore_job(message, TaskContext(Settings(), Catalogue())) for message in sent]
    assert [job.reading for job in restored if isinstance(job, ClassifyJob)] == [job.reading for job in jobs]


def test_results_in_the_folder_of_the_images_are_rejected(tmp_path: Path) -> None:
    result = run_command(tmp_path, tmp_path / "out")
    assert (result.exit_code, "Choose a folder outside of it" in result.output) == (2, True)


@pytest.mark.slow
def test_processes_that_cannot_start_stop_the_run(tmp_path: Path) -> None:
    draw_archive(tmp_path / "in", 1)
    source_and_out = open_source(str(tmp_path / "in")), open_folder(str(tmp_path / "out"))
    job = ClassifyJob(*source_and_out, Settings(model_folder=tmp_path / "nowhere"))
    with pytest.raises(StartError, match="nowhere"):
        list(run_locally(job, "fingerprint", [[Item("a.png", "a.png", "")]], 1))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 200 kB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("this environment cannot mount a file system")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_stops_the_run_and_a_second_run_continues(tmp_path: Path, small_disk: Path) -> None:
    draw_archive(tmp_path / "in", 20)
    job = make_job(tmp_path / "in", small_disk)
    filler = small_disk / "filler"
    filler.write_bytes(bytes(160_000))  # room for a few results
    with pytest.raises(StorageError, match="No space left on device"):
        run_job(job)
    assert list(small_disk.rglob("*.convserve-part")) == []
    results = sorted(small_disk.glob("*.png"))
    assert 0 < len(results) < 20
    for result in results:  # each is whole
        assert_embossed(result.read_bytes(), int(result.stem))
    filler.unlink()
    assert run_job(job).processed == 20
    assert len(list(small_disk.glob("*.png"))) == 20


def test_a_source_that_disappears_stops_the_run(tmp_path: Path) -> None:
    draw_archive(tmp_path / "in", 5)

    def remove_source(job: Job, fingerprint: str, chunks: Iterable[list[Item]]) -> Iterator[ItemOutcome]:
        for outcome in run_in_process(job, fingerprint, chunks):
            yield outcome
            shutil.rmtree(tmp_path / "in", ignore_errors=True)

    with pytest.raises(StorageError, match="cannot be reached"):
        run_batch(make_job(tmp_path / "in", tmp_path / "out"), remove_source, StopSignal())
    draw_archive(tmp_path / "in", 5)
    assert run_job(make_job(tmp_path / "in", tmp_path / "out")).processed == 5


def test_a_damaged_manifest_stops_the_run_and_is_named(tmp_path: Path) -> None:
    draw_archive(tmp_path / "in", 1)
    job = make_job(tmp_path / "in", tmp_path / "out")
    assert run_job(job).done == 1
    (part,) = (tmp_path / "out/_convserve").iterdir()
    part.write_bytes(part.read_bytes()[:-20])
    with pytest.raises(StorageError, match=rf"{part.name} is damaged: .*Delete it"):
        run_job(job)
    part.unlink()
    assert run_job(job).done == 1


def test_the_manifest_has_the_documented_fields(tmp_path: Path) -> None:
    draw_archive(tmp_path / "in", 1)
    job = make_job(tmp_path / "in", tmp_path / "out")
    run_job(job)
    (part,) = (tmp_path / "out/_convserve").glob("filtered-00000001-*.jsonl")
    record = json.loads(part.read_text())
    assert list(record) == ["name", "result", "stamp", "digest", "job", "bytes", "result_digest"]
    assert record["job"] == job.compute_fingerprint()
    assert record["bytes"] == (tmp_path / "out/0000.png").stat().st_size


def test_results_beside_the_images_may_be_named_relative_to_them(tmp_path: Path) -> None:
    draw_archive(tmp_path / "in", 1)
    assert run_command(tmp_path / "in", tmp_path / "in/../out").exit_code == 0


def test_results_in_the_folder_of_the_images_are_rejected_through_a_link(tmp_path: Path) -> None:
    draw_archive(tmp_path / "in", 1)
    (tmp_path / "link").symlink_to(tmp_path / "in")
    result = run_command(tmp_path / "in", tmp_path / "link/out")
    assert (result.exit_code, "Choose a folder outside of it" in result.output) == (2, True)


def test_a_name_that_is_not_utf8_is_reported_and_the_others_are_processed(tmp_path: Path) -> None:
    draw_archive(tmp_path / "in", 1)
    shutil.copy(tmp_path / "in/0000.png", tmp_path / "in" / os.fsdecode(b"x\xff.png"))
    summary = run_job(make_job(tmp_path / "in", tmp_path / "out"))
    assert (summary.done, summary.failed) == (1, 1)
    with (tmp_path / "out/failures.csv").open() as file:
        assert [row["file"] for row in csv.DictReader(file)] == [r"x\udcff.png"]
