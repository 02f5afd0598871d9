"""`POST /filter/{kernel}` and `POST /filter`."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool

from app.api.content_negotiation import choose_output_format
from app.api.dependencies import Service, ServiceDependency
from app.api.operations import Chain, FilterText, make_chain, parse_operations
from app.api.parameters import ChainQuery, FilterQuery
from app.api.problem_docs import document_problems
from app.api.repeated_requests import RepeatableRoute
from app.api.responses import BINARY, BYTES, describe_upload, respond_with_file, respond_with_json
from app.api.uploads import Upload, add_fields, read_upload
from app.context import find_record
from app.images.formats import FORMATS
from app.tasks.areas import AreaRequest, check_reads
from app.tasks.explain_filter import EXPLAIN_FILTER
from app.tasks.filter import FILTER, FilterParams, FilterRequest, FilterResult, name_result
from kernels.chain import AnyStep, Step, gives_image

router = APIRouter(tags=["filter"], route_class=RepeatableRoute)

JSON = "application/json"
RESULT_MEDIA_TYPES = [format.media_type for format in FORMATS.values() if format.media_type != JSON]
"""JSON comes after `BYTES` in the document: see there."""
IMAGE_RESPONSE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The filtered image. With `explain=json`, the arithmetic.",
        # /docs sends the first as Accept: the result has the format of the input.
        "content": dict.fromkeys(("image/*", *RESULT_MEDIA_TYPES), BINARY)
        | BYTES
        | {"application/json": {"schema": {"type": "object"}}},
        "headers": {
            name: {"schema": {"type": "string"}, "description": description}
            for name, description in {
                "X-Origin-Width": "Width of the upright input, in pixels.",
                "X-Origin-Height": "Height of the upright input, in pixels.",
                "X-Result-Width": "Width of the result, in pixels.",
                "X-Result-Height": "Height of the result, in pixels.",
                "X-Kernel-Sum": "Sum of the weights as written, for each step; `-` for a layer.",
                "X-Kernel-Divisor": "Divisor of the weighted sum, for each step; `-` for a layer.",
                "X-Clipped-Percent": "Percentage of the values that the last step clipped.",
                "X-Colour": "What happened to a colour space other than sRGB: `kept`, `converted` to sRGB, or "
                "`dropped`.",
                "X-Convserve-Path": "The library or code path of each stage, such as `decode=libjpeg-turbo`. The "
                "result does not depend on it.",
                "Server-Timing": "Milliseconds for decode, convolve and encode.",
            }.items()
        },
    }
}
PROBLEMS = document_problems(400, 404, 406, 413, 415, 422, 500, 503)
KERNEL_EXAMPLES = {
    "named": {"summary": "A kernel of the catalogue", "value": "emboss"},
    "custom": {"summary": "Custom weights, with weights=0,-1,0;-1,5,-1;0,-1,0", "value": "custom"},
    "chain": {"summary": "Several kernels in order", "value": "gaussian,edge"},
}


@router.post(
    "/filter/{kernel}",
    operation_id="filter_image",
    summary="Filter an image with one kernel, or with several in order",
    response_class=Response,
    responses=IMAGE_RESPONSE | PROBLEMS,
    openapi_extra=describe_upload(takes_mask=True),
)
async def filter_with_kernel(
    request: Request,
    service: ServiceDependency,
    kernel: Annotated[
        str,
        Path(
            max_length=500,
            description="A name from `/kernels`, `custom` (with `weights`), or comma-separated names in order.",
            openapi_examples=KERNEL_EXAMPLES,
        ),
    ],
    query: Annotated[FilterQuery, Query()],
) -> Response:
    upload = await read_upload(request, takes_mask=True)
    text = FilterText(kernel, request.scope["query_string"], tuple(upload.fields.items()), query)
    if text.is_cacheable:
        query, chain = service.parse_filter_text(text)
    else:  # many weights take milliseconds
        query, chain = await run_in_threadpool(service.parse_filter_text, text)
    return await filter_upload(service, upload, chain, query, request.headers.get("accept"))


MISSING_OPERATIONS = (
    'Field required: the steps as JSON, such as [{"kernel": "gaussian", "sigma": 2}, {"kernel": "edge"}]. '
    "For a single kernel, use POST /filter/gaussian"
)
OPERATIONS = {
    "operations": {
        "type": "string",
        "description": "1 to 10 steps as JSON: objects with a `kernel`, or a layer, and its parameters.",
        "example": '[{"kernel": "gaussian", "sigma": 2}, {"kernel": "edge"}]',
    }
}


@router.post(
    "/filter",
    operation_id="filter_image_in_steps",
    summary="Filter an image in several steps, each with its own parameters",
    response_class=Response,
    responses=IMAGE_RESPONSE | PROBLEMS,
    openapi_extra=describe_upload(more=OPERATIONS, takes_mask=True),
)
async def filter_in_steps(
    request: Request, service: ServiceDependency, query: Annotated[ChainQuery, Query()]
) -> Response:
    upload = await read_upload(request, takes_mask=True)
    operations = upload.fields.pop("operations", query.operations)
    query = add_fields(query, upload.fields)
    if operations is None:
        raise RequestValidationError(
            [{"loc": ("body", "operations"), "msg": MISSING_OPERATIONS, "type": "missing", "input": None}]
        )
    # A layer may have 100,000 weights.
    steps = await run_in_threadpool(parse_operations, operations, query, service.catalogue)
    chain = await run_in_threadpool(make_chain, steps)
    return await filter_upload(service, upload, chain, query, request.headers.get("accept"))


async def filter_upload(
    service: Service, upload: Upload, chain: Chain, query: FilterQuery, accept: str | None
) -> Response:
    """Filter an image in a worker, and respond with the result or, with `explain`, with the arithmetic."""
    steps, operations = chain
    find_record().kernels = tuple(step.name for step in steps)
    check_reads(AreaRequest(query.region, upload.mask, query.reads))
    request = FilterRequest(steps, maps=query.maps)
    gives_numbers = not request.wants_sheet and not gives_image(request.all_steps)
    output = choose_output_format(query.format, None if query.explain else accept, gives_numbers)
    params = FilterParams(
        operations, query.linear, query.frames, query.quality, output, query.maps, query.region, query.reads
    )
    images = [upload.data] if upload.mask is None else [upload.data, upload.mask]
    if query.explain:
        _, (document,) = await service.pool.run(EXPLAIN_FILTER, params, images)
        return respond_with_json(document)
    result, (file,) = await service.pool.run(FILTER, params, images)
    format = FORMATS[result.format]
    name = name_result(upload.name, steps, format)
    return respond_with_file(file, format.media_type, name, list_result_headers(result, steps))


def list_result_headers(result: FilterResult, steps: Sequence[AnyStep]) -> dict[str, str]:
    record = find_record()
    colour = {"X-Colour": result.colour} if result.colour else {}
    return colour | {
        "X-Origin-Width": str(result.origin[0]),
        "X-Origin-Height": str(result.origin[1]),
        "X-Result-Width": str(result.size[0]),
        "X-Result-Height": str(result.size[1]),
        "X-Kernel-Sum": list_numbers(step.kernel.sum if isinstance(step, Step) else None for step in steps),
        "X-Kernel-Divisor": list_numbers(step.divisor if isinstance(step, Step) else None for step in steps),
        "X-Clipped-Percent": f"{result.clipped_percent:.2f}",
        "X-Convserve-Path": ", ".join(f"{stage}={backend}" for stage, backend in record.backends.items()),
        "Server-Timing": ", ".join(
            f"{step.name};dur={1000 * step.seconds:.1f}" for step in record.steps if step.name != "queue"
        ),
    }


def list_numbers(values: Iterable[float | None]) -> str:
    return ", ".join("-" if value is None else f"{value:.6g}" for value in values)
