"""`GET /`: the web page, or links as JSON; `/static`: the files of the page."""

import re
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse

from app.api.caching import respond_with_etag
from app.api.content_negotiation import find_weight
from app.api.dependencies import ServiceDependency
from app.api.page_files import (
    REVALIDATE,
    STATIC,
    PageFiles,
    find_version,
    join_styles,
    name_one_stylesheet,
    version_addresses,
)
from app.middleware.accept_header import parse_weights

router = APIRouter(tags=["service"])

LINKS = {
    "filter": "/filter/{kernel}",
    "chain": "/filter",
    "gallery": "/gallery",
    "learn": "/learn",
    "kernels": "/kernels",
    "lessons": "/lessons",
    "size": "/size",
    "classify": "/classify",
    "read": "/read",
    "model": "/model",
    "samples": "/samples/{name}.png",
    "problems": "/problems",
}
DOCS_LINKS = {"docs": "/docs", "openapi": "/openapi.json"}
DOCS_HEADERS = {"Link": '</openapi.json>; rel="service-desc", </docs>; rel="service-doc"'}
DOCS_PARTS = re.compile(rb"<!--docs-->.*?<!--/docs-->")
"""Parts of the page that link to the documentation. They are removed if CONVSERVE_DOCS is off."""

CLOSED_LESSON, OPEN_LESSON = b'aria-label="Lesson" hidden>', b'aria-label="Lesson">'
"""The place of a lesson in the page. For an address with a lesson it is open, so that nothing moves when it arrives."""

PAGE_HEADERS = {"X-Content-Type-Options": "nosniff", "Vary": "Accept"}


def make_page_policy(frame_ancestors: Sequence[str]) -> str:
    """The Content-Security-Policy of the page. `frame_ancestors` are the origins whose pages may show it in a frame."""
    ancestors = " ".join(["'self'", *frame_ancestors])
    return (
        # A video file that the user opens is a blob.
        "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
        f"style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}"
    )


def serve_page_files(app: FastAPI) -> None:
    find_version()  # reads all files: not while a request waits
    join_styles()
    app.mount("/static", PageFiles(directory=STATIC), name="static")


@router.get(
    "/",
    operation_id="get_home",
    summary="The web page or, with Accept: application/json, links",
    response_class=Response,
    responses={200: {"content": {"text/html": {}, "application/json": {"schema": {"type": "object"}}}}},
)
async def get_home(request: Request, service: ServiceDependency) -> Response:
    docs = service.access.docs
    policy = make_page_policy(service.access.frame_ancestors)
    headers = PAGE_HEADERS | {"Content-Security-Policy": policy} | (DOCS_HEADERS if docs else {})
    weights = parse_weights(request.headers.get("accept", "*/*"))
    if find_weight("application/json", weights) > find_weight("text/html", weights):
        links: dict[str, Any] = {"name": "convserve", "links": LINKS | (DOCS_LINKS if docs else {})}
        return JSONResponse(links, headers=headers)
    page = version_addresses(name_one_stylesheet((STATIC / "index.html").read_bytes()))
    if request.query_params.get("lesson"):
        page = page.replace(CLOSED_LESSON, OPEN_LESSON)
    response = respond_with_etag(request, page if docs else DOCS_PARTS.sub(b"", page), "text/html")
    response.headers.update(headers | {"Cache-Control": REVALIDATE})
    return response


@router.get("/favicon.ico", include_in_schema=False)
async def get_favicon(request: Request) -> Response:
    return respond_with_etag(request, (STATIC / "favicon.svg").read_bytes(), "image/svg+xml")
