"""`convserve model`."""

import json

import typer

from app.cli.errors import exit_on_errors
from app.cli.settings import load_settings


def print_model_card() -> None:
    """Print the model card of the digit model: training, accuracy and versions, as JSON."""
    from models.model_folder import read_card
    from models.reader.weights import BUNDLED_FOLDER

    folder = load_settings().model_folder or BUNDLED_FOLDER
    with exit_on_errors():
        card = read_card(folder)
    typer.echo(json.dumps(card, indent=2))
