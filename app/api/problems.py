"""Every error as `application/problem+json` (RFC 9457), and which error is which status: one table."""

import difflib
import errno
import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from app.api.parameters import ChainQuery, ClassifyQuery, GalleryQuery, LearnQuery, SizeQuery
from app.context import find_record
from app.errors import (
    DeadlineError,
    MalformedRequestError,
    NoFilesLeftError,
    NoRoomError,
    NotAcceptableError,
    NoTrainingRecordError,
    OverloadedError,
    RateLimitError,
    RequestHeadTooLargeError,
    SlowClientError,
    TooManyConnectionsError,
    TooManyFilesError,
    TooMuchHeldError,
    UnauthorizedError,
    UnfinishedError,
    UnknownHostError,
    UploadTooLargeError,
    UploadTypeError,
    WorkerLostError,
    WorkTooLargeError,
)
from app.images.errors import (
    BlankImageError,
    CorruptImageError,
    EmptyImageError,
    ImageTooComplexError,
    ImageTooLargeError,
    UnreadableFormatError,
    UnwritableFormatError,
)
from app.images.formats import READABLE
from kernels.errors import (
    KernelFileError,
    KernelParameterError,
    PairError,
    UndeterminedKernelError,
    UnknownKernelError,
)

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class ProblemType:
    """A kind of error: the same title for every occurrence. `slug` is its place on the page /problems."""

    slug: str
    status: HTTPStatus
    title: str
    meaning: str


BAD_PARAMETER = ProblemType(
    "bad-parameter", HTTPStatus.UNPROCESSABLE_ENTITY, "Bad parameter",
    "A parameter is missing, unknown, out of range, or does not fit the kernel or the image.",
)  # fmt: skip
PROBLEM_TYPES: Mapping[type[Exception], ProblemType] = {
    UnknownKernelError: ProblemType(
        "unknown-kernel", HTTPStatus.NOT_FOUND, "Unknown kernel",
        "No kernel of that name; `did_you_mean` lists the nearest ones, and GET /kernels all of them.",
    ),
    KernelParameterError: BAD_PARAMETER,
    PairError: BAD_PARAMETER,
    UndeterminedKernelError: BAD_PARAMETER,
    RequestValidationError: BAD_PARAMETER,
    UploadTooLargeError: ProblemType(
        "upload-too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Upload too large",
        "The request body has more bytes than CONVSERVE_MAX_UPLOAD_BYTES.",
    ),
    ImageTooLargeError: ProblemType(
        "image-too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Image too large",
        "The image has more pixels (width × height × frames) than CONVSERVE_MAX_PIXELS.",
    ),
    ImageTooComplexError: ProblemType(
        "image-too-complex", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Image too complex to decode",
        "Small, but dear to open: too many scans (CONVSERVE_MAX_JPEG_SCANS), frames (CONVSERVE_MAX_FRAMES) or blocks, "
        "or too much metadata (CONVSERVE_MAX_METADATA_BYTES).",
    ),
    WorkTooLargeError: ProblemType(
        "work-too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Too much work",
        "The kernel is so large for this image that the work exceeds CONVSERVE_MAX_MULTIPLY_ADDS.",
    ),
    TooManyFilesError: ProblemType(
        "too-many-files", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Too many files",
        "More images in one request than CONVSERVE_MAX_DIGIT_FILES.",
    ),
    UnknownHostError: ProblemType(
        "unknown-host", HTTPStatus.BAD_REQUEST, "Unknown host",
        "The header Host is none of CONVSERVE_ALLOWED_HOSTS.",
    ),
    UnauthorizedError: ProblemType(
        "unauthorized", HTTPStatus.UNAUTHORIZED, "Unauthorized",
        "The request has no bearer token, or one that the service does not know.",
    ),
    RateLimitError: ProblemType(
        "too-many-requests", HTTPStatus.TOO_MANY_REQUESTS, "Too many requests",
        "This client asks more often than CONVSERVE_RATE_LIMIT allows; Retry-After says when to come back.",
    ),
    UploadTypeError: ProblemType(
        "unsupported-upload", HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Unsupported upload",
        "The request body is neither a form with a field `file`, nor an image, nor JSON with a `file` in base64.",
    ),
    UnreadableFormatError: ProblemType(
        "unsupported-image", HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Not an image of an accepted format",
        "The content decides, not the name: " + ", ".join(format.name for format in READABLE) + ".",
    ),
    EmptyImageError: ProblemType(
        "empty-image", HTTPStatus.UNPROCESSABLE_ENTITY, "Empty image", "The image has 0 bytes.",
    ),
    CorruptImageError: ProblemType(
        "corrupt-image", HTTPStatus.UNPROCESSABLE_ENTITY, "Corrupt image",
        "The image is damaged or cut short. It is refused as a whole: no half-grey result.",
    ),
    BlankImageError: ProblemType(
        "blank-image", HTTPStatus.UNPROCESSABLE_ENTITY, "Blank image",
        "There is no ink in the image, so there is nothing that the network's answer could be explained by.",
    ),
    UnwritableFormatError: ProblemType(
        "unwritable-format", HTTPStatus.UNPROCESSABLE_ENTITY, "Result does not fit the format",
        "For example an animation as JPEG, or raw numbers as PNG.",
    ),
    NotAcceptableError: ProblemType(
        "not-acceptable", HTTPStatus.NOT_ACCEPTABLE, "Nothing acceptable to answer",
        "The Accept header admits none of the formats that can be written.",
    ),
    NoTrainingRecordError: ProblemType(
        "no-training-record", HTTPStatus.NOT_FOUND, "No training record",
        "The card of the digit model has no `figures.curves`, which `convserve train` writes into it.",
    ),
    MalformedRequestError: ProblemType(
        "malformed-request", HTTPStatus.BAD_REQUEST, "Malformed request",
        "What came is not HTTP. The connection is closed.",
    ),
    RequestHeadTooLargeError: ProblemType(
        "request-head-too-large", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "Request head too large",
        "The request line and headers have more bytes than CONVSERVE_MAX_HEADER_BYTES. The connection is closed.",
    ),
    SlowClientError: ProblemType(
        "slow-client", HTTPStatus.REQUEST_TIMEOUT, "Request came too slowly",
        "The headers took longer than CONVSERVE_HEADER_SECONDS, or the body came at less than "
        "CONVSERVE_MIN_BYTES_PER_SECOND for CONVSERVE_STALL_SECONDS. The connection is closed.",
    ),
    TooManyConnectionsError: ProblemType(
        "too-many-connections", HTTPStatus.SERVICE_UNAVAILABLE, "Too many connections",
        "CONVSERVE_MAX_CONNECTIONS are open and busy. The connection is closed; Retry-After says when to come back.",
    ),
    NoRoomError: ProblemType(
        "no-room", HTTPStatus.INSUFFICIENT_STORAGE, "No room for the upload",
        "Uploads are kept on disk while they arrive, and the disk of the temporary folder is full.",
    ),
    NoFilesLeftError: ProblemType(
        "no-files-left", HTTPStatus.SERVICE_UNAVAILABLE, "No files left",
        "The service cannot open another file just now. Retry-After says when to come back.",
    ),
    TooMuchHeldError: ProblemType(
        "too-much-held", HTTPStatus.SERVICE_UNAVAILABLE, "Too much is being sent",
        "Uploads that are still arriving take CONVSERVE_MAX_HELD_BYTES, and this one is among the slowest.",
    ),
    OverloadedError: ProblemType(
        "overloaded", HTTPStatus.SERVICE_UNAVAILABLE, "Overloaded",
        "All workers are busy and enough is waiting already. Nothing was done; Retry-After says when to come back.",
    ),
    DeadlineError: ProblemType(
        "took-too-long", HTTPStatus.SERVICE_UNAVAILABLE, "Took too long",
        "The work was stopped after CONVSERVE_DEADLINE_SECONDS.",
    ),
    WorkerLostError: ProblemType(
        "worker-lost", HTTPStatus.SERVICE_UNAVAILABLE, "Worker lost",
        "The process that worked on the image ended without an answer. The request can be tried again.",
    ),
    KernelFileError: ProblemType(
        "bad-kernels-file", HTTPStatus.INTERNAL_SERVER_ERROR, "Bad kernels file",
        "Stops the start; no request meets it.",
    ),
}  # fmt: skip


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    """Stands in the log of the server, too, and in the answer's header X-Request-ID."""
    errors: list[dict[str, Any]] | None = None
    did_you_mean: list[str] | None = None


def respond_with_problem(
    status: int, type: str, title: str, detail: str, headers: Mapping[str, str] | None = None, **more: Any
) -> Response:
    record = find_record()
    record.problem = type.partition("#")[2] or title.lower().replace(" ", "-")
    body = {"type": type, "title": title, "status": int(status), "detail": detail, "request_id": record.id, **more}
    # In ASCII, as what was sent and is quoted here may hold lone surrogates, which UTF-8 cannot.
    return Response(json.dumps(body, allow_nan=False), int(status), headers, MEDIA_TYPE)


def find_problem_type(error: Exception) -> ProblemType:
    return next(PROBLEM_TYPES[cls] for cls in type(error).__mro__ if cls in PROBLEM_TYPES)


def describe_problem(error: Exception) -> Problem:
    """An error of the table as part of an answer, where others of the same request succeeded."""
    kind = find_problem_type(error)
    return Problem(
        type=f"/problems#{kind.slug}",
        title=kind.title,
        status=int(kind.status),
        detail=str(error),
        request_id=find_record().id,
    )


def answer_known_error(request: Request | None, error: Exception) -> Response:
    kind = find_problem_type(error)
    more: dict[str, Any] = {}
    headers = {}
    if isinstance(error, UnknownKernelError):
        more["did_you_mean"] = error.nearest
    elif isinstance(error, KernelParameterError):
        more["errors"] = [{"loc": ["query", error.parameter], "msg": str(error), "type": "kernel_parameter"}]
    elif isinstance(error, UnfinishedError):
        headers["Retry-After"] = str(error.retry_after_s)
    elif isinstance(error, (UnauthorizedError, RateLimitError)):
        headers.update(error.headers)
    elif isinstance(error, UnreadableFormatError):
        headers["Accept"] = ", ".join(format.media_type for format in READABLE)
    return respond_with_problem(kind.status, f"/problems#{kind.slug}", kind.title, str(error), headers, **more)


def answer_validation_error(request: Request, error: RequestValidationError) -> Response:
    """Every bad parameter in one answer, each with its place, what is wrong and the value."""
    errors = [
        {
            "loc": list(item["loc"]),
            "msg": describe_mistake(item),
            "type": item["type"],
            "input": shorten(item.get("input")),
        }
        for item in error.errors()
    ]
    detail = "; ".join(f"{'.'.join(str(part) for part in item['loc'][1:])}: {item['msg']}" for item in errors)
    return respond_with_problem(
        BAD_PARAMETER.status, f"/problems#{BAD_PARAMETER.slug}", BAD_PARAMETER.title, detail, errors=errors
    )


def describe_mistake(item: Mapping[str, Any]) -> str:
    """What pydantic found, with the value, or with the parameter that was probably meant."""
    message = str(item["msg"]).removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        name = str(item["loc"][-1])
        known = {
            field
            for query in (ChainQuery, GalleryQuery, LearnQuery, SizeQuery, ClassifyQuery)
            for field in query.model_fields
        }
        nearest = difflib.get_close_matches(name, known - {name}, n=1)
        return "there is no such parameter" + (f"; did you mean '{nearest[0]}'?" if nearest else "")
    if item["type"] in ("missing", "json") or item.get("input") is None:
        return message
    return f"{message}; it is {shorten(item['input'])!r}"


def answer_http_error(request: Request, error: HTTPException) -> Response:
    """Errors of the framework: no such route, wrong method, a form that cannot be read."""
    status = HTTPStatus(error.status_code)
    detail = error.detail
    if status == HTTPStatus.NOT_FOUND:
        detail = f"There is nothing at {request.url.path}."
        if request.app.openapi_url:  # none without CONVSERVE_DOCS
            detail += " The API is described at /docs."
    elif status == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "another method")
        detail = f"{request.url.path} does not take {request.method}, but {allowed}."
    return respond_with_problem(status, "about:blank", status.phrase, detail, error.headers)


def answer_os_error(request: Request, error: OSError) -> Response:
    """What the machine lacks is neither the client's fault nor a bug; any other OSError is one."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return answer_known_error(request, NoRoomError("The disk for uploads is full. Send a smaller one, or later."))
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return answer_known_error(request, NoFilesLeftError("The service cannot open another file. Try again in 1 s."))
    raise error


def answer_unexpected_error(request: Request, error: Exception) -> Response:
    """The log has the traceback; the client learns that it is not to blame."""
    return respond_with_problem(
        HTTPStatus.INTERNAL_SERVER_ERROR, "about:blank", "Internal Server Error",
        "Something went wrong in the service. The request can be tried again; the log of the server says more.",
    )  # fmt: skip


def shorten(value: Any) -> Any:
    """A value that was sent, short enough to be sent back."""
    if value is None or isinstance(value, (bool, int, float)):
        return value if value == value and abs(value or 0) != float("inf") else str(value)
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 100 else text[:100] + " ..."


def add_problem_handlers(app: FastAPI) -> None:
    for error in PROBLEM_TYPES:
        app.add_exception_handler(error, answer_known_error)
    app.add_exception_handler(RequestValidationError, answer_validation_error)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, answer_http_error)  # type: ignore[arg-type]
    app.add_exception_handler(OSError, answer_os_error)  # type: ignore[arg-type]
    app.add_exception_handler(Exception, answer_unexpected_error)


def document_problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For a route's `responses`: the statuses that it can answer with a problem."""
    return {
        status: {
            "description": "; ".join(kind.title for kind in list_problem_types(status)) or HTTPStatus(status).phrase,
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "examples": {kind.slug: {"value": give_example(kind)} for kind in list_problem_types(status)},
                }
            },
        }
        for status in statuses
    }


def list_problem_types(status: int) -> list[ProblemType]:
    return list({kind.slug: kind for kind in PROBLEM_TYPES.values() if kind.status == status != 500}.values())


def give_example(kind: ProblemType) -> dict[str, Any]:
    return {
        "type": f"/problems#{kind.slug}",
        "title": kind.title,
        "status": int(kind.status),
        "detail": kind.meaning,
        "request_id": "5bd3f0f5c3c44d5f8a1f0f5f3c1e9a77",
    }
