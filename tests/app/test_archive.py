"""`convserve batch`."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from app.archive.jobs import ClassifyJob, Task
from app.archive.lanes import LaneError, run_locally
from app.archive.places import open_place, open_source
from app.cli import app
from app.settings import Settings
from tests.app.pictures import decode, draw_noise, encode
from tests.app.test_command_line import emboss


def run_batch(source: Path, out: Path) -> Result:
    command = ["batch", "--kernel", "emboss", "--in", str(source), "--out", str(out), "--workers", "1"]
    return CliRunner().invoke(app, command)


@pytest.mark.slow
def test_a_second_run_does_what_is_missing_or_changed_and_nothing_else(tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    (source / "deep").mkdir(parents=True)
    for seed, name in enumerate(("a.png", "b.png", "deep/c.png")):
        (source / name).write_bytes(encode(draw_noise(9, 11, seed=seed)))
    (source / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\ncut")
    first = run_batch(source, out)
    assert (first.exit_code, "3 done, 0 were done already, 1 failed." in first.output) == (1, True)
    assert np.array_equal(decode((out / "deep/c.png").read_bytes()), emboss(draw_noise(9, 11, seed=2)))
    assert (out / "failures.csv").read_text().splitlines()[1].startswith("bad.png,")

    (source / "bad.png").unlink()
    (source / "a.png").write_bytes(encode(draw_noise(9, 11, seed=7)))
    (out / "b.png").write_bytes((out / "b.png").read_bytes()[:-5])
    second = run_batch(source, out)
    assert (second.exit_code, "2 done, 1 were done already, 0 failed." in second.output) == (0, True)
    assert np.array_equal(decode((out / "a.png").read_bytes()), emboss(draw_noise(9, 11, seed=7)))
    assert np.array_equal(decode((out / "b.png").read_bytes()), emboss(draw_noise(9, 11, seed=1)))


def test_results_among_the_pictures_are_refused(tmp_path: Path) -> None:
    result = run_batch(tmp_path, tmp_path / "out")
    assert (result.exit_code, "Say another" in result.output) == (2, True)


def test_processes_that_cannot_start_stop_the_run_and_blame_no_picture(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.png").write_bytes(encode(draw_noise(9, 11, seed=1)))
    source_and_out = open_source(str(tmp_path / "in")), open_place(str(tmp_path / "out"))
    job = ClassifyJob(*source_and_out, Settings(model_folder=tmp_path / "nowhere"))
    with pytest.raises(LaneError, match="while it was starting"):
        list(run_locally(job, "mark", [[Task("a.png", "a.png", "")]], 1))
