"""`convserve kernels`."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.errors import exit_on_errors
from app.cli.options import JsonOption
from app.cli.settings import load_catalogue, load_settings

if TYPE_CHECKING:
    from kernels.catalogue import Entry


def list_kernels(
    name: Annotated[
        str | None, typer.Argument(help="Show the weights and parameters of this kernel.", show_default="list all")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the kernels, or show one of them."""
    catalogue = load_catalogue(load_settings())
    with exit_on_errors():
        entries = [catalogue[name]] if name else list(catalogue.values())
    if as_json:
        from app.tasks.describe_kernel import describe_kernel

        documents = [describe_kernel(entry.make_kernel(), entry.parameters).model_dump() for entry in entries]
        typer.echo(json.dumps(documents[0] if name else documents, indent=2))
    elif name:
        print_kernel(entries[0])
    else:
        for entry in entries:
            parameters = ", ".join(parameter.name for parameter in entry.parameters)
            typer.echo(f"{entry.name:14} {entry.title}" + (f" ({parameters})" if parameters else ""))


def print_kernel(entry: "Entry") -> None:
    kernel = entry.make_kernel()
    typer.echo(f"{kernel.name}: {kernel.title}\ndivisor {kernel.divisor:g}, response {kernel.default_response}")
    for parameter in entry.parameters:
        default = "chosen" if parameter.default is None else f"{parameter.default:g}"
        typer.echo(f"--{parameter.name} {parameter.minimum:g}..{parameter.maximum:g} [{default}]")
    for part in kernel.tables:
        typer.echo("\n" + "\n".join(" ".join(f"{weight:8.4g}" for weight in row) for row in part))
