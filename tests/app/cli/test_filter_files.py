"""`convserve filter` with several images: folders, names of results, files that fail."""

import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from app.tasks.filter import filter_image
from tests.support.command_line import emboss, list_files, run
from tests.support.images import decode, draw_noise, encode
from tests.support.paths import ROOT


def test_all_images_of_a_folder_are_filtered(folder: Path, tmp_path: Path) -> None:
    result = run("filter", "emboss", folder, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert list_files(tmp_path / "out") == {"a-emboss.png", "b-emboss.bmp", "c-emboss.tif", "d-emboss.jpg"}
    for seed, name in enumerate(["a-emboss.png", "b-emboss.bmp", "c-emboss.tif"]):
        assert np.array_equal(decode((tmp_path / "out" / name).read_bytes()), emboss(draw_noise(9, 9, seed=seed)))
    assert result.stderr == "4 of 4 images filtered.\n"


def test_a_bad_file_is_reported_and_the_others_are_filtered(folder: Path, tmp_path: Path) -> None:
    (folder / "a1.png").write_bytes(encode(draw_noise(9, 9))[:60])
    (folder / "empty.gif").write_bytes(b"")
    result = run("filter", "emboss", folder, tmp_path / "missing.png", "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert len(list_files(tmp_path / "out")) == 4
    lines = result.stderr.strip().splitlines()[-4:]
    for name, line in zip(["a1.png", "empty.gif", "missing.png"], lines, strict=False):
        assert name in line
        assert len(line) > len(str(folder / name)) + 5
    assert "4 of 7" in lines[-1]


@pytest.mark.parametrize("names", [["photo.png"], ["photo.png", "other.png"]])
def test_an_input_is_never_overwritten(photo: Path, names: list[str]) -> None:
    other = photo.with_name("other.png")
    other.write_bytes(encode(draw_noise(5, 5)))
    before = {path: path.read_bytes() for path in (photo, other)}
    files = [photo.with_name(name) for name in names]

    result = run("filter", "blur", *files, "-o", photo)

    assert result.exit_code == 2
    assert "photo.png" in result.stderr
    assert {path: path.read_bytes() for path in (photo, other)} == before
    assert list_files(photo.parent) == {"photo.png", "other.png"}


def test_a_result_with_the_name_of_another_input_is_rejected(photo: Path) -> None:
    following = photo.with_name("photo-blur.png")
    following.write_bytes(photo.read_bytes())
    result = run("filter", "blur", photo, following)
    assert result.exit_code == 2
    assert following.read_bytes() == photo.read_bytes()


def test_results_with_the_same_name_are_rejected_before_any_is_written(tmp_path: Path) -> None:
    for name in ("a.png", "a.bmp"):
        (tmp_path / name).write_bytes(encode(draw_noise(5, 5), {"png": "PNG", "bmp": "BMP"}[name[2:]]))
    result = run("filter", "blur", tmp_path, "--format", "webp")
    assert result.exit_code == 2
    assert "a-blur.webp" in result.stderr
    assert list_files(tmp_path) == {"a.png", "a.bmp"}


def test_several_results_are_not_written_to_a_file(folder: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken.txt"
    taken.write_text("mine")
    result = run("filter", "blur", folder, "-o", taken)
    assert result.exit_code == 2
    assert taken.read_text() == "mine"


def test_several_results_do_not_create_a_folder_with_the_name_of_an_image(photo: Path) -> None:
    other = photo.with_name("other.png")
    shutil.copy(photo, other)
    result = run("filter", "edge", photo, other, "-o", photo.with_name("one.png"))
    assert result.exit_code == 2
    assert "2 results need a folder" in result.stderr
    assert list_files(photo.parent) == {"photo.png", "other.png"}


def test_a_folder_with_one_image_gives_a_folder(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(encode(draw_noise(5, 5)))
    result = run("filter", "blur", tmp_path / "in", "-o", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    assert list_files(tmp_path / "out") == {"a-blur.png"}


def test_a_folder_without_images_is_named(tmp_path: Path) -> None:
    result = run("filter", "blur", tmp_path)
    assert result.exit_code == 2
    assert str(tmp_path) in result.stderr


def test_a_folder_with_the_name_of_an_image_is_not_an_image(tmp_path: Path) -> None:
    (tmp_path / "album.png").mkdir()
    (tmp_path / "a.png").write_bytes(encode(draw_noise(5, 5)))
    result = run("filter", "blur", tmp_path)
    assert result.exit_code == 0, result.stderr
    assert list_files(tmp_path) == {"a.png", "a-blur.png"}


def test_images_are_filtered_in_parallel(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of four threads waits for the other three inside the filter."""
    barrier = threading.Barrier(4, timeout=20)

    def wait_and_filter(*arguments: object) -> object:
        barrier.wait()
        return filter_image(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("app.cli.filter_files.filter_image", wait_and_filter)
    result = run("filter", "blur", folder, "-o", tmp_path / "out", CONVSERVE_WORKERS="4")
    assert result.exit_code == 0, result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("command", [["filter", "blur"], ["classify"], ["read"], ["gallery"]])
def test_a_missing_file_is_reported_before_tensorflow_is_imported(tmp_path: Path, command: list[str]) -> None:
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom app.cli.commands import app\n"
        f"result = CliRunner().invoke(app, {[*command, str(tmp_path / 'missing.jpg')]})\n"
        "print(result.exit_code, 'missing.jpg: No such file' in result.stderr, 'tensorflow' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    status, is_reported, is_loaded = result.stdout.split()
    assert int(status) > 0, result.stderr
    assert (is_reported, is_loaded) == ("True", "False")


def test_all_missing_files_are_named(tmp_path: Path) -> None:
    result = run("filter", "blur", tmp_path / "a.png", tmp_path / "b.png")
    assert result.exit_code == 1
    assert [line.endswith("No such file or directory") for line in result.stderr.splitlines()[:2]] == [True, True]
    assert "0 of 2" in result.stderr
