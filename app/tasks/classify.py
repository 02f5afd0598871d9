"""The task `classify`: images of one digit each in, their digits as JSON out."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from app.images.errors import ImageError
from app.images.limits import ImageLimits
from app.pool.ipc import Report, TaskFailure
from app.pool.task import Answer, Task
from app.settings import Settings
from app.tasks.codecs import decode
from app.tasks.context import TaskContext
from app.tasks.digit_results import DigitResult, describe_reading
from app.tasks.errors import describe_error
from app.tasks.options import AS_USUAL, ReadingOptions
from models.reader.page import PAGE_SIDE
from models.reader.reader import DigitReader
from models.reader.weights import BUNDLED_FOLDER


class ClassifyParams(msgspec.Struct, frozen=True):
    """Of the task `classify`."""

    reading: ReadingOptions = AS_USUAL
    preview: bool = False


def run_classify(
    context: TaskContext, params: ClassifyParams, blobs: Sequence[bytes], report: Report
) -> Answer[list[TaskFailure | None]]:
    """The blobs of the answer are `DigitResult`s as JSON. An unreadable image has a failure and an empty blob."""
    results = classify_images(blobs, context.settings, params.reading, params.preview, report)
    failures = [TaskFailure(*describe_error(one)) if isinstance(one, ImageError) else None for one in results]
    documents = [b"" if isinstance(one, ImageError) else one.model_dump_json().encode() for one in results]
    return Answer(failures, documents)


CLASSIFY = Task("classify", ClassifyParams, list[TaskFailure | None], run_classify, is_batchable=True)


def classify_image(
    data: bytes, settings: Settings, reading: ReadingOptions, preview: bool, report: Report
) -> DigitResult:
    """Read an image of one digit. Raises ImageError."""
    (result,) = classify_images([data], settings, reading, preview, report)
    if isinstance(result, ImageError):
        raise result
    return result


def classify_images(
    images: Sequence[bytes], settings: Settings, reading: ReadingOptions, preview: bool, report: Report
) -> list[DigitResult | ImageError]:
    """Read images of one digit each, as one batch. The result of an image that cannot be decoded is its error."""
    decoded: list[tuple[Any, int] | ImageError] = []
    for data in images:
        try:
            decoded.append(decode_for_reading(data, settings, report))
        except ImageError as error:
            decoded.append(error)
    pixels = [one[0] for one in decoded if not isinstance(one, ImageError)]
    with report.time("classify"):
        reader = load_reader(settings.model_folder)
        readings = iter(reader.classify(pixels, reading.polarity, preview, reading.strictness))
    return [
        one if isinstance(one, ImageError) else describe_reading(next(readings), one[1], preview) for one in decoded
    ]


def decode_for_reading(data: bytes, settings: Settings, report: Report) -> tuple[Any, int]:
    """The pixels of the first frame, and the divisor by which they were reduced. Raises ImageError.

    Large JPEGs are reduced while they are decoded: the reader needs only a longer side of `PAGE_SIDE`.
    """
    image = decode(data, ImageLimits.from_settings(settings), report, "first", enough_px=PAGE_SIDE)
    return image.frames[0].pixels, image.reduced


@cache
def load_reader(model_folder: Path | None) -> DigitReader:
    """The reader of a model folder, by default the bundled one. Loaded once per process. Raises ModelFolderError."""
    return DigitReader.load(model_folder or BUNDLED_FOLDER)
