"""What `convserve learn` shows while it learns, and at the end."""

import asyncio
from collections.abc import Callable
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from app.api.parameters import LearnQuery
from app.settings import Settings
from app.tasks.learn import LearnedKernel, Lesson, learn_from_images
from app.tasks.learn_stream import DescentStart, DescentStep, ImagePair, follow_descent


def learn_with_progress(before: bytes, after: bytes, query: LearnQuery, settings: Settings) -> Lesson:
    """Raises as `learn_from_images`. A descent tells its steps and its loss on stderr."""
    if query.method == "least-squares":
        return learn_from_images(before, after, query.size, query.shares, settings)
    return asyncio.run(descend(ImagePair(before, after, query.size, query.shares, settings), query.steps))


async def descend(images: ImagePair, most_steps: int) -> Lesson:
    columns = (TextColumn("Descending"), BarColumn(), TextColumn("step {task.completed}, loss {task.fields[loss]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("", total=most_steps, loss="")
        async for what in follow_descent(run_here, images, most_steps):
            if isinstance(what, DescentStart):
                progress.update(bar, loss=f"(least squares: {what.floor:.3g})")
            elif isinstance(what, DescentStep):
                progress.update(bar, completed=what.step, loss=f"{what.loss:.4g}")
            else:
                return what
    raise AssertionError("a descent ends with a lesson")


async def run_here(work: Callable[..., Any], *arguments: Any) -> Any:
    return work(*arguments)


def print_lesson(lesson: Lesson) -> None:
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
    """As fractions where they are clean, else as numbers."""
    if kernel.fractions:
        width = max(len(text) for row in kernel.fractions.weights for text in row)
        return [" ".join(text.rjust(width) for text in row) for row in kernel.fractions.weights]
    return [" ".join(f"{weight:8.4f}" for weight in row) for row in kernel.weights]
