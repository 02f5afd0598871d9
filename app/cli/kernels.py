"""`convserve kernels`."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.errors import exit_on_errors
from app.cli.exports import check_new, check_onnx
from app.cli.filter import KERNEL_HELP
from app.cli.input_files import read_operations
from app.cli.options import JsonOption, add_options
from app.cli.settings import load_catalogue, load_settings
from kernels.settings import FilterSettings

if TYPE_CHECKING:
    from kernels.catalogue import Entry
    from kernels.layers.catalogue import LayerEntry


def list_kernels(
    name: Annotated[
        str | None, typer.Argument(help="Show the weights and parameters of this kernel.", show_default="list all")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the kernels, or show one of them."""
    catalogue = load_catalogue(load_settings())
    layer = catalogue.find_layer(name) if name else None
    if layer is not None:
        print_layer(layer, as_json)
        return
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
        typer.echo("\nLayers, over all channels:")
        for layer in catalogue.layers.values():
            typer.echo(f"{layer.name:14} {layer.title} ({', '.join(sorted(layer.accepts))})")


@add_options("settings", FilterSettings, panel="Filter parameters")
def export_kernels(
    kernel: Annotated[str, typer.Argument(help=KERNEL_HELP)],
    output: Annotated[Path, typer.Option("--output", "-o", help="ONNX file to write.")],
    settings: FilterSettings,
    image_channels: Annotated[int, typer.Option(min=1, max=3, help="1 for grey images, 3 for RGB.")] = 3,
    image_size: Annotated[
        str | None,
        typer.Option(help="WIDTHxHEIGHT of the images. Some borders and strides need it.", show_default="any"),
    ] = None,
) -> None:
    """Write a chain of kernels and layers as ONNX, for float32 images of 0..255. Needs `convserve[onnx]`."""
    from app.tasks.operations import parse_operations_text

    check_new(output)
    check_onnx()
    catalogue = load_catalogue(load_settings())
    with exit_on_errors():
        steps = parse_operations_text(read_operations(kernel), settings, catalogue)
        size = parse_size(image_size) if image_size else None

        from kernels.export import export_chain

        export_chain(steps, output, channels=image_channels, size=size)
    typer.echo(f"wrote {output}")


def parse_size(text: str) -> tuple[int, int]:
    """(height, width) of a text such as 640x480. Raises ValueError."""
    found = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text)
    if found is None:
        raise ValueError(f"--image-size is {text!r}; write width and height in pixels, such as 640x480.")
    return int(found[2]), int(found[1])


def print_layer(entry: "LayerEntry", as_json: bool) -> None:
    from app.tasks.describe_kernel import describe_layer
    from kernels.settings import FilterSettings

    layer = describe_layer(entry, FilterSettings())
    if as_json:
        typer.echo(json.dumps(layer.model_dump(), indent=2))
        return
    typer.echo(f"{layer.name}: {layer.title}\nparameters {', '.join(layer.settings)}")
    if layer.weights_shape:
        typer.echo("weights {height}x{width}, {inputs} inputs, {outputs} outputs".format(**layer.weights_shape))
    for row in layer.matrix or []:
        typer.echo(" ".join(f"{weight:8.4g}" for weight in row))


def print_kernel(entry: "Entry") -> None:
    kernel = entry.make_kernel()
    typer.echo(f"{kernel.name}: {kernel.title}\ndivisor {kernel.divisor:g}, response {kernel.default_response}")
    for parameter in entry.parameters:
        default = "chosen" if parameter.default is None else f"{parameter.default:g}"
        typer.echo(f"--{parameter.name} {parameter.minimum:g}..{parameter.maximum:g} [{default}]")
    for part in kernel.tables:
        typer.echo("\n" + "\n".join(" ".join(f"{weight:8.4g}" for weight in row) for row in part))
