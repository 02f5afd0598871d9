"""Every error as `application/problem+json` (RFC 9457): the table of problem types, and how an error is rendered.

`app/tasks/errors.py` maps an exception to the slug of its problem type; `app/api/problem_handlers.py` connects both to
FastAPI.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel

from app.context import find_record
from app.errors import ErrorResponse
from app.images.formats import READABLE
from app.middleware.cors import list_cors_headers
from app.middleware.headers import list_security_headers
from app.tasks.errors import describe_error

MEDIA_TYPE = "application/problem+json"
ENCODER = json.JSONEncoder(allow_nan=False)
"""Writes ASCII: a quoted value may hold lone surrogates, which UTF-8 cannot encode."""


@dataclass(frozen=True)
class ProblemType:
    """A kind of error. `slug` is its anchor on the page /problems; every occurrence has the same title."""

    slug: str
    status: HTTPStatus
    title: str
    meaning: str


TYPES = (
    ProblemType(
        "unknown-kernel", HTTPStatus.NOT_FOUND, "Unknown kernel",
        "No kernel has this name. `did_you_mean` lists the nearest names, GET /kernels lists all.",
    ),
    ProblemType(
        "bad-parameter", HTTPStatus.UNPROCESSABLE_ENTITY, "Bad parameter",
        "A parameter is missing, unknown, out of range, or does not fit the kernel or the image.",
    ),
    ProblemType(
        "upload-too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Upload too large",
        "The request body has more bytes than CONVSERVE_MAX_UPLOAD_BYTES.",
    ),
    ProblemType(
        "image-too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Image too large",
        "The image has more pixels (width × height × frames) than CONVSERVE_MAX_PIXELS.",
    ),
    ProblemType(
        "image-too-complex", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Image too complex to decode",
        "A decompression bomb: too many scans (CONVSERVE_MAX_JPEG_SCANS), frames (CONVSERVE_MAX_FRAMES) or blocks, "
        "or too much metadata (CONVSERVE_MAX_METADATA_BYTES).",
    ),
    ProblemType(
        "work-too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Too much work",
        "The kernel is so large for this image that the work exceeds CONVSERVE_MAX_MULTIPLY_ADDS.",
    ),
    ProblemType(
        "too-many-files", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Too many files",
        "The request has more images than CONVSERVE_MAX_DIGIT_FILES.",
    ),
    ProblemType(
        "unknown-host", HTTPStatus.BAD_REQUEST, "Unknown host",
        "The Host header is not in CONVSERVE_ALLOWED_HOSTS.",
    ),
    ProblemType(
        "unauthorized", HTTPStatus.UNAUTHORIZED, "Unauthorized",
        "The request has no bearer token, or an invalid one.",
    ),
    ProblemType(
        "too-many-requests", HTTPStatus.TOO_MANY_REQUESTS, "Too many requests",
        "The client sent more requests than CONVSERVE_RATE_LIMIT allows. Retry-After gives the time to wait.",
    ),
    ProblemType(
        "unsupported-upload", HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Unsupported upload",
        "The request body is neither a form with a field `file`, nor an image, nor JSON with a `file` in base64.",
    ),
    ProblemType(
        "unsupported-image", HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Not an image of an accepted format",
        "The content decides, not the name. Accepted: " + ", ".join(format.name for format in READABLE) + ".",
    ),
    ProblemType("empty-image", HTTPStatus.UNPROCESSABLE_ENTITY, "Empty image", "The image has 0 bytes."),
    ProblemType(
        "corrupt-image", HTTPStatus.UNPROCESSABLE_ENTITY, "Corrupt image",
        "The image is damaged or truncated. The service never returns a partly decoded image.",
    ),
    ProblemType(
        "blank-image", HTTPStatus.UNPROCESSABLE_ENTITY, "Blank image",
        "The image has no ink, so the network has no answer to explain.",
    ),
    ProblemType(
        "unwritable-format", HTTPStatus.UNPROCESSABLE_ENTITY, "Result does not fit the format",
        "For example an animation as JPEG, or raw numbers as PNG.",
    ),
    ProblemType(
        "not-acceptable", HTTPStatus.NOT_ACCEPTABLE, "No acceptable format",
        "The Accept header allows none of the formats that the service can write.",
    ),
    ProblemType(
        "no-training-record", HTTPStatus.NOT_FOUND, "No training record",
        "The card of the digit model has no `figures.curves`. `convserve train` writes them.",
    ),
    ProblemType(
        "malformed-request", HTTPStatus.BAD_REQUEST, "Malformed request",
        "The bytes on the connection are not an HTTP request. The connection is closed.",
    ),
    ProblemType(
        "request-head-too-large", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "Request head too large",
        "The request line and headers have more bytes than CONVSERVE_MAX_HEADER_BYTES. The connection is closed.",
    ),
    ProblemType(
        "slow-client", HTTPStatus.REQUEST_TIMEOUT, "Request arrived too slowly",
        "The headers took longer than CONVSERVE_HEADER_SECONDS, or the body stayed below "
        "CONVSERVE_MIN_BYTES_PER_SECOND for CONVSERVE_STALL_SECONDS. The connection is closed.",
    ),
    ProblemType(
        "too-many-connections", HTTPStatus.SERVICE_UNAVAILABLE, "Too many connections",
        "CONVSERVE_MAX_CONNECTIONS are open and busy. The connection is closed. Retry-After gives the time to wait.",
    ),
    ProblemType(
        "no-room", HTTPStatus.INSUFFICIENT_STORAGE, "No room for the upload",
        "Large uploads are stored in the temporary folder while they arrive, and its disk is full.",
    ),
    ProblemType(
        "no-files-left", HTTPStatus.SERVICE_UNAVAILABLE, "No file handles left",
        "The service cannot open another file. Retry-After gives the time to wait.",
    ),
    ProblemType(
        "too-much-held", HTTPStatus.SERVICE_UNAVAILABLE, "Too much data in transfer",
        "Unfinished uploads and unread responses hold CONVSERVE_MAX_HELD_BYTES, and this client is among the slowest.",
    ),
    ProblemType(
        "overloaded", HTTPStatus.SERVICE_UNAVAILABLE, "Overloaded",
        "All workers are busy and the queue is full. Nothing was done. Retry-After gives the time to wait.",
    ),
    ProblemType(
        "took-too-long", HTTPStatus.SERVICE_UNAVAILABLE, "Took too long",
        "The work was stopped after CONVSERVE_DEADLINE_SECONDS.",
    ),
    ProblemType(
        "worker-lost", HTTPStatus.SERVICE_UNAVAILABLE, "Worker lost",
        "The worker process ended without a reply. The client may retry the request.",
    ),
    ProblemType(
        "bad-kernels-file", HTTPStatus.INTERNAL_SERVER_ERROR, "Bad kernels file",
        "The service does not start. No request has this problem.",
    ),
)  # fmt: skip
PROBLEM_TYPES: Mapping[str, ProblemType] = {kind.slug: kind for kind in TYPES}


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    """Also in the server's log and in the response header X-Request-ID."""
    errors: list[dict[str, Any]] | None = None
    did_you_mean: list[str] | None = None


def render_error(error: Exception, request_id: str) -> ErrorResponse:
    """The response for an error of the table. Raises `error` itself if it is not in the table."""
    kind, message, fields = find_problem(error)
    headers = dict(getattr(error, "headers", {}))
    members: dict[str, Any] = {}
    if "did_you_mean" in fields:
        members["did_you_mean"] = list(fields["did_you_mean"])
    if "parameter" in fields:
        members["errors"] = [{"loc": ["query", fields["parameter"]], "msg": message, "type": "kernel_parameter"}]
    if "retry_after_s" in fields:
        headers["Retry-After"] = str(int(fields["retry_after_s"]))
    if kind.slug == "unsupported-image":  # RFC 9110, 15.5.16
        headers["Accept"] = ", ".join(format.media_type for format in READABLE)
    return render_problem(kind, message, request_id, headers, **members)


def render_server_error(
    error: Exception, request_id: str, origin: str, *, cors_origins: Sequence[str]
) -> ErrorResponse:
    """`render_error` for the server, which responds without the app: with the headers that the middleware would add.

    `origin` is the Origin header of the request, or empty.
    """
    response = render_error(error, request_id)
    added = [*list_security_headers(bool(cors_origins)), *list_cors_headers(origin, cors_origins)]
    return response._replace(headers=response.headers + added)


def render_problem(
    kind: ProblemType | HTTPStatus,
    detail: str,
    request_id: str,
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> ErrorResponse:
    """A problem of the table, or of the type `about:blank`, which says no more than its status."""
    if isinstance(kind, ProblemType):
        status, slug, type_uri, title = kind.status, kind.slug, f"/problems#{kind.slug}", kind.title
    else:
        status, slug, type_uri, title = kind, kind.phrase.lower().replace(" ", "-"), "about:blank", kind.phrase
    body = {"type": type_uri, "title": title, "status": int(status), "detail": detail, "request_id": request_id}
    lines = {"content-type": MEDIA_TYPE} | {name.lower(): value for name, value in (headers or {}).items()}
    return ErrorResponse(
        int(status),
        slug,
        [(name.encode("latin-1"), value.encode("latin-1")) for name, value in lines.items()],
        ENCODER.encode(body | members).encode("ascii"),
    )


def find_problem(error: Exception) -> tuple[ProblemType, str, dict[str, Any]]:
    """Problem type, message and fields. Raises `error` itself if it is not in the table: then it is unexpected."""
    slug, message, fields = describe_error(error)
    if slug not in PROBLEM_TYPES:
        raise error
    return PROBLEM_TYPES[slug], message, fields


def describe_problem(error: Exception) -> Problem:
    """An error of the table as one part of a response whose other parts succeeded."""
    kind, message, _ = find_problem(error)
    return Problem(
        type=f"/problems#{kind.slug}",
        title=kind.title,
        status=int(kind.status),
        detail=message,
        request_id=find_record().id,
    )
