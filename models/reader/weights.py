"""The weights of the digit reader: the bundled model folder, and which other folders it supports.

A module of its own, without the imports of the reader: the command line needs the folder and its learned kernels.
"""

from pathlib import Path
from typing import Any

from models.errors import ModelFolderError
from models.model_folder import read_model_folder
from models.types import Weights

BUNDLED_FOLDER = Path(__file__).parent.parent / "bundled"
READER_VERSION = "2"
"""Of the supported cards."""


def read_weights(folder: Path, first: int | None = None) -> tuple[Weights, dict[str, Any]]:
    """`read_model_folder` for a bundled network of this reader's version. Raises ModelFolderError."""
    weights, card = read_model_folder(folder, first)
    if card.get("network") != "bundled" or str(card.get("version")) != READER_VERSION:
        raise ModelFolderError(
            f"{folder} has the network {card.get('network')!r} of version {card.get('version')!r}; "
            f"the reader supports 'bundled' of version {READER_VERSION!r}. `python -m models.calibrate {folder}` "
            "calibrates an older bundled network for it"
        )
    return weights, card
