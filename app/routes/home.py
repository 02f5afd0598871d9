"""`GET /`: a page for people, links for programs."""

from importlib.resources import files
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from app.etags import NOT_MODIFIED, respond_with_etag
from app.gallery import save_png
from app.negotiation import find_weight, parse_accept
from app.routes.filter import PNG_REPLY
from app.sample import draw_sample
from app.state import ServiceDependency

router = APIRouter(tags=["service"])

LINKS = {
    "filter": "/filter/{kernel}",
    "chain": "/filter",
    "gallery": "/gallery",
    "kernels": "/kernels",
    "size": "/size",
    "classify": "/classify",
    "read": "/read",
    "model": "/model",
    "docs": "/docs",
    "openapi": "/openapi.json",
    "problems": "/problems",
}


@router.get(
    "/",
    operation_id="get_home",
    summary="The page; or, with Accept: application/json, links",
    response_class=HTMLResponse,
    responses={200: {"content": {"text/html": {}, "application/json": {"schema": {"type": "object"}}}}},
)
async def get_home(request: Request) -> Response:
    weights = parse_accept(request.headers.get("accept", "*/*"))
    headers = {"Vary": "Accept", "Link": '</openapi.json>; rel="service-desc", </docs>; rel="service-doc"'}
    if find_weight("application/json", weights) > find_weight("text/html", weights):
        links: dict[str, Any] = {"name": "convserve", "links": LINKS}
        return JSONResponse(links, headers=headers)
    page = files("app").joinpath("static/index.html").read_text("utf-8")
    return HTMLResponse(page, headers=headers)


@router.get(
    "/sample.png",
    operation_id="get_sample",
    summary="A picture to try the filters with",
    response_class=Response,
    responses=PNG_REPLY | NOT_MODIFIED,
)
async def get_sample(request: Request, service: ServiceDependency) -> Response:
    return respond_with_etag(request, await service.workers.run(encode_sample), "image/png")


def encode_sample() -> bytes:
    from PIL import Image

    return save_png(Image.fromarray(draw_sample(768, 576)))
