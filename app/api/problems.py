"""Render errors as `application/problem+json` (RFC 9457).

`app/tasks/errors.py` maps an exception to the slug of its problem type, `app/api/problem_types.py` lists the types, and
`app/api/problem_handlers.py` connects them to FastAPI.
"""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel

from app.api.problem_types import PROBLEM_TYPES, ProblemType
from app.context import find_record
from app.errors import ErrorResponse
from app.images.formats import READABLE_MEDIA_TYPES
from app.middleware.cors import list_cors_headers
from app.middleware.headers import list_security_headers
from app.tasks.errors import describe_error

MEDIA_TYPE = "application/problem+json"
INFERENCE_PATHS = "/v2/"
ENCODER = json.JSONEncoder(allow_nan=False)
"""Writes ASCII: a quoted value may hold lone surrogates, which UTF-8 cannot encode."""


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


def render_error(error: Exception, request_id: str, path: str = "") -> ErrorResponse:
    """The response for an error with a problem type, to a request for `path`. Raises `error` itself if it has none."""
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
        headers["Accept"] = ", ".join(READABLE_MEDIA_TYPES)
    return render_problem(kind, message, request_id, headers, path=path, **members)


def render_server_error(
    error: Exception, request_id: str, path: str, origin: str, *, cors_origins: Sequence[str]
) -> ErrorResponse:
    """`render_error` with the headers of the middleware, for the server, which responds without the app.

    `path` is the path and query of the request, `origin` the Origin header of the request, or empty.
    """
    response = render_error(error, request_id, path)
    added = [*list_security_headers(bool(cors_origins)), *list_cors_headers(origin, cors_origins)]
    return response._replace(headers=response.headers + added)


def render_problem(
    kind: ProblemType | HTTPStatus,
    detail: str,
    request_id: str,
    headers: Mapping[str, str] | None = None,
    *,
    path: str = "",
    **members: Any,
) -> ErrorResponse:
    """The response for a problem type, or for a bare status, whose problem type is `about:blank`.

    In the Open Inference Protocol, an error has the member `error`. RFC 9457 allows additional members.
    """
    if isinstance(kind, ProblemType):
        status, slug, type_uri, title = kind.status, kind.slug, f"/problems#{kind.slug}", kind.title
    else:
        status, slug, type_uri, title = kind, kind.phrase.lower().replace(" ", "-"), "about:blank", kind.phrase
    body = {"type": type_uri, "title": title, "status": int(status), "detail": detail, "request_id": request_id}
    if path.startswith(INFERENCE_PATHS):
        body["error"] = detail
    lines = {"content-type": MEDIA_TYPE} | {name.lower(): value for name, value in (headers or {}).items()}
    return ErrorResponse(
        int(status),
        slug,
        [(name.encode("latin-1"), value.encode("latin-1")) for name, value in lines.items()],
        ENCODER.encode(body | members).encode("ascii"),
    )


def find_problem(error: Exception) -> tuple[ProblemType, str, dict[str, Any]]:
    """Problem type, message and fields of an error. Raises `error` itself if it has no problem type."""
    slug, message, fields = describe_error(error)
    if slug not in PROBLEM_TYPES:
        raise error
    return PROBLEM_TYPES[slug], message, fields


def describe_problem(error: Exception) -> Problem:
    """The problem of an error, as one part of a response whose other parts succeeded."""
    kind, message, _ = find_problem(error)
    return Problem(
        type=f"/problems#{kind.slug}",
        title=kind.title,
        status=int(kind.status),
        detail=message,
        request_id=find_record().id,
    )
