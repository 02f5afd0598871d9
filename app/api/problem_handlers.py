"""FastAPI's exception handlers. Each responds to an exception with a problem (`app/api/problems.py`)."""

import errno
from http import HTTPStatus
from urllib.parse import unquote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from app.api.mistakes import list_mistakes, shorten
from app.api.problem_types import PROBLEM_TYPES
from app.api.problems import render_error, render_problem
from app.context import find_record
from app.errors import ErrorResponse, NoFilesLeftError, NoRoomError, TaskError
from app.tasks.errors import SLUGS


def add_problem_handlers(app: FastAPI) -> None:
    for error in (*SLUGS, TaskError):
        app.add_exception_handler(error, handle_known_error)
    app.add_exception_handler(RequestValidationError, handle_validation_error)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, handle_http_error)  # type: ignore[arg-type]
    app.add_exception_handler(OSError, handle_os_error)  # type: ignore[arg-type]
    app.add_exception_handler(Exception, handle_unexpected_error)


def respond(rendered: ErrorResponse) -> Response:
    """Convert a rendered error to FastAPI's response. Adds its slug to the record of the request."""
    find_record().problem = rendered.slug
    response = Response(rendered.body, rendered.status)
    response.raw_headers += rendered.headers
    return response


def handle_known_error(request: Request, error: Exception) -> Response:
    return respond(render_error(error, find_record().id, request.url.path))


def handle_validation_error(request: Request, error: RequestValidationError) -> Response:
    """One response for all invalid parameters, each with its location, message and value."""
    errors = list_mistakes(request, error)
    detail = "; ".join(f"{'.'.join(str(part) for part in item['loc'][1:])}: {item['msg']}" for item in errors)
    return respond(
        render_problem(PROBLEM_TYPES["bad-parameter"], detail, find_record().id, path=request.url.path, errors=errors)
    )


def handle_http_error(request: Request, error: HTTPException) -> Response:
    """Errors of the framework: unknown path, wrong method, malformed form."""
    status = HTTPStatus(error.status_code)
    detail, headers = error.detail, dict(error.headers or {})
    path = shorten(unquote(request.scope.get("raw_path", b"").decode("latin-1")) or request.url.path)  # as sent
    if status == HTTPStatus.NOT_FOUND:
        detail = f"Unknown path {path}."
        if request.app.openapi_url:  # not set if CONVSERVE_DOCS is off
            detail += " The API is described at /docs."
    elif status == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = headers.get("Allow", "another method")
        if allowed == "GET":
            headers["Allow"] = allowed = "GET, HEAD"  # `app/middleware/head.py`
        detail = f"{path} does not allow {request.method}; it allows {allowed}."
    return respond(render_problem(status, detail, find_record().id, headers, path=request.url.path))


def handle_os_error(request: Request, error: OSError) -> Response:
    """Resource exhaustion is reported as 507 or 503. Any other OSError is a bug."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return handle_known_error(
            request, NoRoomError("The disk for uploads is full. Send a smaller upload, or try again later.")
        )
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return handle_known_error(request, NoFilesLeftError("The service cannot open another file. Try again in 1 s."))
    raise error


def handle_unexpected_error(request: Request, error: Exception) -> Response:
    """The server logs the traceback. The response does not reveal the error."""
    detail = "Internal error. The client may retry the request. The log of the service has the details."
    return respond(render_problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail, find_record().id, path=request.url.path))
