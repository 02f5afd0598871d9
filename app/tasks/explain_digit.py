"""The task `explain-digit`: feature maps, occlusion map and input gradient of a digit, as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from app.images.errors import BlankImageError
from app.pool.ipc import Report
from app.pool.task import Answer, Task
from app.settings import Settings
from app.tasks.classify import decode_for_reading, load_reader
from app.tasks.context import TaskContext
from app.tasks.digit_results import DigitResult, describe_reading, draw_data_uri
from app.tasks.options import ReadingOptions
from models.reader.explain import GRID, PATCH, STEP, Explainer, Explanation, StageOutput

MAP_SCALE = 10
"""Pixels of a drawn occlusion or gradient map for each pixel of the network's input."""

STAGE_TEXTS = {
    "conv1": "32 kernels of 5×5 applied to the 28×28 input, then batch norm and ReLU. 0 means not found here.",
    "pool1": "The largest value of each 2×2 square of conv1.",
    "conv2": "64 kernels of 5×5×32 applied to pool1, then batch norm and ReLU. 0 means not found here.",
    "pool2": "The largest value of each 2×2 square of conv2.",
    "dense": "1024 weighted sums of all values of pool2, then batch norm and ReLU.",
    "output": "The logits of the ten digits. The softmax of logits / temperature gives the probabilities.",
}


class LayerExplanation(BaseModel):
    """The output of one stage of the network."""

    name: str
    kind: Literal["conv", "pool", "dense", "output"]
    what: str = Field(description="What the stage computes.")
    shape: list[int] = Field(description="Height, width and number of maps; or number of units.")
    minimum: float = Field(description="Smallest of all values.")
    maximum: float = Field(description="Largest of all values; white in the maps.")
    maps: list[str] | None = Field(None, description="`conv` only: each map as a PNG of its own size, as a data URI.")
    values: list[float] | None = Field(None, description="`dense` and `output` only.")
    not_a_digit: float | None = Field(None, description="`output` only: the eleventh logit, for not a digit.")


class MapExplanation(BaseModel):
    """How much each place matters for the result. Values are differences of log odds: red above 0, blue below."""

    image: str = Field(description="The map in colours over the 28×28 input, as a data URI.")
    explanation: str = Field(description="How to read the map.")
    values: list[list[float]]


class DigitExplanation(BaseModel):
    """The result for an image of one digit, and its explanation."""

    answer: DigitResult
    layers: list[LayerExplanation]
    occlusion: MapExplanation
    input_gradient: MapExplanation


@dataclass(frozen=True)
class ExplainedImage:
    """An image, its result and the explanation of the result."""

    pixels: NDArray[Any]
    result: DigitResult
    explanation: Explanation


@cache
def load_explainer(model_folder: Path | None) -> Explainer:
    """The explainer for a model folder. Loaded once per process, on first use, because few requests need it."""
    return Explainer(load_reader(model_folder))


def run_explain_digit(
    context: TaskContext, params: ReadingOptions, blobs: Sequence[bytes], report: Report
) -> Answer[None]:
    """The blob of the answer is a `DigitExplanation` as JSON."""
    (data,) = blobs
    explained = explain_image(data, context.settings, params, report)
    return Answer(None, [describe_explanation(explained).model_dump_json().encode()])


EXPLAIN_DIGIT = Task("explain-digit", ReadingOptions, NoneType, run_explain_digit)


def explain_image(data: bytes, settings: Settings, options: ReadingOptions, report: Report) -> ExplainedImage:
    """Read an image of one digit, and explain the result. Raises ImageError, also for a blank image."""
    pixels, reduced = decode_for_reading(data, settings, report)
    explainer = load_explainer(settings.model_folder)
    with report.time("classify"):
        reading = explainer.reader.classify([pixels], options.polarity, True, options.strictness)[0]
        if reading.seen is None or reading.digit is None:
            raise BlankImageError("The image is blank, so the network has no input and there is no result to explain.")
        explanation = explainer.explain(reading.seen, reading.digit)
    return ExplainedImage(pixels, describe_reading(reading, reduced, preview=True), explanation)


def describe_explanation(explained: ExplainedImage) -> DigitExplanation:
    explanation = explained.explanation
    return DigitExplanation(
        answer=explained.result,
        layers=[describe_stage(stage) for stage in explanation.stages],
        occlusion=MapExplanation(
            image=draw_data_uri(draw_signed(explanation.occlusion, explanation.field, MAP_SCALE)),
            explanation=explain_occlusion(explanation),
            values=explanation.occlusion.tolist(),
        ),
        input_gradient=MapExplanation(
            image=draw_data_uri(draw_signed(explanation.gradient, explanation.field, MAP_SCALE)),
            explanation=explain_gradient(explanation),
            values=explanation.gradient.tolist(),
        ),
    )


def describe_stage(stage: StageOutput) -> LayerExplanation:
    described = LayerExplanation(
        name=stage.name,
        kind=stage.kind,
        what=STAGE_TEXTS[stage.name],
        shape=list(stage.values.shape),
        minimum=float(stage.values.min()),
        maximum=float(stage.values.max()),
    )
    if stage.kind == "conv":
        described.maps = [draw_data_uri(grey) for grey in draw_maps(stage)]
    elif stage.kind == "dense":
        described.values = stage.values.tolist()
    elif stage.kind == "output":
        *digits, not_a_digit = stage.values.tolist()
        described.shape, described.values, described.not_a_digit = [len(digits)], digits, not_a_digit
        described.minimum, described.maximum = min(digits), max(digits)
    return described


def draw_maps(stage: StageOutput) -> list[NDArray[np.uint8]]:
    """Each map of a stage in grey (height, width). 0 is black, and the largest value of all maps is white."""
    white = max(float(stage.values.max()), 1e-9)
    grey = np.rint(255 * stage.values / white).astype(np.uint8)
    return list(grey.transpose(2, 0, 1))


def draw_signed(values: NDArray[np.float32], field: NDArray[np.float32], scale: int) -> NDArray[np.uint8]:
    """Values (n, n) in colour over the field (28, 28): red above 0, blue below, white at 0. The ink is grey."""
    strength = values / max(float(np.abs(values).max()), 1e-9)
    strength = enlarge(strength, len(field) // len(values))[..., None]
    red, blue = np.array([0.80, 0.05, 0.05]), np.array([0.05, 0.20, 0.85])
    colours = 1 - np.abs(strength) * (1 - np.where(strength > 0, red, blue))
    colours = colours * (1 - 0.55 * field[..., None])
    return enlarge(np.rint(255 * colours).astype(np.uint8), scale)


def enlarge(values: NDArray[Any], scale: int) -> NDArray[Any]:
    """Each value as a square with sides of `scale` pixels, without smoothing."""
    return values.repeat(scale, axis=0).repeat(scale, axis=1)


def explain_occlusion(explanation: Explanation) -> str:
    return (
        f"Occlusion: a patch of {PATCH}×{PATCH} pixels is covered with paper, and the digit is read again, "
        f"{GRID * GRID} times. Each square of {STEP}×{STEP} pixels shows how much the log odds of the result "
        f"{explanation.digit} ({explanation.log_odds:.1f} with nothing covered) fall with the patch around it. Red: "
        "the result needs the ink there. Blue: the result would be more certain without it. Covering empty paper "
        "changes nothing, so it is white."
    )


def explain_gradient(explanation: Explanation) -> str:
    return (
        "Input gradient: the derivative of the log odds by the ink of each pixel. Red: a little more ink makes the "
        f"result {explanation.digit} more certain. Blue: less certain. This holds for small changes only. It shows "
        "which pixels would change the result, not which pixels it is based on."
    )
