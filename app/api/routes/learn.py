"""`POST /learn`: the kernel between an image and its filtered copy."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.datastructures import UploadFile

from app.api.dependencies import ServiceDependency
from app.api.forms import open_form
from app.api.parameters import LearnQuery
from app.api.problem_docs import document_problems
from app.api.problems import describe_problem
from app.api.responses import PRIVATE, respond_with_json
from app.api.uploads import add_fields, list_fields, read_content_type
from app.errors import TaskError, UnfinishedError, UploadTypeError
from app.tasks.learn import LEARN, LearnParams
from app.tasks.learn_layers import LayersParams, follow_layers
from app.tasks.learn_result import LearnResult
from app.tasks.learn_stream import follow_descent
from app.tasks.pieces import Event

router = APIRouter(tags=["filter"])

IMAGE = {"type": "string", "format": "binary"}
REQUEST_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["before", "after"],
                    "properties": {"before": IMAGE, "after": IMAGE},
                }
            }
        },
    }
}
LEARN_RESPONSE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The kernel. With `method=descent`, a stream of events: one `start`, several `step`, and "
        "`lesson` with the same document, or `problem`. With `layers=2`, the same events with `LayersResult`.",
        "content": {
            "text/event-stream": {
                "schema": {
                    "type": "object",
                    "properties": {"event": {"enum": ["start", "step", "lesson", "problem"]}},
                    "required": ["event", "data"],
                }
            }
        },
        "model": LearnResult,
    }
}


@router.post(
    "/learn",
    operation_id="learn_kernel",
    summary="Find the kernel that turns one image into another",
    description="By least squares, or by gradient descent as a stream of steps. Pixels of the result with the value 0 "
    "or 255 are not used, because they may have been clipped. With `layers=2`, two layers are learned instead, for "
    "results that no kernel gives; their document is the `operations` of `POST /filter`.",
    response_model=None,
    responses=LEARN_RESPONSE | document_problems(400, 413, 415, 422, 500, 503),
    openapi_extra=REQUEST_BODY,
)
async def learn_kernel(request: Request, service: ServiceDependency, query: Annotated[LearnQuery, Query()]) -> Response:
    before, after, fields = await read_images(request)
    query = add_fields(query, fields)
    query.check_layers()
    params = LearnParams(query.size, query.kernel_sharing)
    if query.layers == 2 or query.method == "descent":
        if query.layers == 2:
            training = LayersParams(params, query.filters, query.max_steps)
            events = follow_layers(service.pool, before, after, training)
        else:
            events = follow_descent(service.pool, before, after, params, query.max_steps)
        start = await anext(events)  # an error before the first event is a response with its own status
        return EventSourceResponse(stream_events(start, events), headers=PRIVATE | {"X-Accel-Buffering": "no"})
    _, (document,) = await service.pool.run(LEARN, params, [before, after])
    return respond_with_json(document)


async def read_images(request: Request) -> tuple[bytes, bytes, dict[str, str]]:
    """The files `before` and `after` of the form, and its other fields.

    Raises UploadTypeError or RequestValidationError, or HTTPException for a malformed form.
    """
    content_type = read_content_type(request)
    if content_type != "multipart/form-data":
        raise UploadTypeError(
            f"The request has Content-Type '{content_type[:100]}'. Send multipart/form-data with the images 'before' "
            "and 'after' (curl -F before=@a.png -F after=@b.png)."
        )
    async with open_form(request, max_files=2, max_fields=10) as form:
        files = {name: form.get(name) for name in ("before", "after")}
        missing = [name for name, file in files.items() if not isinstance(file, UploadFile)]
        if missing:
            message = "Field required: an image file, such as curl -F before=@a.png -F after=@b.png"
            raise RequestValidationError(
                [{"loc": ("body", name), "msg": message, "type": "missing", "input": None} for name in missing]
            )
        fields = list_fields(form)
        before, after = [await file.read() for file in files.values() if isinstance(file, UploadFile)]
        return before, after, fields


async def stream_events(start: Event, events: AsyncIterator[Event]) -> AsyncIterator[bytes]:
    """Server-sent events. An error after the first event becomes the last event, `problem`."""
    yield format_event(start)
    try:
        async for event in events:
            yield format_event(event)
    except (UnfinishedError, TaskError) as error:
        yield format_event(Event("problem", describe_problem(error).model_dump_json()))


def format_event(event: Event) -> bytes:
    return format_sse_event(event=event.name, data_str=event.document)
