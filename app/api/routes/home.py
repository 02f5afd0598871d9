"""`GET /`: a page for people, links for programs; `/static`: what the page is made of; and images to try."""

import re
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi import Path as InPath
from fastapi.responses import JSONResponse
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app.api.caching import NOT_MODIFIED, respond_with_etag
from app.api.content_negotiation import find_weight, parse_accept
from app.api.dependencies import Service, ServiceDependency
from app.api.problem_docs import document_problems
from app.api.responses import PNG_RESPONSE
from app.tasks.samples import SAMPLE, SampleName, SampleParams

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
"""Of the page. Without CONVSERVE_DOCS these three are left out."""

STATIC = Path(str(files("app").joinpath("static")))
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; style-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept",
}
REVALIDATE = "no-cache"
"""Kept by the browser, but asked for each time: after an update no old module meets a new one."""


class PageFiles(StaticFiles):
    """The page's files, with an ETag each."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = REVALIDATE
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def serve_page_files(app: FastAPI) -> None:
    app.mount("/static", PageFiles(directory=STATIC), name="static")


@router.get(
    "/",
    operation_id="get_home",
    summary="The page; or, with Accept: application/json, links",
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


@router.get(
    "/sample.png",
    operation_id="get_sample",
    summary="An image to try the filters with: the same as /samples/house.png",
    response_class=Response,
    responses=PNG_RESPONSE | NOT_MODIFIED,
)
async def get_sample(request: Request, service: ServiceDependency) -> Response:
    return respond_with_etag(request, await draw_sample(service, "house"), "image/png")


@router.get(
    "/samples/{name}.png",
    operation_id="get_named_sample",
    summary="An image to try the service with",
    response_class=Response,
    responses=PNG_RESPONSE | NOT_MODIFIED | document_problems(422),
)
async def get_named_sample(
    request: Request,
    service: ServiceDependency,
    name: Annotated[
        SampleName,
        InPath(description="`house`: flat areas and edges; `chart`: stripes and rings; `digits`: handwriting."),
    ],
) -> Response:
    return respond_with_etag(request, await draw_sample(service, name), "image/png")


async def draw_sample(service: Service, name: SampleName) -> bytes:
    """A PNG."""
    return (await service.pool.run(SAMPLE, SampleParams(name))).blobs[0]
