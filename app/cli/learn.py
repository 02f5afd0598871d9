"""`convserve learn`."""

from pathlib import Path
from typing import Annotated

import typer

from app.api.parameters import LearnQuery
from app.cli.errors import exit_on_errors
from app.cli.options import JsonOption, add_options
from app.cli.settings import load_catalogue, load_settings


@add_options(
    "query",
    LearnQuery,
    help={
        "method": "`least-squares` solves for the kernel; `descent` runs gradient descent and shows its progress.",
        "steps": "Maximum number of steps of gradient descent.",
    },
)
def learn_kernel(
    before: Annotated[Path, typer.Argument(help="Image file.")],
    after: Annotated[Path, typer.Argument(help="The same image, filtered with the unknown kernel.")],
    query: LearnQuery,
    as_json: JsonOption = False,
) -> None:
    """Find the kernel that turns one image into another. Exit status 1 if there is none."""
    from app.cli.learn_output import learn_with_progress, print_lesson
    from app.tasks.context import TaskContext

    settings = load_settings()
    context = TaskContext(settings, load_catalogue(settings))
    with exit_on_errors():
        lesson = learn_with_progress(before.read_bytes(), after.read_bytes(), query, context)
    if as_json:
        typer.echo(lesson.model_dump_json(indent=2))
    else:
        print_lesson(lesson)
    if not lesson.is_convolution:
        raise typer.Exit(1)
