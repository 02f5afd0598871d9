"""`POST /gallery`: a picture under many kernels at a glance."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.gallery import choose_steps, make_contact_sheet
from app.problems import document_problems
from app.routes.filter import PNG_REPLY, PRIVATE, describe_upload, quote_file_name
from app.state import ServiceDependency
from app.uploads import read_upload

router = APIRouter(tags=["filter"])


@router.post(
    "/gallery",
    operation_id="make_gallery",
    summary="A contact sheet of the picture under every kernel",
    response_class=Response,
    responses=PNG_REPLY | document_problems(400, 404, 413, 415, 422, 500),
    openapi_extra=describe_upload(),
)
async def make_gallery(
    request: Request,
    service: ServiceDependency,
    kernels: Annotated[
        str | None, Query(max_length=5000, description="Names with commas. Default: every kernel but the learned ones.")
    ] = None,
    side: Annotated[int, Query(ge=16, le=512, description="Longest side of each picture in pixels.")] = 160,
) -> Response:
    upload = await read_upload(request)
    steps = choose_steps(kernels, service.catalogue, service.settings.max_gallery_kernels)
    sheet = await service.workers.run(make_contact_sheet, upload.data, steps, side, service.settings)
    headers = PRIVATE | {"Content-Disposition": quote_file_name("gallery.png")}
    return Response(sheet, media_type="image/png", headers=headers)
