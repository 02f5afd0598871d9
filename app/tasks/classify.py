"""Images to digits: bytes in, answers out. The web and the command line both call this."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Any, Literal

import msgspec
import numpy as np
from PIL import Image
from pydantic import BaseModel, Field

from app.images.errors import ImageError
from app.images.limits import ImageLimits
from app.images.png import encode_data_uri, save_png
from app.pool.ipc import Report, TaskFailure
from app.pool.task import Answer, Task
from app.settings import Settings
from app.tasks.codecs import decode
from app.tasks.context import TaskContext
from app.tasks.errors import describe_error
from app.tasks.options import Polarity
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


class ClassifyParams(msgspec.Struct, frozen=True):
    """Of the task `classify`."""

    polarity: Polarity = "auto"
    preview: bool = False


class ReadParams(msgspec.Struct, frozen=True):
    """Of the task `read`."""

    polarity: Polarity = "auto"


def run_classify(
    context: TaskContext, params: ClassifyParams, blobs: Sequence[bytes], report: Report
) -> Answer[list[TaskFailure | None]]:
    """The blobs are the answers as JSON; an image that cannot be read has a failure and an empty blob instead."""
    answers = classify_images(blobs, context.settings, params.polarity, params.preview, report)
    failures = [TaskFailure(*describe_error(one)) if isinstance(one, ImageError) else None for one in answers]
    documents = [b"" if isinstance(one, ImageError) else one.model_dump_json().encode() for one in answers]
    return Answer(failures, documents)


def run_read(context: TaskContext, params: ReadParams, blobs: Sequence[bytes], report: Report) -> Answer[None]:
    (data,) = blobs
    return Answer(None, [read_page(data, context.settings, params.polarity, report).model_dump_json().encode()])


CLASSIFY = Task("classify", ClassifyParams, list[TaskFailure | None], run_classify, is_batchable=True)
READ = Task("read", ReadParams, NoneType, run_read)


def classify_image(data: bytes, settings: Settings, polarity: Polarity, preview: bool, report: Report) -> DigitAnswer:
    """Read an image of one digit. Raises ImageError."""
    (answer,) = classify_images([data], settings, polarity, preview, report)
    if isinstance(answer, ImageError):
        raise answer
    return answer


def classify_images(
    images: Sequence[bytes], settings: Settings, polarity: Polarity, preview: bool, report: Report
) -> list[DigitAnswer | ImageError]:
    """Read images of one digit each, as one batch. An image that cannot be decoded gives its error."""
    decoded: list[tuple[Any, int] | ImageError] = []
    for data in images:
        try:
            decoded.append(decode_for_reading(data, settings, report))
        except ImageError as error:
            decoded.append(error)
    pixels = [one[0] for one in decoded if not isinstance(one, ImageError)]
    with report.time("classify"):
        readings = iter(load_reader(settings.model_folder).classify(pixels, polarity, preview))
    return [
        one if isinstance(one, ImageError) else describe_reading(next(readings), one[1], preview) for one in decoded
    ]


def read_page(data: bytes, settings: Settings, polarity: Polarity, report: Report) -> PageAnswer:
    """Read all digits of an image. Raises ImageError."""
    pixels, reduced = decode_for_reading(data, settings, report)
    with report.time("classify"):
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


def decode_for_reading(data: bytes, settings: Settings, report: Report) -> tuple[Any, int]:
    """The first frame's pixels, and the divisor by which a large JPEG was reduced: reading needs few of its pixels."""
    image = decode(data, ImageLimits.from_settings(settings), report, "first", enough_px=PAGE_SIDE)
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
