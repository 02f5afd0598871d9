"""`POST /learn`: the kernel between an image and its filtered copy."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.datastructures import UploadFile

from app.api.dependencies import ServiceDependency
from app.api.parameters import LearnQuery
from app.api.problem_docs import document_problems
from app.api.problems import describe_problem
from app.api.responses import PRIVATE
from app.api.uploads import add_fields
from app.errors import TaskError, UnfinishedError
from app.tasks.learn import LEARN, LearnParams, Lesson
from app.tasks.learn_stream import Event, follow_descent

router = APIRouter(tags=["filter"])

IMAGE = {"type": "string", "format": "binary"}
BODY: dict[str, Any] = {
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


REPLY: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "What was learnt; with `method=descent` events: `start`, `step` after `step`, and `lesson`, "
        "which is the same document, or `problem`.",
        "content": {
            "text/event-stream": {
                "schema": {
                    "type": "object",
                    "properties": {"event": {"enum": ["start", "step", "lesson", "problem"]}},
                    "required": ["event", "data"],
                }
            }
        },
        "model": Lesson,
    }
}


@router.post(
    "/learn",
    operation_id="learn_kernel",
    summary="Find the kernel that turns one image into another",
    description="By least squares or, to be watched, by gradient descent. Where the result is 0 or 255 it may have "
    "been cut off, so it is left out there.",
    response_model=None,
    responses=REPLY | document_problems(400, 413, 415, 422, 500, 503),
    openapi_extra=BODY,
)
async def learn_kernel(request: Request, service: ServiceDependency, query: Annotated[LearnQuery, Query()]) -> Response:
    async with request.form(max_files=2, max_fields=10) as form:
        files = {name: form.get(name) for name in ("before", "after")}
        missing = [name for name, file in files.items() if not isinstance(file, UploadFile)]
        if missing:
            message = "Field required: an image. curl -F before=@a.png -F after=@b.png"
            raise RequestValidationError(
                [{"loc": ("body", name), "msg": message, "type": "missing", "input": None} for name in missing]
            )
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        before, after = [await file.read() for file in files.values() if isinstance(file, UploadFile)]
    query = add_fields(query, fields)
    params = LearnParams(query.size, query.shares)
    if query.method == "descent":
        events = follow_descent(service.pool, before, after, params, query.steps)
        start = await anext(events)  # an error before the stream has begun is a response of its own
        return EventSourceResponse(stream_events(start, events), headers=PRIVATE | {"X-Accel-Buffering": "no"})
    _, (lesson,) = await service.pool.run(LEARN, params, [before, after])
    return Response(lesson, media_type="application/json", headers=PRIVATE)


async def stream_events(start: Event, events: AsyncIterator[Event]) -> AsyncIterator[bytes]:
    """Server-sent events. An error after the first one is the last event."""
    yield format_event(start)
    try:
        async for event in events:
            yield format_event(event)
    except (UnfinishedError, TaskError) as error:
        yield format_event(Event("problem", describe_problem(error).model_dump_json()))


def format_event(event: Event) -> bytes:
    return format_sse_event(event=event.name, data_str=event.document)
