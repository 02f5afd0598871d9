"""`POST /learn`: the kernel between an image and its filtered copy."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.sse import EventSourceResponse, format_sse_event
from pydantic import BaseModel
from starlette.datastructures import UploadFile

from app.api.dependencies import ServiceDependency
from app.api.operations import add_fields
from app.api.parameters import LearnQuery
from app.api.problem_docs import document_problems
from app.api.problems import Problem, describe_problem
from app.api.routes.filter import PRIVATE
from app.errors import UnfinishedError
from app.tasks.learn import Lesson, learn_from_images
from app.tasks.learn_stream import DescentStart, DescentStep, ImagePair, follow_descent

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
async def learn_kernel(
    request: Request, response: Response, service: ServiceDependency, query: Annotated[LearnQuery, Query()]
) -> Lesson | Response:
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
    if query.method == "descent":
        images = ImagePair(before, after, query.size, query.shares, service.settings)
        progress = follow_descent(service.workers.run, images, query.steps)
        start = await anext(progress)  # what is wrong with the images is a problem, and no stream has begun
        return EventSourceResponse(stream_events(start, progress), headers=PRIVATE | {"X-Accel-Buffering": "no"})
    response.headers.update(PRIVATE)
    return await service.workers.run(learn_from_images, before, after, query.size, query.shares, service.settings)


EVENT_NAMES: dict[type[BaseModel], str] = {
    DescentStart: "start",
    DescentStep: "step",
    Lesson: "lesson",
    Problem: "problem",
}


async def stream_events(start: BaseModel, progress: AsyncIterator[BaseModel]) -> AsyncIterator[bytes]:
    """Server-sent events. What goes wrong after the first one is told as the last one."""
    yield format_event(start)
    try:
        async for what in progress:
            yield format_event(what)
    except UnfinishedError as error:
        yield format_event(describe_problem(error))


def format_event(what: BaseModel) -> bytes:
    return format_sse_event(event=EVENT_NAMES[type(what)], data_str=what.model_dump_json())
