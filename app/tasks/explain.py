"""What the digit network sees in an image, as numbers and images. The drawing of the sheet is next door."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from app.images.errors import BlankImageError
from app.pool.ipc import Report
from app.pool.task import Answer, Task
from app.settings import Settings
from app.tasks.classify import DigitAnswer, decode_for_reading, describe_reading, draw_data_uri, load_reader
from app.tasks.context import TaskContext
from app.tasks.options import Polarity
from models.reader.explain import GRID, PATCH, STEP, Explainer, Explanation, StageOutput

MAP_SCALE = 10  # pixels of a drawn occlusion or gradient map to one of the field

WHAT_STAGES_ARE = {
    "conv1": "32 kernels of 5×5 slid over the 28×28, then batch norm and ReLU: 0 is 'not found here'.",
    "pool1": "The largest of each 2×2 square of conv1.",
    "conv2": "64 kernels of 5×5×32 slid over pool1, then batch norm and ReLU: 0 is 'not found here'.",
    "pool2": "The largest of each 2×2 square of conv2.",
    "dense": "1024 weighted sums of all of pool2, then batch norm and ReLU.",
    "output": "The logits of the ten digits; the softmax of these, divided by the temperature, is what is answered.",
}


class LayerExplanation(BaseModel):
    """What comes out of one stage of the network."""

    name: str
    kind: Literal["conv", "pool", "dense", "output"]
    what: str = Field(description="In plain words.")
    shape: list[int] = Field(description="Height, width and number of maps; or the number of units.")
    minimum: float = Field(description="Of all its values; black in the maps.")
    maximum: float = Field(description="Of all its values; white in the maps.")
    maps: list[str] | None = Field(None, description="Of `conv`: each map as a PNG of its own size, a data URI.")
    values: list[float] | None = Field(None, description="Of `dense` and `output`.")
    not_a_digit: float | None = Field(None, description="Of `output`: the eleventh logit, 'this is no digit'.")


class MapExplanation(BaseModel):
    """What the answer hangs on, place by place. Values are differences of log odds; red is above 0, blue below."""

    image: str = Field(description="The map in colours over the 28×28, a data URI.")
    explanation: str = Field(description="What it is, in plain words.")
    values: list[list[float]]


class ImageExplanation(BaseModel):
    """The answer for an image of one digit and how the network came to it."""

    answer: DigitAnswer
    layers: list[LayerExplanation]
    occlusion: MapExplanation
    input_gradient: MapExplanation


@dataclass(frozen=True)
class ExplainedImage:
    """An image that came in, what was read in it, and why."""

    pixels: NDArray[Any]
    answer: DigitAnswer
    explanation: Explanation


@cache
def load_explainer(model_folder: Path | None) -> Explainer:
    """Over the reader of the same folder, once a process. It is traced when first used: few requests need it."""
    return Explainer(load_reader(model_folder))


class ExplainParams(msgspec.Struct, frozen=True):
    """Of the task `explain-digit`."""

    polarity: Polarity = "auto"


def run_explain_digit(
    context: TaskContext, params: ExplainParams, blobs: Sequence[bytes], report: Report
) -> Answer[None]:
    (data,) = blobs
    explained = explain_image(data, context.settings, params.polarity, report)
    return Answer(None, [describe_explanation(explained).model_dump_json().encode()])


EXPLAIN_DIGIT = Task("explain-digit", ExplainParams, NoneType, run_explain_digit)


def explain_image(data: bytes, settings: Settings, polarity: Polarity, report: Report) -> ExplainedImage:
    """Read an image of one digit and look into the network. Raises ImageError, also for a blank image."""
    pixels, reduced = decode_for_reading(data, settings, report)
    explainer = load_explainer(settings.model_folder)
    with report.time("classify"):
        reading = explainer.reader.classify([pixels], polarity, keep_stages=True)[0]
        if reading.seen is None or reading.digit is None:
            raise BlankImageError("The image is blank: the network gets no input, so there is nothing to explain.")
        explanation = explainer.explain(reading.seen, reading.digit)
    return ExplainedImage(pixels, describe_reading(reading, reduced, preview=True), explanation)


def describe_explanation(explained: ExplainedImage) -> ImageExplanation:
    explanation = explained.explanation
    return ImageExplanation(
        answer=explained.answer,
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
        what=WHAT_STAGES_ARE[stage.name],
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
    """Each map of a stage in grey (height, width): 0 is black and the largest value of all maps is white."""
    white = max(float(stage.values.max()), 1e-9)
    grey = np.rint(255 * stage.values / white).astype(np.uint8)
    return list(grey.transpose(2, 0, 1))


def draw_signed(values: NDArray[np.float32], field: NDArray[np.float32], scale: int) -> NDArray[np.uint8]:
    """Values (n, n) over the field (28, 28) in colour: red above 0, blue below, white at 0; the ink in grey."""
    strength = values / max(float(np.abs(values).max()), 1e-9)
    strength = enlarge(strength, len(field) // len(values))[..., None]
    red, blue = np.array([0.80, 0.05, 0.05]), np.array([0.05, 0.20, 0.85])
    colours = 1 - np.abs(strength) * (1 - np.where(strength > 0, red, blue))
    colours = colours * (1 - 0.55 * field[..., None])
    return enlarge(np.rint(255 * colours).astype(np.uint8), scale)


def enlarge(values: NDArray[Any], scale: int) -> NDArray[Any]:
    """Every value as a square of `scale` a side, without smoothing."""
    return values.repeat(scale, axis=0).repeat(scale, axis=1)


def explain_occlusion(explanation: Explanation) -> str:
    return (
        f"Occlusion: a patch of {PATCH}×{PATCH} pixels is covered with paper and the digit is read again, "
        f"{GRID * GRID} times. Each square of {STEP}×{STEP} shows by how much the log odds of the answer "
        f"{explanation.digit} ({explanation.log_odds:.1f} with nothing covered) fall with the patch around it: red "
        "where the answer needs the ink that is there, blue where it would be surer without it. Empty paper stays "
        "empty when it is covered, so it is always white."
    )


def explain_gradient(explanation: Explanation) -> str:
    return (
        "Input gradient: the derivative of the log odds by the ink of each pixel. Red: a little more ink here would "
        f"make the network surer of the answer {explanation.digit}; blue: less sure. It holds for small changes only, "
        "and shows what would change the answer, not what the answer rests on."
    )
