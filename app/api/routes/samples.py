"""`GET /samples/{name}.png`: images to try the service with."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from app.api.caching import NOT_MODIFIED, respond_with_etag
from app.api.dependencies import Service, ServiceDependency
from app.api.problem_docs import document_problems
from app.api.responses import PNG_RESPONSE
from app.tasks.samples import SAMPLE, SampleName, SampleParams

router = APIRouter(tags=["service"])


@router.get(
    "/sample.png",
    operation_id="get_sample",
    summary="A sample image, the same as /samples/house.png",
    response_class=Response,
    responses=PNG_RESPONSE | NOT_MODIFIED,
)
async def get_sample(request: Request, service: ServiceDependency) -> Response:
    return respond_with_etag(request, await draw_sample(service, "house"), "image/png")


@router.get(
    "/samples/{name}.png",
    operation_id="get_named_sample",
    summary="A sample image",
    response_class=Response,
    responses=PNG_RESPONSE | NOT_MODIFIED | document_problems(422),
)
async def get_named_sample(
    request: Request,
    service: ServiceDependency,
    name: Annotated[
        SampleName,
        Path(description="`house`: flat areas and edges. `chart`: stripes and rings. `digits`: handwriting."),
    ],
) -> Response:
    return respond_with_etag(request, await draw_sample(service, name), "image/png")


async def draw_sample(service: Service, name: SampleName) -> bytes:
    """A PNG."""
    return (await service.pool.run(SAMPLE, SampleParams(name))).blobs[0]
