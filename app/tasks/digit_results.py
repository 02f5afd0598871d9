"""The results of reading digits, as JSON."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from PIL import Image
from pydantic import BaseModel, Field

from app.images.png import encode_data_uri, save_png
from models.reader.results import PageReading, Reading

Verdict = Literal["digit", "unsure", "not_a_digit", "blank"]
FIELD_DECIMALS = 8  # those of a float32 below 1
SEVERAL_DIGITS_HINT = "The image has more than one character. POST /read reads all digits of an image."


class BoundingBox(BaseModel):
    """In pixels of the upright image."""

    left: int
    top: int
    width: int
    height: int


class DigitAlternative(BaseModel):
    """Another digit that the image may show."""

    digit: int
    probability: float


class PreprocessingResult(BaseModel):
    """What the preprocessing measured in the image."""

    polarity: Literal["dark", "light"] = Field(description="Polarity of the ink.")
    contrast: float = Field(description="Contrast between full ink and the paper, 0..1.")
    ink_share: float = Field(description="Share of the pixels that are ink, 0..1.")
    stroke_width: float = Field(description="Width of the strokes in pixels, for a digit of 20 pixels height.")
    as_is: bool = Field(description="Whether the image was in MNIST's form already.")


class DigitPreview(BaseModel):
    """Images as data URIs."""

    seen: str | None = Field(description="The 28×28 input of the network.")
    field: list[list[float]] | None = Field(
        None, description="The same as numbers, 0 (paper) to 1 (ink), rounded to eight decimals. `seen` has 256 levels."
    )
    stages: dict[str, str] = Field(description="The stages of the preprocessing, in order.")


class ClassProbability(BaseModel):
    """One of the classes of a class file."""

    label: str
    probability: float


class DigitResult(BaseModel):
    """The result for an image of one digit."""

    verdict: Verdict
    digit: int | None = Field(description="The most probable digit, whatever the verdict; null if blank.")
    confidence: float = Field(description="Calibrated: of results with 0.9, nine in ten are right.")
    probabilities: list[float] = Field(description="Of the ten digits, given that it is a digit; zeros if blank.")
    not_a_digit: float = Field(description="Probability that it is not a digit, 0..1; 1 if blank.", ge=0, le=1)
    other_pieces: int = Field(
        description="Number of other pieces of ink of a digit's size. If there are any, the verdict is at most "
        "`unsure`, and `hint` says how to read all digits.",
        ge=0,
    )
    hint: str | None = Field(None, description="What to do for a better result.")
    alternatives: list[DigitAlternative]
    box: BoundingBox | None
    steps: PreprocessingResult | None
    model: str
    preview: DigitPreview | None = None
    classes: list[ClassProbability] | None = Field(
        None, description="Of the classes that the request brought, the most probable first; null if blank."
    )
    features: list[float] | None = Field(
        None, description="The 1,024 values before the network's last layer, if asked for; null if blank."
    )


class CharacterResult(BaseModel):
    """One character of a page."""

    digit: int
    verdict: Verdict
    confidence: float
    probabilities: list[float]
    not_a_digit: float = Field(description="Probability that it is not a digit, 0..1.", ge=0, le=1)
    box: BoundingBox
    line: int | None = Field(description="Line number from 0; null outside the lines of digits.")


class PageResult(BaseModel):
    """The result for an image of several digits."""

    text: str = Field(description="The digits, with one line of text for each line of the page.")
    lines: list[str]
    digits: list[CharacterResult] = Field(
        description="In reading order, with the marks among them (verdict `not_a_digit`), followed by the characters "
        "outside the lines of digits."
    )
    turned: int = Field(description="Clockwise rotation of the page before reading, in degrees.")
    reason: Literal["text_like"] | None = Field(
        None,
        description="Why nothing was read: `text_like` if the image has many characters and most are not digits, as "
        "print, drawings and textures have.",
    )
    model: str


def describe_reading(reading: Reading, reduced: int, preview: bool) -> DigitResult:
    """`reduced` is the divisor by which the image was reduced before reading."""
    steps = reading.steps
    return DigitResult(
        verdict=reading.verdict,
        digit=reading.digit,
        confidence=reading.confidence,
        probabilities=list(reading.probabilities),
        not_a_digit=reading.not_a_digit,
        other_pieces=reading.other_pieces,
        hint=SEVERAL_DIGITS_HINT if reading.other_pieces else None,
        alternatives=[DigitAlternative(**vars(alternative)) for alternative in reading.alternatives],
        box=describe_box(reading.box, reduced) if reading.box else None,
        steps=PreprocessingResult.model_validate({name: value for name, value in vars(steps).items() if name != "box"})
        if steps
        else None,
        model=reading.model,
        preview=draw_preview(reading) if preview else None,
    )


def describe_page(page: PageReading, reduced: int) -> PageResult:
    """`reduced` is the divisor by which the image was reduced before reading."""
    return PageResult(
        text=page.text,
        lines=list(page.lines),
        digits=[
            CharacterResult(
                digit=one.digit,
                verdict=one.verdict,
                confidence=one.confidence,
                probabilities=list(one.probabilities),
                not_a_digit=one.not_a_digit,
                box=describe_box(one.box, reduced),
                line=one.line,
            )
            for one in page.digits
        ],
        turned=page.turned,
        reason=page.reason,
        model=page.model,
    )


def describe_box(box: tuple[int, int, int, int], reduced: int) -> BoundingBox:
    left, top, width, height = (reduced * side for side in box)
    return BoundingBox(left=left, top=top, width=width, height=height)


def describe_classes(labels: Sequence[str], probabilities: Sequence[float]) -> list[ClassProbability]:
    """The most probable first."""
    order = sorted(range(len(labels)), key=lambda number: -probabilities[number])
    return [ClassProbability(label=labels[number], probability=probabilities[number]) for number in order]


def draw_preview(reading: Reading) -> DigitPreview:
    stages = {name: draw_data_uri(stage) for name, stage in reading.stages.items()}
    if reading.seen is None:
        return DigitPreview(seen=None, stages=stages)
    seen = draw_data_uri(np.rint(255 * reading.seen).astype(np.uint8))
    field = np.round(reading.seen.astype(np.float64), FIELD_DECIMALS).tolist()
    return DigitPreview(seen=seen, field=field, stages=stages)


def draw_data_uri(pixels: Any) -> str:
    """Pixels (height, width) or (height, width, 3), uint8, as a PNG."""
    return encode_data_uri(save_png(Image.fromarray(pixels)))
