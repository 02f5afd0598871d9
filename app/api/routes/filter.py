"""`POST /filter/{kernel}` and `POST /filter`."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError

from app.api.content_negotiation import choose_output_format
from app.api.dependencies import Service, ServiceDependency
from app.api.operations import parse_operations
from app.api.parameters import ChainQuery, FilterQuery
from app.api.problem_docs import document_problems
from app.api.responses import PRIVATE, describe_upload, quote_file_name
from app.api.uploads import Upload, add_fields, read_upload
from app.context import find_record
from app.images.formats import FORMATS
from app.tasks.filter import EXPLAIN_FILTER, FILTER, FilterParams, FilterResult, name_result
from app.tasks.operations import encode_operations, parse_steps
from kernels.chain import Step

router = APIRouter(tags=["filter"])

NUMBER_HEADER = {"schema": {"type": "string"}}
IMAGE_REPLY: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The filtered image; with `explain=json` the arithmetic.",
        "content": {
            media_type: {"schema": {"type": "string", "format": "binary"}}
            for media_type in (
                "image/*",
                *(format.media_type for format in FORMATS.values()),
            )  # /docs asks for the first
        }
        | {
            "application/json": {"schema": {"type": "object"}},
        },
        "headers": {
            name: NUMBER_HEADER | {"description": description}
            for name, description in {
                "X-Origin-Width": "Width of the image that came in, turned upright.",
                "X-Origin-Height": "Its height.",
                "X-Result-Width": "Width of the result.",
                "X-Result-Height": "Its height.",
                "X-Kernel-Sum": "Sum of the weights as written; one for each step.",
                "X-Kernel-Divisor": "What the sums were divided by; one for each step.",
                "X-Clipped-Percent": "Share of the values that the last step cut off.",
                "X-Convserve-Path": "The way that each step took, as in `decode=libjpeg-turbo`; all give the same.",
                "Server-Timing": "Milliseconds for decode, convolve and encode.",
            }.items()
        },
    }
}
PROBLEMS = document_problems(400, 404, 406, 413, 415, 422, 500, 503)
KERNEL_EXAMPLES = {
    "named": {"summary": "A named kernel", "value": "emboss"},
    "custom": {"summary": "Your own weights, with weights=0,-1,0;-1,5,-1;0,-1,0", "value": "custom"},
    "chain": {"summary": "Several in a row", "value": "gaussian,edge"},
}


@router.post(
    "/filter/{kernel}",
    operation_id="filter_image",
    summary="Filter an image with a kernel, or with several in a row",
    response_class=Response,
    responses=IMAGE_REPLY | PROBLEMS,
    openapi_extra=describe_upload(),
)
async def filter_with_kernel(
    request: Request,
    service: ServiceDependency,
    kernel: Annotated[
        str,
        Path(
            max_length=500,
            description="A name from `/kernels`, `custom` (with `weights`), or several with commas, applied in order.",
            openapi_examples=KERNEL_EXAMPLES,
        ),
    ],
    query: Annotated[FilterQuery, Query()],
) -> Response:
    upload = await read_upload(request)
    query = add_fields(query, upload.fields)
    steps = parse_steps(kernel, query.shared, service.catalogue)
    return await respond(service, upload, steps, query, request.headers.get("accept"))


MISSING_OPERATIONS = (
    'Field required: the steps as JSON, such as [{"kernel": "gaussian", "sigma": 2}, {"kernel": "edge"}]. '
    "For one kernel, POST /filter/gaussian"
)
OPERATIONS = {
    "operations": {
        "type": "string",
        "description": "The steps as JSON: each a `kernel` with its parameters.",
        "example": '[{"kernel": "gaussian", "sigma": 2}, {"kernel": "edge"}]',
    }
}


@router.post(
    "/filter",
    operation_id="filter_image_in_steps",
    summary="Filter an image in several steps, each with its own parameters",
    response_class=Response,
    responses=IMAGE_REPLY | PROBLEMS,
    openapi_extra=describe_upload(more=OPERATIONS),
)
async def filter_in_steps(
    request: Request, service: ServiceDependency, query: Annotated[ChainQuery, Query()]
) -> Response:
    upload = await read_upload(request)
    operations = upload.fields.pop("operations", query.operations)
    query = add_fields(query, upload.fields)
    if operations is None:
        raise RequestValidationError(
            [{"loc": ("body", "operations"), "msg": MISSING_OPERATIONS, "type": "missing", "input": None}]
        )
    steps = parse_operations(operations, query, service.catalogue)
    return await respond(service, upload, steps, query, request.headers.get("accept"))


async def respond(
    service: Service, upload: Upload, steps: Sequence[Step], query: FilterQuery, accept: str | None
) -> Response:
    """Have a worker filter the image, and put the result into a response."""
    find_record().kernels = tuple(step.kernel.name for step in steps)
    operations = encode_operations(steps)
    if query.explain:
        params = FilterParams(operations, query.linear, query.frames, query.quality)
        explanation = await service.pool.run(EXPLAIN_FILTER, params, [upload.data])
        return Response(explanation.blobs[0], media_type="application/json", headers=PRIVATE)
    output = choose_output_format(query.format, accept, steps[-1].response == "raw")
    params = FilterParams(operations, query.linear, query.frames, query.quality, output)
    result, (file,) = await service.pool.run(FILTER, params, [upload.data])
    format = FORMATS[result.format]
    headers = (
        PRIVATE
        | describe_result(result, steps)
        | {"Content-Disposition": quote_file_name(name_result(upload.name, steps, format))}
    )
    return Response(file, media_type=format.media_type, headers=headers)


def describe_result(result: FilterResult, steps: Sequence[Step]) -> dict[str, str]:
    """The headers that tell what happened."""
    return {
        "X-Origin-Width": str(result.origin[0]),
        "X-Origin-Height": str(result.origin[1]),
        "X-Result-Width": str(result.size[0]),
        "X-Result-Height": str(result.size[1]),
        "X-Kernel-Sum": ", ".join(f"{step.kernel.sum:.6g}" for step in steps),
        "X-Kernel-Divisor": ", ".join(f"{step.divisor:.6g}" for step in steps),
        "X-Clipped-Percent": f"{result.clipped_percent:.2f}",
        "X-Convserve-Path": ", ".join(f"{step}={backend}" for step, backend in find_record().backends.items()),
        "Server-Timing": ", ".join(
            f"{step.name};dur={1000 * step.seconds:.1f}" for step in find_record().steps if step.name != "queue"
        ),
    }
