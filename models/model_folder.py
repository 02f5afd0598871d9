"""A model folder: `weights.npz`, and `card.json` with the description of the weights and their hash."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from models.atomic_file import replace_file
from models.errors import ModelFolderError
from models.types import Weights

FORMAT = 1  # of the folder; no other format is readable
WEIGHTS = "weights.npz"
CARD = "card.json"


def save_model_folder(folder: Path, weights: Weights, card: dict[str, Any]) -> None:
    """Write the weights with their dtype, and the card with format, shapes and hash added."""
    folder.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, *weights)
    full = {
        "format": FORMAT,
        **card,
        "shapes": [list(weight.shape) for weight in weights],
        "weights_sha256": hashlib.sha256(buffer.getvalue()).hexdigest(),
    }
    with replace_file(folder / WEIGHTS) as file:
        file.write(buffer.getvalue())
    save_card(folder, full)


def save_card(folder: Path, card: dict[str, Any]) -> None:
    """Write a card that has format, shapes and hash already."""
    with replace_file(folder / CARD) as file:
        file.write((json.dumps(card, indent=1) + "\n").encode())


def read_card(folder: Path) -> dict[str, Any]:
    """The card of a model folder. Raises ModelFolderError if it is missing or has another format."""
    try:
        card = json.loads((folder / CARD).read_text())
    except OSError as error:
        raise ModelFolderError(f"{folder} is not a model folder: {CARD} cannot be read ({error})") from error
    except ValueError as error:
        raise ModelFolderError(f"{folder / CARD} is damaged: {error}") from error
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        found = card.get("format") if isinstance(card, dict) else None
        raise ModelFolderError(f"{folder} has format {found}; this version reads format {FORMAT}")
    return card


def read_model_folder(folder: Path, first: int | None = None) -> tuple[Weights, dict[str, Any]]:
    """(weights as float32, card) of a folder, with the hash verified; `first` limits the number of weights.

    Raises ModelFolderError.
    """
    card = read_card(folder)
    path = folder / WEIGHTS
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelFolderError(f"{path} cannot be read: {error}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != card.get("weights_sha256"):
        raise ModelFolderError(f"{path} is damaged: its hash is {found}, but its card has {card.get('weights_sha256')}")
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        numbers = range(len(archive.files))[:first]
        weights: Weights = [np.asarray(archive[f"arr_{number}"], np.float32) for number in numbers]
    if [list(weight.shape) for weight in weights] != card.get("shapes", [])[:first]:
        raise ModelFolderError(f"{path} does not have the shapes that its card lists")
    return weights, card
