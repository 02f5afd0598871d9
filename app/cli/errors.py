"""End a command with a message on stderr and an exit status: 1 for failed work, 2 for a mistake in the command."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from models.errors import ModelError

if TYPE_CHECKING:
    from pydantic import ValidationError


def fail(message: str, status: int = 2) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(status)


@contextmanager
def exit_on_errors() -> Iterator[None]:
    """End the command with one line if the body raises an error in a kernel, an image, a model or a file."""
    try:
        yield
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}." if error.filename else str(error))
    except (ValueError, ModelError) as error:
        fail(str(error))


def describe_first_error(error: "ValidationError") -> tuple[str, Any, str]:
    """The field of the first error (empty if it concerns the whole model), its value and the message."""
    first = error.errors()[0]
    field = str(first["loc"][0]) if first["loc"] else ""
    return field, first["input"], first["msg"].removeprefix("Value error, ")


def report_failures(failures: Sequence[tuple[Path, str]], summary: str = "") -> None:
    """Print the files that failed and why, then the summary. Exit status 1 if there are any."""
    for file, reason in failures:
        typer.echo(f"{file}: {reason}", err=True)
    if summary:
        typer.echo(summary, err=True)
    if failures:
        raise typer.Exit(1)
