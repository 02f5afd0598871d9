"""A model folder: `weights.npz` and `card.json`, which says what the weights are and holds their hash."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelFolderError

FORMAT = 1  # of the folder; a reader takes no other
WEIGHTS = "weights.npz"
CARD = "card.json"

Weights = list[NDArray[np.floating]]


def save_model_folder(folder: Path, weights: Weights, card: dict[str, Any]) -> None:
    """Write the weights as they are given and the card with format, shapes and hash added."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / WEIGHTS, *weights)
    content = (folder / WEIGHTS).read_bytes()
    full = {
        "format": FORMAT,
        **card,
        "shapes": [list(weight.shape) for weight in weights],
        "weights_sha256": hashlib.sha256(content).hexdigest(),
    }
    (folder / CARD).write_text(json.dumps(full, indent=1) + "\n")


def read_card(folder: Path) -> dict[str, Any]:
    """The card of a model folder; raises ModelFolderError where it is missing or of another format."""
    try:
        card = json.loads((folder / CARD).read_text())
    except OSError as error:
        raise ModelFolderError(f"{folder} is no model folder: {CARD} cannot be read ({error})") from error
    except ValueError as error:
        raise ModelFolderError(f"{folder / CARD} is damaged: {error}") from error
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        found = card.get("format") if isinstance(card, dict) else None
        raise ModelFolderError(f"{folder} has the format {found}; this version reads format {FORMAT}")
    return card


def read_model_folder(folder: Path, first: int | None = None) -> tuple[Weights, dict[str, Any]]:
    """(weights as float32, card) of a folder whose hash is right; only the `first` few if so asked.

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
        raise ModelFolderError(f"{path} is damaged: its hash is {found}, its card says {card.get('weights_sha256')}")
    with np.load(path, allow_pickle=False) as archive:
        numbers = range(len(archive.files))[:first]
        weights = [np.asarray(archive[f"arr_{number}"], np.float32) for number in numbers]
    if [list(weight.shape) for weight in weights] != card.get("shapes", [])[:first]:
        raise ModelFolderError(f"{path} holds other shapes than its card says")
    return weights, card
