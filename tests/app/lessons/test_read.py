"""Lesson files: what is read, and what a message says about a faulty one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.lessons.lesson import ChoiceTask, DigitTask
from app.lessons.read import BUNDLED_FOLDER, MAX_FILE_BYTES, LessonError, LessonsFolderError, read_lesson, read_lessons
from app.lessons.toml_lines import find_line
from kernels.catalogue import Catalogue
from tests.support.lesson_files import FAULTS, LESSON, write_lesson

CATALOGUE = Catalogue()
SUBJECTS = [
    "averaging", "sharpening", "edges-and-signs", "borders", "stride-and-pooling", "composing-kernels",
    "why-rgb-needs-three-kernels", "fooling-the-network",
]  # fmt: skip


def test_bundled_lessons_are_complete() -> None:
    lessons = read_lessons(CATALOGUE)
    assert list(lessons.entries) == SUBJECTS
    assert lessons.faults == ()
    for lesson in lessons.entries.values():
        assert lesson.question.endswith("?")
        assert len(lesson.text) < 600
        for task in lesson.tasks:
            assert not isinstance(task, ChoiceTask) or all(choice.feedback for choice in task.choices)
    tasks = lessons.entries["fooling-the-network"].tasks
    assert [task.max_changed_pixels for task in tasks if isinstance(task, DigitTask)] == [10, 10]


def test_lessons_of_a_folder_follow_the_bundled_ones_in_the_order_of_their_files(tmp_path: Path) -> None:
    write_lesson(tmp_path, "2-second.toml")
    write_lesson(tmp_path, "1-zebra.toml")
    (tmp_path / "notes.txt").write_text("no lesson")
    lessons = read_lessons(CATALOGUE, tmp_path)
    assert list(lessons.entries) == [*SUBJECTS, "zebra", "second"]
    assert lessons.entries["zebra"].text == 'A change of brightness.\n\ntitle = "not a key"\n'
    assert lessons.faults == ()


@pytest.mark.parametrize(("replace", "by", "line", "says"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_reported_with_its_line(tmp_path: Path, replace: str, by: str, line: int, says: str) -> None:
    with pytest.raises(LessonError) as caught:
        read_lesson(write_lesson(tmp_path, replace=replace, by=by), CATALOGUE)
    assert says in str(caught.value)
    assert caught.value.line == line


def test_a_faulty_file_does_not_affect_others(tmp_path: Path) -> None:
    for number, (replace, by, _, _) in enumerate(FAULTS.values()):
        write_lesson(tmp_path, f"{number}-faulty.toml", replace, by)
    write_lesson(tmp_path, "good.toml")
    write_lesson(tmp_path, "averaging.toml")
    write_lesson(tmp_path, "Great Lesson.toml")
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "latin.toml").write_bytes(LESSON.replace("Edges", "Kant\u00e9").encode("latin-1"))
    (tmp_path / "long.toml").write_text(LESSON + "#" * MAX_FILE_BYTES)
    lessons = read_lessons(CATALOGUE, tmp_path)
    assert list(lessons.entries) == [*SUBJECTS, "good"]
    says = {fault.file: str(fault) for fault in lessons.faults}
    assert len(says) == len(FAULTS) + 5
    assert says["averaging.toml"] == "averaging.toml:1: There is a lesson 'averaging' already. Rename the file."
    assert "'Great Lesson.toml' is not a valid lesson name" in says["Great Lesson.toml"]
    assert says["folder.toml"] == "folder.toml:1: The file cannot be read: Is a directory."
    assert "latin.toml:1: The text is not UTF-8" in says["latin.toml"]
    assert "a lesson may have 100000" in says["long.toml"]


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LessonsFolderError, match="cannot be read: No such file or directory"):
        read_lessons(CATALOGUE, tmp_path / "missing")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda rows: rows[:-1], "the drawing has 27 rows; it needs 28"),
        (lambda rows: [rows[0] + ".", *rows[1:]], "row 1 of the drawing has 29 characters; it needs 28"),
        (lambda rows: [*rows[:2], "x" + rows[2][1:], *rows[3:]], "row 3 of the drawing has 'x'; use '.' for no ink"),
    ],
)
def test_a_drawing_has_28_rows_of_28(tmp_path: Path, change: Callable[[list[str]], list[str]], says: str) -> None:
    text = (BUNDLED_FOLDER / "08-fooling-the-network.toml").read_text("utf-8")
    begin = text.index('drawing = """\n') + len('drawing = """\n')
    end = text.index('"""', begin)
    rows = change(text[begin:end].strip("\n").split("\n"))
    path = tmp_path / "drawing.toml"
    path.write_text(text[:begin] + "\n".join(rows) + "\n" + text[end:])
    with pytest.raises(LessonError, match=says) as caught:
        read_lesson(path, CATALOGUE)
    assert caught.value.line == text[:begin].count("\n")


def test_lines_of_keys() -> None:
    text = '# notes\na = 1\n[b]\nc = """\na = 2\n"""\n[[d]]\ne = 1\n[[d.f]]\ng = 1\n'
    text += '[[d]]\n"e" = 2\n[[d.f]]\n[[d.f]]\ng = 3\n'
    lines = {("a",): 2, ("b",): 3, ("b", "c"): 4, ("d", 0, "e"): 8, ("d", 0, "f", 0, "g"): 10, ("d", 1, "e"): 12}
    for path, line in lines.items():
        assert find_line(text, path) == line
    assert find_line(text, ("d", 1, "f", 1, "g")) == 15
    assert find_line(text, ("d", 1, "f", 1, "missing")) == 14
    assert find_line(text, ("missing",)) == 1
