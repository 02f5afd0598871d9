"""The task `classify`: images of one digit each in, their digits as JSON out."""

from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from app.images.errors import ImageError
from app.images.limits import ImageLimits
from app.pool.ipc import Report, TaskFailure
from app.pool.task import Answer, Task
from app.settings import Settings
from app.tasks.codecs import decode
from app.tasks.context import TaskContext
from app.tasks.digit_results import DigitResult, describe_classes, describe_reading
from app.tasks.errors import describe_error
from app.tasks.options import ClassifyParams
from models.class_head import ClassHead, decode_class_file
from models.reader.page import PAGE_SIDE
from models.reader.reader import DigitReader
from models.reader.results import Reading
from models.reader.weights import BUNDLED_FOLDER


def run_classify(
    context: TaskContext, params: ClassifyParams, blobs: Sequence[bytes], report: Report
) -> Answer[list[TaskFailure | None]]:
    """The blobs of the answer are `DigitResult`s as JSON. An unreadable image has a failure and an empty blob.

    Raises ClassFileError.
    """
    results = classify_images(blobs, context.settings, params, report)
    failures = [TaskFailure(*describe_error(one)) if isinstance(one, ImageError) else None for one in results]
    documents = [b"" if isinstance(one, ImageError) else one.model_dump_json().encode() for one in results]
    return Answer(failures, documents)


CLASSIFY = Task("classify", ClassifyParams, list[TaskFailure | None], run_classify, is_batchable=True)


def classify_image(data: bytes, settings: Settings, params: ClassifyParams, report: Report) -> DigitResult:
    """Read an image of one digit. Raises ImageError or ClassFileError."""
    (result,) = classify_images([data], settings, params, report)
    if isinstance(result, ImageError):
        raise result
    return result


def classify_images(
    images: Sequence[bytes], settings: Settings, params: ClassifyParams, report: Report
) -> list[DigitResult | ImageError]:
    """Read images of one digit each, as one batch. The result of an image that cannot be decoded is its error.

    Raises ClassFileError.
    """
    head = recall_class_head(params.classes, settings.model_folder) if params.classes is not None else None
    decoded: list[tuple[Any, int] | ImageError] = []
    for data in images:
        try:
            decoded.append(decode_for_reading(data, settings, report))
        except ImageError as error:
            decoded.append(error)
    readable = [one for one in decoded if not isinstance(one, ImageError)]
    with report.time("classify"):
        reader, reading = load_reader(settings.model_folder), params.reading
        pixels = [one for one, _ in readable]
        readings = reader.classify(pixels, reading.polarity, params.preview, reading.strictness)
        results = [
            describe_reading(one, reduced, params.preview) for one, (_, reduced) in zip(readings, readable, strict=True)
        ]
        if params.features or head is not None:
            results = add_features(results, readings, reader, head, params.features)
    remaining = iter(results)
    return [one if isinstance(one, ImageError) else next(remaining) for one in decoded]


def add_features(
    results: Sequence[DigitResult],
    readings: Sequence[Reading],
    reader: DigitReader,
    head: ClassHead | None,
    shows_features: bool,
) -> list[DigitResult]:
    """Add the features of the network, and the probabilities of a user's classes. Blank images have neither."""
    seen = [number for number, one in enumerate(readings) if one.seen is not None]
    if not seen:
        return list(results)
    features = reader.classifier.compute_features(np.stack([np.asarray(readings[number].seen) for number in seen]))
    added: list[dict[str, Any]] = [{} for _ in results]
    if shows_features:
        for number, values in zip(seen, np.round(features.astype(np.float64), 6), strict=True):
            added[number]["features"] = values.tolist()
    if head is not None:
        for number, probabilities in zip(seen, head.classify(features), strict=True):
            added[number]["classes"] = describe_classes(head.labels, probabilities.tolist())
    return [one.model_copy(update=fields) for one, fields in zip(results, added, strict=True)]


@lru_cache(maxsize=16)
def recall_class_head(content: str, model_folder: Path | None) -> ClassHead:
    """The head of a class file for the loaded model. Raises ClassFileError."""
    head = decode_class_file(content.encode("utf-8", "replace"))
    head.check_model(load_reader(model_folder).card)
    return head


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
