"""Reads lessons from folders. A file with a fault is left out and reported; it does not affect the others."""

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from pydantic import ValidationError

from app.errors import UnknownLessonError
from app.lessons.lesson import CHECKS, Lesson, TargetTask
from app.lessons.page_address import check_page_address
from app.lessons.toml_lines import KeyPath, find_line
from kernels.catalogue import Catalogue

BUNDLED_FOLDER = Path(str(files("app").joinpath("lessons/bundled")))
MAX_FILE_BYTES = 100_000
MAX_FILES = 200
NAME = re.compile(r"(?:\d+-)?([a-z0-9][a-z0-9-]{0,63})")
"""A file name without `.toml`. The number in front of it orders the lessons and is not part of the name."""


@dataclass(frozen=True)
class Fault:
    """What is wrong with a file. `line` counts from 1."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class LessonsFolderError(ValueError):
    """A folder of lessons cannot be read. The service does not start."""


class LessonError(ValueError):
    """A file is not a lesson. `line` counts from 1."""

    def __init__(self, message: str, line: int = 1) -> None:
        self.line = line
        super().__init__(message)


@dataclass(frozen=True)
class Lessons:
    """Lessons by name in their order, and the faults of the files that were left out."""

    entries: dict[str, Lesson]
    faults: tuple[Fault, ...] = ()

    def find(self, name: str) -> Lesson:
        """Raises UnknownLessonError."""
        if name not in self.entries:
            raise UnknownLessonError(f"There is no lesson '{name}'. GET /lessons lists all lessons.")
        return self.entries[name]


def read_lessons(catalogue: Catalogue, folder: Path | None = None) -> Lessons:
    """The bundled lessons, and those of `folder` after them. Raises LessonsFolderError if it cannot be read."""
    return read_files([*list_files(BUNDLED_FOLDER), *(list_files(folder) if folder else ())], catalogue)


def read_files(paths: Sequence[Path], catalogue: Catalogue) -> Lessons:
    entries: dict[str, Lesson] = {}
    faults: list[Fault] = []
    for path in paths:
        try:
            name = name_lesson(path)
            if name in entries:
                raise LessonError(f"There is a lesson '{name}' already. Rename the file.")
            entries[name] = read_lesson(path, catalogue)
        except LessonError as error:
            faults.append(Fault(path.name, error.line, str(error)))
    return Lessons(entries, tuple(faults))


def list_files(folder: Path) -> list[Path]:
    """The TOML files of a folder in the order of their names. Raises LessonsFolderError."""
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".toml" and not path.name.startswith("."))
    except OSError as error:
        raise LessonsFolderError(f"The folder of lessons {folder} cannot be read: {error.strerror}.") from error
    if len(paths) > MAX_FILES:
        raise LessonsFolderError(f"The folder of lessons {folder} has {len(paths)} TOML files; at most {MAX_FILES}.")
    return paths


def name_lesson(path: Path) -> str:
    """`averaging` for `01-averaging.toml`. Raises LessonError."""
    found = NAME.fullmatch(path.stem)
    if found is None:
        raise LessonError(f"'{path.name}' is not a valid lesson name. Use up to 64 small letters, digits and '-'.")
    return found[1]


def read_lesson(path: Path, catalogue: Catalogue) -> Lesson:
    """Read one file. Raises LessonError."""
    text = read_text(path)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message, line = describe_syntax(str(error), text)
        raise LessonError(f"This is not valid TOML: {message}.", line) from error
    try:
        lesson = Lesson.model_validate(document)
    except ValidationError as error:
        place, message = describe_mistake(error)
        raise LessonError(message, find_line(text, place)) from error
    for place, address in list_addresses(lesson):
        try:
            check_page_address(address, catalogue)
        except ValueError as error:
            raise LessonError(f"{name_place(place)}: {end_sentence(str(error))}", find_line(text, place)) from error
    return lesson


def read_text(path: Path) -> str:
    """Raises LessonError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise LessonError(f"The file cannot be read: {error.strerror}.") from error
    if len(content) > MAX_FILE_BYTES:
        raise LessonError(f"The file has {len(content)} bytes; a lesson may have {MAX_FILE_BYTES}.")
    try:
        return content.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise LessonError("The text is not UTF-8. Save the file with this encoding.", line) from error


def describe_syntax(message: str, text: str) -> tuple[str, int]:
    """The message of tomllib without its place, and the line of that place."""
    found = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", message)
    line = int(found[1]) if found and found[1] else text.count("\n") + 1
    return (message[: found.start()] if found else message), line


def describe_mistake(error: ValidationError) -> tuple[KeyPath, str]:
    """Where the first mistake is, without the name of the check, and what is wrong."""
    first = error.errors()[0]
    place = tuple(part for part in first["loc"] if part not in CHECKS)
    message = first["msg"].removeprefix("Value error, ")
    kind, name = first["type"], str(place[-1]) if place else ""
    if kind == "extra_forbidden":
        message = f"there is no key '{name}' here; correct or remove it"
    elif kind == "missing":
        message = f"the key '{name}' is missing; add it"
    elif kind == "union_tag_not_found":
        place, message = (*place, "check"), f"the key 'check' is missing; it is one of {', '.join(CHECKS)}"
    elif kind == "union_tag_invalid":
        place = (*place, "check")
        message = f"there is no check '{first['ctx']['tag']}'; it is one of {', '.join(CHECKS)}"
    elif kind != "value_error":
        message = f"{message[0].lower()}{message[1:]}, not {str(first['input'])[:60]!r}"
    return place, f"{name_place(place)}: {end_sentence(message)}" if place else end_sentence(capitalize(message))


def name_place(place: KeyPath) -> str:
    """`tasks[2].target`, with indices from 1 as people count."""
    text = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".")


def capitalize(message: str) -> str:
    return message[0].upper() + message[1:]


def end_sentence(message: str) -> str:
    return message if message.endswith((".", "?")) else f"{message}."


def list_addresses(lesson: Lesson) -> Iterator[tuple[KeyPath, str]]:
    yield ("start",), lesson.start
    for number, task in enumerate(lesson.tasks):
        if isinstance(task, TargetTask):
            yield ("tasks", number, "target"), task.target
