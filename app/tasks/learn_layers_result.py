"""The events of learning two layers, and the result, as JSON."""

from typing import Any

import numpy as np
from pydantic import BaseModel, Field

from kernels.learn.layer_training import LayerSnapshot

SHOWN_DIGITS = 5
"""Of a weight in a `step` event, after the point."""


class LayersStart(BaseModel):
    """Event `start`."""

    size: int
    filters: int
    shared: bool = Field(description="Whether the layers see each channel on its own.")
    steps: int = Field(description="Maximum number of steps.")
    reason: str = Field(description="What a single kernel gives, and what the result is instead.")
    kernel_psnr_db: float = Field(description="PSNR of the best single kernel, of the held-out values.")


class LayersStep(BaseModel):
    """Event `step`: every step at first, fewer later."""

    step: int
    loss: float = Field(description="Mean square error of the batches since the last event, in grey levels².")
    psnr_db: float = Field(description="PSNR of the held-out values, at most 100.")
    filters: list[list[list[list[float]]]] = Field(description="The first layer: filter, input, row, column.")
    mix: list[list[float]] = Field(description="The second layer: output, filter.")


class LayersResult(BaseModel):
    """Two layers between a pair of images."""

    layers: int
    is_convolution: bool = Field(description="`true`: a single kernel gives the result up to what a lossy file loses.")
    reason: str = Field(description="What a single kernel gives, and what the result is instead.")
    size: int
    filters: int
    shared: bool = Field(
        description="`true`: the layers see each channel on its own. `false`: they see all channels together."
    )
    psnr_db: float = Field(description="PSNR of the result of `operations`, of the held-out values, at most 100.")
    kernel_psnr_db: float = Field(description="PSNR of the best single kernel, of the same values.")
    gain_db: float = Field(description="Difference of the two.")
    training_values: int = Field(description="Number of values of the result that were used for training.")
    held_out_values: int = Field(description="Number of values of the result that were used for `psnr_db` only.")
    parameters: int = Field(description="Number of weights and biases that were trained.")
    operations: list[dict[str, Any]] = Field(description="The steps of `POST /filter` that apply the layers.")
    notes: list[str]


def describe_snapshot(snapshot: LayerSnapshot) -> LayersStep:
    filters = np.round(np.moveaxis(snapshot.layers.filters.astype(float), (2, 3), (1, 0)), SHOWN_DIGITS)
    mix = np.round(snapshot.layers.mix.T.astype(float), SHOWN_DIGITS)
    return LayersStep(
        step=snapshot.step,
        loss=round(snapshot.loss, 4),
        psnr_db=round(snapshot.psnr_db, 2),
        filters=filters.tolist(),
        mix=mix.tolist(),
    )
