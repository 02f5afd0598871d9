"""`GET /`: the web page, or links as JSON; `/static`: the files of the page."""

import re
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app.api.caching import respond_with_etag
from app.api.content_negotiation import find_weight, parse_accept
from app.api.dependencies import ServiceDependency

router = APIRouter(tags=["service"])

LINKS = {
    "filter": "/filter/{kernel}",
    "chain": "/filter",
    "gallery": "/gallery",
    "learn": "/learn",
    "kernels": "/kernels",
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

STATIC = Path(str(files("app").joinpath("static")))
PAGE_HEADERS = {
    # A video file that the user opens is a blob.
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept",
}
WORKER_POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; frame-ancestors 'none'"
"""A worker has the policy of its file, not that of the page: modules of the page, and WebAssembly that they write."""
REVALIDATE = "no-cache"
"""Browsers check each file before they use it, so old and new modules are not mixed after an update."""


class PageFiles(StaticFiles):
    """The files of the page. Each has an ETag."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = REVALIDATE
        response.headers["X-Content-Type-Options"] = "nosniff"
        if path.endswith("-worker.js"):
            response.headers["Content-Security-Policy"] = WORKER_POLICY
        return response


def serve_page_files(app: FastAPI) -> None:
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
    headers = PAGE_HEADERS | (DOCS_HEADERS if docs else {})
    weights = parse_accept(request.headers.get("accept", "*/*"))
    if find_weight("application/json", weights) > find_weight("text/html", weights):
        links: dict[str, Any] = {"name": "convserve", "links": LINKS | (DOCS_LINKS if docs else {})}
        return JSONResponse(links, headers=headers)
    page = (STATIC / "index.html").read_bytes()
    response = respond_with_etag(request, page if docs else DOCS_PARTS.sub(b"", page), "text/html")
    response.headers.update(headers | {"Cache-Control": REVALIDATE})
    return response


@router.get("/favicon.ico", include_in_schema=False)
async def get_favicon(request: Request) -> Response:
    return respond_with_etag(request, (STATIC / "favicon.svg").read_bytes(), "image/svg+xml")
