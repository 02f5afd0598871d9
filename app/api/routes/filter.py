"""`POST /filter/{kernel}` and `POST /filter`."""

import json
import re
from functools import partial
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError

from app.api.content_negotiation import choose_format
from app.api.dependencies import Service, ServiceDependency
from app.api.operations import add_fields, parse_operations, parse_steps
from app.api.parameters import ChainQuery, FilterQuery
from app.api.problem_docs import document_problems
from app.api.uploads import Upload, read_upload
from app.context import find_record
from app.images.formats import FORMATS, READABLE
from app.tasks.filter import FilteredFile, FilterRequest, explain_filter, filter_image, name_result
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
PNG_REPLY: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A PNG.",
        "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def describe_upload(*, more: dict[str, Any] | None = None, several: bool = False) -> dict[str, Any]:
    """The request body in OpenAPI: a form, the raw image, or JSON with base64."""
    binary = {"type": "string", "format": "binary"}
    form = {
        "type": "object",
        "required": ["file"],
        "properties": {"file": {"type": "array", "items": binary} if several else binary, **(more or {})},
    }
    text = {"type": "string", "description": "The image in base64, or a data URI."}
    document = {"type": "object", "required": ["file"], "properties": {"file": text, **(more or {})}}
    return {
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {"schema": form},
                **{format.media_type: {"schema": binary} for format in READABLE},
                "application/json": {"schema": document},
            },
        }
    }


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
    steps = parse_steps(kernel, query, service.catalogue)
    return await answer(service, upload, steps, query, request.headers.get("accept"))


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
    return await answer(service, upload, steps, query, request.headers.get("accept"))


async def answer(
    service: Service, upload: Upload, steps: list[Step], query: FilterQuery, accept: str | None
) -> Response:
    """Have the work done and put the result into a response."""
    find_record().kernels = tuple(step.kernel.name for step in steps)
    filter_request = FilterRequest(steps, query.linear, query.frames, query.quality)
    if query.explain:
        explanation = await service.workers.run(explain_filter, upload.data, filter_request, service.settings)
        return Response(json.dumps(explanation), media_type="application/json", headers=PRIVATE)
    file = await service.workers.run(
        filter_image, upload.data, filter_request, service.settings, partial(choose_format, query.format, accept)
    )
    headers = (
        PRIVATE
        | describe_result(file, steps)
        | {"Content-Disposition": quote_file_name(name_result(upload.name, steps, file.format))}
    )
    return Response(file.data, media_type=file.format.media_type, headers=headers)


PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Vary": "Accept"}
"""Nobody's image is kept, and a browser takes the reply for nothing but what it says it is."""


def describe_result(file: FilteredFile, steps: list[Step]) -> dict[str, str]:
    """The headers that tell what happened."""
    return {
        "X-Origin-Width": str(file.origin[0]),
        "X-Origin-Height": str(file.origin[1]),
        "X-Result-Width": str(file.result[0]),
        "X-Result-Height": str(file.result[1]),
        "X-Kernel-Sum": ", ".join(f"{step.kernel.sum:.6g}" for step in steps),
        "X-Kernel-Divisor": ", ".join(f"{step.divisor:.6g}" for step in steps),
        "X-Clipped-Percent": f"{file.clipped_percent:.2f}",
        "X-Convserve-Path": ", ".join(f"{step}={way}" for step, way in find_record().ways.items()),
        "Server-Timing": ", ".join(
            f"{step.name};dur={1000 * step.seconds:.1f}" for step in find_record().steps if step.name != "queue"
        ),
    }


def quote_file_name(name: str) -> str:
    """`inline` with the name in ASCII and, where that loses something, in UTF-8 (RFC 6266)."""
    name = re.split(r"[/\\]", name)[-1].encode("utf-8", "replace").decode("utf-8")  # JSON can hold lone surrogates
    ascii_name = re.sub(r"[^A-Za-z0-9._ ()+-]", "_", name)
    disposition = f'inline; filename="{ascii_name}"'
    return disposition if ascii_name == name else f"{disposition}; filename*=UTF-8''{quote(name, safe='')}"
