"""`convserve lessons`."""

from pathlib import Path

from tests.support.command_line import run
from tests.support.lesson_files import write_lesson


def test_lessons_are_listed_with_those_of_the_folder(tmp_path: Path) -> None:
    write_lesson(tmp_path, "9-own.toml")
    result = run("lessons", CONVSERVE_LESSONS_FOLDER=str(tmp_path))
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith("averaging ")
    assert lines[0].endswith(" Averaging: Why does a mean smooth an image, and what does it cost?")
    assert lines[-1].startswith("own ")


def test_a_folder_is_checked(tmp_path: Path) -> None:
    write_lesson(tmp_path, "good.toml")
    result = run("lessons", "check", tmp_path)
    assert (result.exit_code, result.stdout) == (0, "good: Edges, 3 tasks\n")
    write_lesson(tmp_path, "bad.toml", "sigma=2", "sigma=0")
    result = run("lessons", "check", tmp_path)
    assert (result.exit_code, result.stdout) == (1, "good: Edges, 3 tasks\n")
    assert result.stderr == "bad.toml:18: tasks[2].target: sigma is 0; it may be 0.1 to 200.\n"


def test_a_missing_folder_ends_the_command_with_one_line(tmp_path: Path) -> None:
    result = run("lessons", "check", tmp_path / "missing")
    assert result.exit_code == 2
    assert result.stderr == f"The folder of lessons {tmp_path}/missing cannot be read: No such file or directory.\n"
