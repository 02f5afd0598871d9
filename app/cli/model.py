"""`convserve model`."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from app.cli.errors import exit_on_errors
from app.cli.exports import check_new, check_onnx
from app.cli.settings import load_settings

FolderOption = Annotated[
    Path | None,
    typer.Option(
        "--model", help="Model folder, from `convserve train`.", show_default="CONVSERVE_MODEL_FOLDER or bundled"
    ),
]


def print_model_card(model: FolderOption = None) -> None:
    """Print the model card of the digit model: training, accuracy and versions, as JSON."""
    from models.model_folder import read_card

    with exit_on_errors():
        card = read_card(find_folder(model))
    typer.echo(json.dumps(card, indent=2))


def export_model(
    output: Annotated[Path, typer.Option("--output", "-o", help="File (onnx) or folder (saved-model) to write.")],
    format: Annotated[
        Literal["onnx", "saved-model"], typer.Option(help="`onnx` needs `pip install 'convserve[onnx]'`.")
    ] = "onnx",
    model: FolderOption = None,
) -> None:
    """Write the digit network for other runtimes, as ONNX or as a TensorFlow SavedModel."""
    from models import export

    check_new(output)
    with exit_on_errors():
        network = export.load_network(find_folder(model))
        if format == "saved-model":
            export.export_saved_model(network, output)
        else:
            check_onnx()
            export.export_onnx(network, output)
    typer.echo(f"wrote {output}")


def find_folder(given: Path | None) -> Path:
    from models.reader.weights import BUNDLED_FOLDER

    return given or load_settings().model_folder or BUNDLED_FOLDER
