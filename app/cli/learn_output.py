"""Learn a kernel in this process, and print the progress and the result."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from app.api.parameters import LearnQuery
from app.pool.ipc import Report
from app.pool.task import Answer, Task
from app.tasks.context import TaskContext
from app.tasks.learn import LearnParams, learn_from_images
from app.tasks.learn_layers import LayersParams, follow_layers
from app.tasks.learn_layers_result import LayersResult
from app.tasks.learn_result import LearnedKernel, LearnResult
from app.tasks.learn_stream import follow_descent
from app.tasks.pieces import Event

Params = TypeVar("Params")
Result = TypeVar("Result")


class LocalRunner:
    """Runs tasks in this process."""

    def __init__(self, context: TaskContext) -> None:
        self.context = context

    async def run(self, task: Task[Params, Result], params: Params, blobs: Sequence[bytes] = ()) -> Answer[Result]:
        return task.run(self.context, params, blobs, Report())


def learn_with_progress(
    before: bytes, after: bytes, query: LearnQuery, context: TaskContext
) -> LearnResult | LayersResult:
    """Shows the progress of gradient descent on stderr. Raises as `learn_from_images` and `follow_layers`."""
    query.check_layers()
    params, runner = LearnParams(query.size, query.kernel_sharing), LocalRunner(context)
    if query.layers == 2:
        training = LayersParams(params, query.filters, query.max_steps)
        document = asyncio.run(watch(follow_layers(runner, before, after, training), query.max_steps))
        return LayersResult.model_validate_json(document)
    if query.method == "least-squares":
        return learn_from_images(before, after, params, context, Report())
    document = asyncio.run(watch(follow_descent(runner, before, after, params, query.max_steps), query.max_steps))
    return LearnResult.model_validate_json(document)


async def watch(events: AsyncIterator[Event], max_steps: int) -> str:
    """Show step and loss, or step and PSNR, until the lesson, and return it."""
    state = TextColumn("step {task.completed}, {task.fields[state]}")
    columns = (TextColumn("Gradient descent"), BarColumn(), state)
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("", total=max_steps, state="")
        async for name, document in events:
            if name == "lesson":
                return document
            values = json.loads(document)
            if name == "step":
                progress.update(bar, completed=values["step"], state=describe_step(values))
            elif "floor" in values:
                progress.update(bar, state=f"loss (least squares: {values['floor']:.3g})")
            else:
                progress.update(bar, state=f"PSNR (single kernel: {values['kernel_psnr_db']:.1f} dB)")
    raise AssertionError("the last event of a training is its lesson")


def describe_step(values: dict[str, Any]) -> str:
    return f"PSNR {values['psnr_db']:.1f} dB" if "psnr_db" in values else f"loss {values['loss']:.4g}"


def print_layers(lesson: LayersResult) -> None:
    """The steps on stdout, and what they reach on stderr."""
    for line in (lesson.reason, *lesson.notes):
        typer.echo(line, err=True)
    typer.echo(
        f"PSNR {lesson.psnr_db:.1f} dB, single kernel {lesson.kernel_psnr_db:.1f} dB: a gain of {lesson.gain_db:.1f} "
        f"dB, of {lesson.held_out_values} values that training did not use.",
        err=True,
    )
    typer.echo(json.dumps(lesson.operations, separators=(",", ":")))


def print_lesson(lesson: LearnResult) -> None:
    typer.echo(lesson.reason)
    for note in lesson.notes:
        typer.echo(note)
    for kernel in lesson.kernels if lesson.is_convolution else []:
        typer.echo("\n" + "\n".join(format_rows(kernel)))
        parts = [f"bias {kernel.bias:g}", f"R² {kernel.r_squared:.4f}", f"PSNR {kernel.psnr_db:.1f} dB"]
        if not lesson.shared:
            parts.insert(0, f"channel {kernel.channels}")
        if kernel.nearest:
            own = "".join(f" {name} {value:g}" for name, value in kernel.nearest.parameters.items())
            parts.append(f"nearest {kernel.nearest.name}{own}")
        typer.echo(", ".join(parts))
    if lesson.request:
        typer.echo(f"\n{lesson.request}")


def format_rows(kernel: LearnedKernel) -> list[str]:
    """Rows of weights: as fractions if the kernel has them, else as decimals."""
    if kernel.fractions:
        width = max(len(text) for row in kernel.fractions.weights for text in row)
        return [" ".join(text.rjust(width) for text in row) for row in kernel.fractions.weights]
    return [" ".join(f"{weight:8.4f}" for weight in row) for row in kernel.weights]
