"""`convserve learn`."""

from pathlib import Path
from typing import Annotated

import typer

from app.api.parameters import DESCENT_STEPS, LAYER_STEPS, LearnQuery
from app.cli.errors import exit_on_errors
from app.cli.options import JsonOption, add_options
from app.cli.settings import load_catalogue, load_settings


@add_options(
    "query",
    LearnQuery,
    help={
        "method": "`least-squares` solves for the kernel; `descent` runs gradient descent and shows its progress.",
        "steps": f"Maximum number of steps of gradient descent. Default: {DESCENT_STEPS}, or {LAYER_STEPS} with "
        "--layers 2.",
        "layers": "1: a single kernel. 2: a convolution, ReLU and a convolution of 1×1, for results that no single "
        "kernel gives. Prints the steps for `convserve filter @FILE`.",
    },
)
def learn_kernel(
    before: Annotated[Path, typer.Argument(help="Image file.")],
    after: Annotated[Path, typer.Argument(help="The same image, filtered with the unknown kernel.")],
    query: LearnQuery,
    as_json: JsonOption = False,
) -> None:
    """Find the kernel, or two layers, that turn one image into another.

    Exit status 1 if there is no such kernel, or if layers are no better than a kernel.
    """
    from app.cli.learn_output import learn_with_progress, print_layers, print_lesson
    from app.tasks.context import TaskContext
    from app.tasks.learn_layers_result import LayersResult

    settings = load_settings()
    context = TaskContext(settings, load_catalogue(settings))
    with exit_on_errors():
        lesson = learn_with_progress(before.read_bytes(), after.read_bytes(), query, context)
    if as_json:
        typer.echo(lesson.model_dump_json(indent=2))
    elif isinstance(lesson, LayersResult):
        print_layers(lesson)
    else:
        print_lesson(lesson)
    is_found = lesson.gain_db > 0 if isinstance(lesson, LayersResult) else lesson.is_convolution
    if not is_found:
        raise typer.Exit(1)
