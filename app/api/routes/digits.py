"""`POST /classify`, `POST /read` and `GET /model`: handwritten digits."""

import json
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from app.api.caching import NOT_MODIFIED, format_etag, has_content, respond_with_etag
from app.api.dependencies import ServiceDependency
from app.api.digit_parameters import ClassifyQuery, ReadQuery
from app.api.page_files import REVALIDATE
from app.api.problem_docs import document_problems
from app.api.problems import Problem, describe_problem
from app.api.repeated_requests import RepeatableRoute
from app.api.responses import BINARY, describe_upload, respond_with_json
from app.api.uploads import add_fields, read_upload_and_query, read_uploads
from app.errors import NoTrainingRecordError, UnknownModelError
from app.middleware.accept_header import prefers_gzip
from app.pool.interface import make_task_error
from app.tasks.classify import CLASSIFY
from app.tasks.digit_results import DigitResult, PageResult
from app.tasks.model_weights import MODEL_WEIGHTS, ModelWeightsParams
from app.tasks.read import READ

CLASSES = {
    "classes": {
        "type": "string",
        "description": "A class file as JSON text, or as a file: classes of your own, trained on the 1,024 features.",
    }
}

router = APIRouter(tags=["digits"], route_class=RepeatableRoute)

PROBLEMS = document_problems(400, 413, 415, 422, 500, 503)


class RejectedFile(BaseModel):
    """One of several files that could not be read, in the place of its result."""

    file: str
    """Its name, as sent."""
    error: Problem
    """The response to this file if it were sent alone."""


@router.post(
    "/classify",
    operation_id="classify_digits",
    summary="Read images of one handwritten digit each",
    description=(
        "One image gives one result. Several fields `file` give a list of results in the same order. If one of "
        "several files cannot be read, the list has its `file` (the name) and `error` (a problem) in the place of a "
        "result, and the other files are read. If a single file cannot be read, the response is the problem."
    ),
    response_model=DigitResult | list[DigitResult | RejectedFile],
    responses=PROBLEMS,
    openapi_extra=describe_upload(several=True, more=CLASSES),
)
async def classify_digits(
    request: Request, service: ServiceDependency, query: Annotated[ClassifyQuery, Query()]
) -> Response:
    uploads = await read_uploads(request, service.settings.max_digit_files, text_field="classes")
    query = add_fields(query, uploads[0].fields)
    images = [upload.data for upload in uploads]
    params = query.params
    failures, documents = await service.pool.run_batched(CLASSIFY, params, images)
    if len(documents) == 1:
        if failures[0]:
            raise make_task_error(failures[0])
        return respond_with_json(documents[0])
    listed = [
        RejectedFile(file=upload.name, error=describe_problem(make_task_error(failure))).model_dump_json().encode()
        if failure
        else document
        for upload, document, failure in zip(uploads, documents, failures, strict=True)
    ]
    return respond_with_json(b"[" + b",".join(listed) + b"]")


@router.post(
    "/read",
    operation_id="read_digits",
    summary="Read several handwritten digits in one image",
    response_model=PageResult,
    responses=PROBLEMS,
    openapi_extra=describe_upload(),
)
async def read_digits(request: Request, service: ServiceDependency, query: Annotated[ReadQuery, Query()]) -> Response:
    upload, query = await read_upload_and_query(request, query)
    _, (document,) = await service.pool.run(READ, query.options, [upload.data])
    return respond_with_json(document)


@router.get(
    "/model",
    operation_id="get_model",
    summary="The model card of the digit model: shapes, preprocessing, evaluation, thresholds, version",
    responses={200: {"content": {"application/json": {"schema": {"type": "object"}}}}},
    response_class=Response,
)
async def get_model(request: Request, service: ServiceDependency) -> Response:
    return respond_with_etag(request, json.dumps(service.model_card).encode(), "application/json")


MODEL_FILE_FOREVER = "private, max-age=31536000, immutable"
"""A browser does not ask again: other weights have another address."""
WEIGHTS_TYPE = "application/octet-stream"


@router.get(
    "/model/weights",
    operation_id="get_model_weights",
    summary="The network of the digit model for browsers: a safetensors file with float16 kernels",
    description=(
        "Layers `conv1`, `conv2`, `dense` and `output` have a `kernel` (float16), and a `factor` and a `bias` "
        "(float32) for each output. The metadata of the file are `version`, `weights_sha256` and `temperature`. "
        "Compressed with gzip if the client accepts it: 6 MB."
    ),
    response_class=Response,
    responses={200: {"content": {WEIGHTS_TYPE: BINARY}}} | NOT_MODIFIED | document_problems(404, 422, 503),
)
async def get_model_weights(
    request: Request,
    service: ServiceDependency,
    sha256: Annotated[
        str | None,
        Query(
            max_length=100,
            description="`weights_sha256` of `/model`. The response may then be cached for ever, and is 404 if the "
            "service has another model.",
        ),
    ] = None,
) -> Response:
    loaded = str(service.model_card["weights_sha256"])
    if sha256 not in (None, loaded):
        raise UnknownModelError(
            f"There is no digit model with the weights_sha256 {sha256!r}; this service has {loaded!r}. GET /model "
            "describes it."
        )
    compressed = prefers_gzip(request.headers)
    etag = format_etag(loaded)
    headers = {
        "Cache-Control": REVALIDATE if sha256 is None else MODEL_FILE_FOREVER,
        "ETag": f"W/{etag}" if compressed else etag,  # the bytes differ, the weights do not
        "Vary": "Accept-Encoding",
    }
    if has_content(request, etag):
        return Response(status_code=304, headers=headers)
    _, (content,) = await service.pool.run(MODEL_WEIGHTS, ModelWeightsParams(compressed))
    encoding = {"Content-Encoding": "gzip"} if compressed else {}
    return Response(content, media_type=WEIGHTS_TYPE, headers=headers | encoding)


class TrainingRecord(BaseModel):
    """The training of the digit model, epoch by epoch."""

    model: str
    network: str
    epochs: list[dict[str, float]]
    """One row per epoch: `epoch`, `seconds`, and loss and accuracy on training, validation and test images."""


@router.get(
    "/model/curves",
    operation_id="get_model_curves",
    summary="The training record of the digit model: loss and accuracy by epoch",
    response_model=TrainingRecord,
    responses=NOT_MODIFIED | document_problems(404, 500),
)
async def get_model_curves(request: Request, service: ServiceDependency) -> Response:
    card = service.model_card
    epochs = card.get("figures", {}).get("curves")
    if not epochs:
        raise NoTrainingRecordError(
            "The model card has no training record (figures.curves). `convserve train` writes one."
        )
    record = TrainingRecord(model=card["version"], network=card["network"], epochs=epochs)
    return respond_with_etag(request, record.model_dump_json().encode(), "application/json")
