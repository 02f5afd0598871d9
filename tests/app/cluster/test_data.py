"""`convserve batch` on Ray Data: results, failures and continuation are the same as on one machine."""

from pathlib import Path

import pytest

from app.archive.run import run_batch
from app.archive.signals import StopSignal
from app.cluster.data import run_on_ray
from tests.app.archive.test_archive import assert_embossed, draw_archive, make_job, run_in_process

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.usefixtures("two_nodes")]


def test_ray_processes_each_image_once_and_reports_a_bad_one(tmp_path: Path) -> None:
    draw_archive(tmp_path / "in", 60)
    (tmp_path / "in/bad.png").write_bytes(b"\x89PNG\r\n\x1a\ncut")
    job = make_job(tmp_path / "in", tmp_path / "out")
    first = run_batch(job, run_on_ray, StopSignal())
    assert (first.done, first.skipped, first.failed) == (60, 0, 1)
    for seed in (0, 31, 59):
        assert_embossed((tmp_path / f"out/{seed:04}.png").read_bytes(), seed)
    assert "bad.png" in (tmp_path / "out/failures.csv").read_text()
    (tmp_path / "in/0007.png").unlink()
    (tmp_path / "out/0008.png").unlink()
    again = run_batch(job, run_in_process, StopSignal())  # skips what Ray has done
    assert (again.done, again.skipped, again.failed) == (1, 58, 1)
