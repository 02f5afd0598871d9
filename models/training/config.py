"""The options of a training run that decide its result."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import typer

NetworkName = Literal["lecture", "layers", "bundled"]
WAIT_SECONDS = 120
"""Limit for the other workers of a run to join."""


DataOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Folder of MNIST's IDX files, gzipped or not.",
        show_default="download MNIST to the cache folder",
    ),
]
"""Of the commands that read MNIST."""


@dataclass(frozen=True)
class TrainConfig:
    """The field names are stored in model cards and checkpoints, so they cannot change."""

    network: NetworkName = "bundled"
    epochs: int = 20
    batch: int = 128
    seed: int = 1
    learning_rate: float = 1.5e-3  # the peak; the lecture's networks train with a constant 1e-3
    weight_decay: float = 0.02
    dropout: float = 0.5
    validation: int = 5_000  # training images held out for validation
    drawn: int = 16_000  # synthetic digits per epoch
    rubbish: int = 28_000  # negatives per epoch
    real: int | None = None  # train on the first `real` images only; for tests
    start: str = ""  # SHA-256 of the weights that the run starts from; random ones if empty


DEFAULTS = TrainConfig()
START_LEARNING_RATE = 4e-4
"""The peak for a run that starts from trained weights: a higher one would forget them."""


def configure(defaults: TrainConfig, network: NetworkName, epochs: int, batch: int, seed: int) -> TrainConfig:
    config = replace(defaults, network=network, epochs=epochs, batch=batch, seed=seed)
    if network == "bundled":
        return config
    # The lecture's networks train on all 60,000 images, without negatives, and are not calibrated.
    return replace(config, validation=0, drawn=0, rubbish=0)
