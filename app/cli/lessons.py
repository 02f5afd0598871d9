"""`convserve lessons`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.errors import exit_on_errors
from app.cli.settings import load_catalogue, load_settings

if TYPE_CHECKING:
    from app.lessons.read import Lessons


def list_lessons() -> None:
    """List the lessons of the web page: the bundled ones and those of CONVSERVE_LESSONS_FOLDER."""
    from app.lessons.read import read_lessons

    settings = load_settings()
    catalogue = load_catalogue(settings)
    with exit_on_errors():
        lessons = read_lessons(catalogue, settings.lessons_folder)
    for name, lesson in lessons.entries.items():
        typer.echo(f"{name:20} {lesson.title}: {lesson.question}")
    report_faults(lessons)


def check_lessons(
    folder: Annotated[Path, typer.Argument(help="Folder with the TOML files.")],
) -> None:
    """Check a folder of lessons, and print each fault with its file and line. The exit status is 1 if there are any."""
    from app.lessons.read import list_files, read_files

    catalogue = load_catalogue(load_settings())
    with exit_on_errors():
        lessons = read_files(list_files(folder), catalogue)
    for name, lesson in lessons.entries.items():
        tasks = len(lesson.tasks)
        typer.echo(f"{name}: {lesson.title}, {tasks} {'task' if tasks == 1 else 'tasks'}")
    report_faults(lessons)


def report_faults(lessons: "Lessons") -> None:
    for fault in lessons.faults:
        typer.echo(str(fault), err=True)
    if lessons.faults:
        raise typer.Exit(1)
