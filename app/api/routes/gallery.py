"""`POST /gallery`: an image under many kernels at a glance."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from app.api.dependencies import ServiceDependency
from app.api.operations import add_fields
from app.api.parameters import GalleryQuery
from app.api.problem_docs import document_problems
from app.api.routes.filter import PNG_REPLY, PRIVATE, describe_upload, quote_file_name
from app.api.uploads import read_upload
from app.tasks.gallery import choose_steps, encode_data_uri, make_contact_sheet, make_tiles

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
        "content": PNG_REPLY[200]["content"] | {"application/json": {"schema": GALLERY_SCHEMA}},
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
    if query.format == "json":
        tiles = await service.workers.run(make_tiles, upload.data, steps, query.side, service.settings)
        return Response(describe_tiles(tiles).model_dump_json(), media_type="application/json", headers=PRIVATE)
    sheet = await service.workers.run(make_contact_sheet, upload.data, steps, query.side, service.settings)
    headers = PRIVATE | {"Content-Disposition": quote_file_name("gallery.png")}
    return Response(sheet, media_type="image/png", headers=headers)


def describe_tiles(tiles: list[tuple[str, bytes]]) -> Gallery:
    return Gallery(images=[Tile(kernel=name, image=encode_data_uri(png)) for name, png in tiles])
