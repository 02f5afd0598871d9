"""Images to digits: bytes in, answers out. The web and the command line both call this."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image
from pydantic import BaseModel, Field

from app.api.parameters import Polarity
from app.context import TimedStep
from app.images.decode import decode_image
from app.images.errors import ImageError
from app.settings import Settings
from app.tasks.gallery import encode_data_uri, save_png
from models.reader.page import PAGE_SIDE
from models.reader.reader import BUNDLED_FOLDER, DigitReader
from models.reader.results import Reading

Verdict = Literal["digit", "unsure", "not_a_digit", "blank"]
SEVERAL_HINT = "There is more than one sign in the image: POST /read reads them all."


class Box(BaseModel):
    """In pixels of the image, turned upright."""

    left: int
    top: int
    width: int
    height: int


class Alternative(BaseModel):
    digit: int
    probability: float


class Steps(BaseModel):
    """What was found in the image before the network saw it."""

    polarity: Literal["dark", "light"] = Field(description="Of the ink.")
    contrast: float = Field(description="Of full ink against the paper, 0..1.")
    ink_share: float = Field(description="Of the image's pixels, 0..1.")
    stroke_width: float = Field(description="In pixels, the digit being 20 pixels high.")
    as_is: bool = Field(description="The image already was in MNIST's form.")


class Preview(BaseModel):
    """Images as data URIs."""

    seen: str | None = Field(description="The 28×28 that the network saw.")
    stages: dict[str, str] = Field(description="What came before it, in order.")


class DigitAnswer(BaseModel):
    """The answer for an image of one digit."""

    verdict: Verdict
    digit: int | None = Field(description="The best guess, whatever the verdict; null when blank.")
    confidence: float = Field(description="Calibrated: of answers with 0.9, nine in ten are right.")
    probabilities: list[float] = Field(description="Of the ten digits, given that it is one; ten zeros when blank.")
    not_a_digit: float = Field(description="Probability that it is no digit, 0..1; 1 when blank.", ge=0, le=1)
    other_pieces: int = Field(
        description="Pieces of a digit's size beside the one that was read. With any, a digit is `unsure`, and "
        "`hint` says how to read them all.",
        ge=0,
    )
    hint: str | None = Field(None, description="What to do for a better answer.")
    alternatives: list[Alternative]
    box: Box | None
    steps: Steps | None
    model: str
    preview: Preview | None = None


class PageDigit(BaseModel):
    """One sign on a page."""

    digit: int
    verdict: Verdict
    confidence: float
    probabilities: list[float]
    not_a_digit: float = Field(description="Probability that it is no digit, 0..1.", ge=0, le=1)
    box: Box
    line: int | None = Field(description="Number of its line from 0; null for what is not a digit.")


class PageAnswer(BaseModel):
    """The answer for an image of several digits."""

    text: str = Field(description="The digits, a line of text for each line of the page.")
    lines: list[str]
    digits: list[PageDigit] = Field(description="In reading order, then what is not a digit.")
    turned: int = Field(description="Degrees clockwise that the page was turned by to be read.")
    model: str


@cache
def load_reader(model_folder: Path | None) -> DigitReader:
    """The reader of a model folder or the bundled one, once a process. Raises ModelFolderError."""
    return DigitReader.load(model_folder or BUNDLED_FOLDER)


def classify_image(data: bytes, settings: Settings, polarity: Polarity, preview: bool) -> DigitAnswer:
    """Read an image of one digit. Raises ImageError."""
    pixels, reduced = decode_for_reading(data, settings)
    with TimedStep("classify"):
        (reading,) = load_reader(settings.model_folder).classify([pixels], polarity, preview)
    return describe_reading(reading, reduced, preview)


def classify_images(
    images: Sequence[bytes], settings: Settings, polarity: Polarity, preview: bool
) -> list[DigitAnswer | ImageError]:
    """Read images of one digit each, as one batch. One that cannot be read gives its error in its place."""
    decoded: list[tuple[Any, int] | ImageError] = []
    for data in images:
        try:
            decoded.append(decode_for_reading(data, settings))
        except ImageError as error:
            decoded.append(error)
    pixels = [one[0] for one in decoded if not isinstance(one, ImageError)]
    with TimedStep("classify"):
        readings = iter(load_reader(settings.model_folder).classify(pixels, polarity, preview))
    return [
        one if isinstance(one, ImageError) else describe_reading(next(readings), one[1], preview) for one in decoded
    ]


def write_answers(
    images: Sequence[bytes], settings: Settings, polarity: Polarity, preview: bool
) -> list[bytes | ImageError]:
    """What `classify_images` gives, each answer as JSON: the process that talks HTTP only passes it on."""
    return [
        one if isinstance(one, ImageError) else one.model_dump_json().encode()
        for one in classify_images(images, settings, polarity, preview)
    ]


def read_page(data: bytes, settings: Settings, polarity: Polarity) -> PageAnswer:
    """Read all digits of an image. Raises ImageError."""
    pixels, reduced = decode_for_reading(data, settings)
    with TimedStep("classify"):
        page = load_reader(settings.model_folder).read(pixels, polarity)
    return PageAnswer(
        text=page.text,
        lines=list(page.lines),
        digits=[
            PageDigit(
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
        model=page.model,
    )


def decode_for_reading(data: bytes, settings: Settings) -> tuple[Any, int]:
    """The first frame's pixels, and by what a large JPEG was reduced: reading needs few of its pixels."""
    image = decode_image(data, settings.image_limits, "first", enough_px=PAGE_SIDE)
    return image.frames[0].pixels, image.reduced


def describe_reading(reading: Reading, reduced: int, preview: bool) -> DigitAnswer:
    steps = reading.steps
    return DigitAnswer(
        verdict=reading.verdict,
        digit=reading.digit,
        confidence=reading.confidence,
        probabilities=list(reading.probabilities),
        not_a_digit=reading.not_a_digit,
        other_pieces=reading.other_pieces,
        hint=SEVERAL_HINT if reading.other_pieces else None,
        alternatives=[Alternative(**vars(alternative)) for alternative in reading.alternatives],
        box=describe_box(reading.box, reduced) if reading.box else None,
        steps=Steps.model_validate({name: value for name, value in vars(steps).items() if name != "box"})
        if steps
        else None,
        model=reading.model,
        preview=draw_preview(reading) if preview else None,
    )


def describe_box(box: tuple[int, int, int, int], reduced: int) -> Box:
    left, top, width, height = (reduced * side for side in box)
    return Box(left=left, top=top, width=width, height=height)


def draw_preview(reading: Reading) -> Preview:
    seen = None if reading.seen is None else draw_data_uri(np.rint(255 * reading.seen).astype(np.uint8))
    return Preview(seen=seen, stages={name: draw_data_uri(stage) for name, stage in reading.stages.items()})


def draw_data_uri(grey: Any) -> str:
    return encode_data_uri(save_png(Image.fromarray(grey)))
