"""The task `classify-fields`: digits that a client has prepared itself, as the network expects them."""

from collections.abc import Sequence

import msgspec
import numpy as np

from app.pool.ipc import Report
from app.pool.task import Answer, Task
from app.tasks.classify import load_reader
from app.tasks.context import TaskContext
from app.tasks.digit_results import Verdict
from models.network import FIELD


class FieldsParams(msgspec.Struct, frozen=True):
    """Of the task `classify-fields`."""

    count: int


class DigitAnswer(msgspec.Struct, frozen=True):
    """The network's answer for one digit, with the fields of the same name of `DigitResult`."""

    verdict: Verdict
    digit: int | None
    confidence: float
    probabilities: list[float]
    not_a_digit: float


def run_classify_fields(
    context: TaskContext, params: FieldsParams, blobs: Sequence[bytes], report: Report
) -> Answer[list[DigitAnswer]]:
    """The blob of the request is little-endian float32 (count, 28, 28), 0..1, ink 1 on 0."""
    (data,) = blobs
    fields = np.frombuffer(data, "<f4").reshape(params.count, FIELD, FIELD)
    with report.time("classify"):
        classified = load_reader(context.settings.model_folder).classifier.classify(fields)
    return Answer(
        [
            DigitAnswer(one.verdict, one.digit, one.confidence, list(one.probabilities), one.not_a_digit)  # type: ignore[arg-type]
            for one in classified
        ]
    )


CLASSIFY_FIELDS = Task("classify-fields", FieldsParams, list[DigitAnswer], run_classify_fields, blob_count=0)
