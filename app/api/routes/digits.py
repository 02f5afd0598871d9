"""`POST /classify`, `POST /read` and `GET /model`: handwritten digits."""

import json
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from app.api.caching import NOT_MODIFIED, respond_with_etag
from app.api.dependencies import ServiceDependency
from app.api.parameters import ClassifyQuery, ReadQuery
from app.api.problem_docs import document_problems
from app.api.problems import Problem, describe_problem
from app.api.responses import PRIVATE, describe_upload
from app.api.uploads import add_fields, read_upload, read_uploads
from app.errors import NoTrainingRecordError
from app.pool.interface import as_error
from app.tasks.classify import CLASSIFY, READ, ClassifyParams, DigitAnswer, PageAnswer, ReadParams

router = APIRouter(tags=["digits"])

PROBLEMS = document_problems(400, 413, 415, 422, 500, 503)


class UnreadFile(BaseModel):
    """In the place of an answer: a file among several that could not be read."""

    file: str
    """Its name, as it was sent."""
    error: Problem
    """What the answer would have been, had it been sent alone."""


@router.post(
    "/classify",
    operation_id="classify_digits",
    summary="Read images of one handwritten digit each",
    description=(
        "One image gives one answer; several fields `file` give a list of answers, in order. One that cannot be "
        "read has its `file` and `error` (a problem) in the list instead of an answer, and the others are read; "
        "sent alone, it is answered with the problem's status."
    ),
    response_model=DigitAnswer | list[DigitAnswer | UnreadFile],
    responses=PROBLEMS,
    openapi_extra=describe_upload(several=True),
)
async def classify_digits(
    request: Request, service: ServiceDependency, query: Annotated[ClassifyQuery, Query()]
) -> Response:
    uploads = await read_uploads(request, service.settings.max_digit_files)
    query = add_fields(query, uploads[0].fields)
    images = [upload.data for upload in uploads]
    params = ClassifyParams(query.polarity, query.preview)
    failures, answers = await service.pool.run_batched(CLASSIFY, params, images)
    if len(answers) == 1:
        if failures[0]:
            raise as_error(failures[0])
        return respond_with_json(answers[0])
    listed = [
        UnreadFile(file=upload.name, error=describe_problem(as_error(failure))).model_dump_json().encode()
        if failure
        else answer
        for upload, answer, failure in zip(uploads, answers, failures, strict=True)
    ]
    return respond_with_json(b"[" + b",".join(listed) + b"]")


def respond_with_json(content: bytes) -> Response:
    return Response(content, media_type="application/json", headers=PRIVATE)


@router.post(
    "/read",
    operation_id="read_digits",
    summary="Read several handwritten digits in one image",
    response_model=PageAnswer,
    responses=PROBLEMS,
    openapi_extra=describe_upload(),
)
async def read_digits(request: Request, service: ServiceDependency, query: Annotated[ReadQuery, Query()]) -> Response:
    upload = await read_upload(request)
    query = add_fields(query, upload.fields)
    _, (page,) = await service.pool.run(READ, ReadParams(query.polarity), [upload.data])
    return respond_with_json(page)


@router.get(
    "/model",
    operation_id="get_model",
    summary="The card of the digit model: shapes, preparation, figures, thresholds, version",
    responses={200: {"content": {"application/json": {"schema": {"type": "object"}}}}},
    response_class=Response,
)
async def get_model(request: Request, service: ServiceDependency) -> Response:
    return respond_with_etag(request, json.dumps(service.model_card).encode(), "application/json")


class TrainingRecord(BaseModel):
    """How the training of the digit model went."""

    model: str
    network: str
    epochs: list[dict[str, float]]
    """A row an epoch: `epoch`, `seconds`, and loss and accuracy in training, on validation and on test images."""


@router.get(
    "/model/curves",
    operation_id="get_model_curves",
    summary="The training record of the digit model: loss and accuracy, epoch by epoch",
    response_model=TrainingRecord,
    responses=NOT_MODIFIED | document_problems(404, 500),
)
async def get_model_curves(request: Request, service: ServiceDependency) -> Response:
    card = service.model_card
    epochs = card.get("figures", {}).get("curves")
    if not epochs:
        raise NoTrainingRecordError("The digit model came without a record of its training.")
    record = TrainingRecord(model=card["version"], network=card["network"], epochs=epochs)
    return respond_with_etag(request, record.model_dump_json().encode(), "application/json")
