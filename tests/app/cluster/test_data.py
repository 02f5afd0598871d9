"""Archives on Ray Data: the same results, failures and way of going on as on one machine."""

from pathlib import Path

import pytest

from app.archive.run import run_batch
from app.archive.signals import StopSignal
from app.cluster.data import run_on_ray
from tests.app.archive.test_archive import assert_embossed, do_here, draw_archive, make_job

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.usefixtures("two_nodes")]


def test_images_are_done_on_ray_once_and_a_bad_one_is_a_row_in_the_report(tmp_path: Path) -> None:
    draw_archive(tmp_path / "in", 60)
    (tmp_path / "in/bad.png").write_bytes(b"\x89PNG\r\n\x1a\ncut")
    job = make_job(tmp_path / "in", tmp_path / "out")
    first = run_batch(job, run_on_ray, StopSignal())
    assert (first.done, first.kept, first.failed) == (60, 0, 1)
    for seed in (0, 31, 59):
        assert_embossed((tmp_path / f"out/{seed:04}.png").read_bytes(), seed)
    assert "bad.png" in (tmp_path / "out/failures.csv").read_text()
    (tmp_path / "in/0007.png").unlink()
    (tmp_path / "out/0008.png").unlink()
    again = run_batch(job, do_here, StopSignal())  # what Ray has done counts here, and the other way round
    assert (again.done, again.kept, again.failed) == (1, 58, 1)
