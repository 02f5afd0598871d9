"""The options of a training run that decide its result."""

from dataclasses import dataclass

NETWORKS = ("lecture", "layers", "bundled")


@dataclass(frozen=True)
class TrainConfig:
    """The field names are stored in model cards and checkpoints, so they cannot change."""

    network: str = "bundled"
    epochs: int = 26
    batch: int = 128
    seed: int = 1
    learning_rate: float = 1.5e-3  # the peak; the lecture's networks train with a constant 1e-3
    weight_decay: float = 0.02
    dropout: float = 0.5
    validation: int = 5_000  # training images held out for validation
    drawn: int = 16_000  # synthetic digits per epoch
    rubbish: int = 28_000  # negatives per epoch
    real: int | None = None  # train on the first `real` images only; for tests


DEFAULTS = TrainConfig()
