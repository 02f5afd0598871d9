"""Learn a kernel in this process, and print the progress and the result."""

import asyncio
from collections.abc import Sequence
from typing import TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from app.api.parameters import LearnQuery
from app.pool.ipc import Report
from app.pool.task import Answer, Task
from app.tasks.context import TaskContext
from app.tasks.learn import LearnParams, learn_from_images
from app.tasks.learn_result import LearnedKernel, LearnResult
from app.tasks.learn_stream import DescentStart, DescentStep, follow_descent

Params = TypeVar("Params")
Result = TypeVar("Result")


class LocalRunner:
    """Runs tasks in this process."""

    def __init__(self, context: TaskContext) -> None:
        self.context = context

    async def run(self, task: Task[Params, Result], params: Params, blobs: Sequence[bytes] = ()) -> Answer[Result]:
        return task.run(self.context, params, blobs, Report())


def learn_with_progress(before: bytes, after: bytes, query: LearnQuery, context: TaskContext) -> LearnResult:
    """Shows steps and loss of gradient descent on stderr. Raises as `learn_from_images`."""
    params = LearnParams(query.size, query.kernel_sharing)
    if query.method == "least-squares":
        return learn_from_images(before, after, params, context, Report())
    return asyncio.run(descend(before, after, params, query.steps, LocalRunner(context)))


async def descend(before: bytes, after: bytes, params: LearnParams, max_steps: int, runner: LocalRunner) -> LearnResult:
    state = TextColumn("step {task.completed}, loss {task.fields[loss]}")
    columns = (TextColumn("Gradient descent"), BarColumn(), state)
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("", total=max_steps, loss="")
        async for name, document in follow_descent(runner, before, after, params, max_steps):
            if name == "start":
                start = DescentStart.model_validate_json(document)
                progress.update(bar, loss=f"(least squares: {start.floor:.3g})")
            elif name == "step":
                step = DescentStep.model_validate_json(document)
                progress.update(bar, completed=step.step, loss=f"{step.loss:.4g}")
            else:
                return LearnResult.model_validate_json(document)
    raise AssertionError("the last event of a descent is its lesson")


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
