"""`POST /gallery`: a contact sheet of an image under many kernels."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from app.api.dependencies import ServiceDependency
from app.api.parameters import GalleryQuery
from app.api.problem_docs import document_problems
from app.api.responses import PNG_RESPONSE, describe_upload, respond_with_file, respond_with_json
from app.api.uploads import read_upload_and_query
from app.images.png import encode_data_uri
from app.tasks.gallery import CONTACT_SHEET, TILES, GalleryParams, choose_steps
from app.tasks.operations import encode_operations

router = APIRouter(tags=["filter"])


class GalleryTile(BaseModel):
    """One image of the gallery."""

    kernel: str = Field(description="Name of the kernel; `input` for the unfiltered image.")
    image: str = Field(description="A PNG as a data URI.")


class Gallery(BaseModel):
    images: list[GalleryTile]


GALLERY_SCHEMA = {
    "type": "object",
    "required": ["images"],
    "properties": {"images": {"type": "array", "items": GalleryTile.model_json_schema()}},
}
GALLERY_RESPONSE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A PNG. With `format=json`, one image per kernel.",
        "content": PNG_RESPONSE[200]["content"] | {"application/json": {"schema": GALLERY_SCHEMA}},
    }
}


@router.post(
    "/gallery",
    operation_id="make_gallery",
    summary="A contact sheet of an image under many kernels",
    response_class=Response,
    responses=GALLERY_RESPONSE | document_problems(400, 404, 413, 415, 422, 500, 503),
    openapi_extra=describe_upload(),
)
async def make_gallery(
    request: Request, service: ServiceDependency, query: Annotated[GalleryQuery, Query()]
) -> Response:
    upload, query = await read_upload_and_query(request, query)
    steps = choose_steps(query.kernels, service.catalogue, service.settings.max_gallery_kernels, query.response)
    params = GalleryParams(encode_operations(steps), query.side)
    if query.format == "json":
        names, tiles = await service.pool.run(TILES, params, [upload.data])
        return respond_with_json(describe_tiles(names, tiles).model_dump_json().encode())
    _, (sheet,) = await service.pool.run(CONTACT_SHEET, params, [upload.data])
    return respond_with_file(sheet, "image/png", "gallery.png")


def describe_tiles(names: Sequence[str], tiles: Sequence[bytes]) -> Gallery:
    return Gallery(
        images=[GalleryTile(kernel=name, image=encode_data_uri(png)) for name, png in zip(names, tiles, strict=False)]
    )
