"""`POST /gallery`: an image under many kernels at a glance."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from app.api.dependencies import ServiceDependency
from app.api.parameters import GalleryQuery
from app.api.problem_docs import document_problems
from app.api.responses import PNG_RESPONSE, PRIVATE, describe_upload, quote_file_name
from app.api.uploads import add_fields, read_upload
from app.images.png import encode_data_uri
from app.tasks.gallery import CONTACT_SHEET, TILES, GalleryParams, choose_steps
from app.tasks.operations import encode_operations

router = APIRouter(tags=["filter"])


class Tile(BaseModel):
    """One image of the gallery."""

    kernel: str = Field(description="`input` is the image as it came, reduced.")
    image: str = Field(description="A PNG as a data URI.")


class Gallery(BaseModel):
    images: list[Tile]


TILE_SCHEMA = Tile.model_json_schema()
GALLERY_SCHEMA = {
    "type": "object",
    "required": ["images"],
    "properties": {"images": {"type": "array", "items": TILE_SCHEMA}},
}
GALLERY_REPLY: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A PNG; with `format=json` every image on its own.",
        "content": PNG_RESPONSE[200]["content"] | {"application/json": {"schema": GALLERY_SCHEMA}},
    }
}


@router.post(
    "/gallery",
    operation_id="make_gallery",
    summary="A contact sheet of the image under every kernel",
    response_class=Response,
    responses=GALLERY_REPLY | document_problems(400, 404, 413, 415, 422, 500, 503),
    openapi_extra=describe_upload(),
)
async def make_gallery(
    request: Request,
    service: ServiceDependency,
    query: Annotated[GalleryQuery, Query()],
) -> Response:
    upload = await read_upload(request)
    query = add_fields(query, upload.fields)
    steps = choose_steps(query.kernels, service.catalogue, service.settings.max_gallery_kernels)
    params = GalleryParams(encode_operations(steps), query.side)
    if query.format == "json":
        names, tiles = await service.pool.run(TILES, params, [upload.data])
        gallery = describe_tiles(names, tiles)
        return Response(gallery.model_dump_json(), media_type="application/json", headers=PRIVATE)
    _, (sheet,) = await service.pool.run(CONTACT_SHEET, params, [upload.data])
    headers = PRIVATE | {"Content-Disposition": quote_file_name("gallery.png")}
    return Response(sheet, media_type="image/png", headers=headers)


def describe_tiles(names: Sequence[str], tiles: Sequence[bytes]) -> Gallery:
    return Gallery(
        images=[Tile(kernel=name, image=encode_data_uri(png)) for name, png in zip(names, tiles, strict=False)]
    )
