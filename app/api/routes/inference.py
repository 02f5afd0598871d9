"""`/v2`: the digit model by the Open Inference Protocol (`app/api/inference_protocol.py`)."""

from importlib.metadata import version
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Request, Response
from pydantic import WithJsonSchema
from starlette.concurrency import run_in_threadpool

from app.api.dependencies import Service, ServiceDependency
from app.api.inference_protocol import JSON_LENGTH_HEADER, FieldInput, ImageInput, decode_request, encode_response
from app.api.inference_tensors import INPUTS, OUTPUTS
from app.api.problem_docs import document_problems
from app.api.responses import PRIVATE
from app.api.routes.health import get_readiness
from app.api.uploads import read_content_type
from app.errors import TaskError, UnknownModelError
from app.pool.interface import make_task_error
from app.tasks.classify import CLASSIFY
from app.tasks.classify_fields import CLASSIFY_FIELDS, DigitAnswer, FieldsParams
from app.tasks.options import ClassifyParams

MODEL = "digits"

EXAMPLE_IMAGE = (
    "iVBORw0KGgoAAAANSUhEUgAAABwAAAAcCAAAAABXZoBIAAAAGklEQVR42mNgGNTg/38ULhM+taOSw0ty0AEATUoCISErSu4AAAAASUVORK5CYII="
)
"""A PNG of a 1 in base64."""

router = APIRouter(prefix="/v2", tags=["Open Inference Protocol"])

ModelName = Annotated[str, WithJsonSchema({"type": "string", "enum": [MODEL]}), Path(description=f"`{MODEL}`.")]


def check_model(service: Service, model: str, model_version: str | None) -> str:
    """The version of the model. Raises UnknownModelError."""
    loaded = str(service.model_card["version"])
    if model != MODEL:
        raise UnknownModelError(f"There is no model named {model[:100]!r}; this service has {MODEL!r}.")
    if model_version not in (None, loaded):
        raise UnknownModelError(f"{MODEL!r} has no version {model_version[:100]!r}; this service has {loaded!r}.")
    return loaded


@router.get(
    "",
    operation_id="get_inference_server",
    summary="Name, version and extensions of the server",
    responses=document_problems(422),
)
async def get_inference_server() -> dict[str, Any]:
    return {"name": "convserve", "version": version("convserve"), "extensions": ["binary_tensor_data"]}


@router.get(
    "/health/live",
    operation_id="get_inference_liveness",
    summary="Liveness, as /livez",
    responses=document_problems(422),
)
async def get_inference_liveness() -> dict[str, bool]:
    return {"live": True}


@router.get(
    "/health/ready",
    operation_id="get_inference_readiness",
    summary="Readiness, as /readyz",
    responses=document_problems(422, 503),
)
async def get_inference_readiness(service: ServiceDependency) -> dict[str, bool]:
    await get_readiness(service)
    return {"ready": True}


@router.get(
    "/models/{model}/ready",
    operation_id="get_model_readiness",
    summary="Readiness of the model, as /readyz",
    responses=document_problems(404, 422, 503),
)
async def get_model_readiness(service: ServiceDependency, model: ModelName) -> dict[str, Any]:
    return await get_version_readiness(service, model)


@router.get("/models/{model}/versions/{model_version}/ready", include_in_schema=False)
async def get_version_readiness(
    service: ServiceDependency, model: ModelName, model_version: str | None = None
) -> dict[str, Any]:
    check_model(service, model, model_version)
    await get_readiness(service)
    return {"name": MODEL, "ready": True}


@router.get(
    "/models/{model}",
    operation_id="get_inference_model",
    summary="Inputs and outputs of the model",
    responses=document_problems(404, 422),
)
async def get_inference_model(service: ServiceDependency, model: ModelName) -> dict[str, Any]:
    return await get_inference_version(service, model)


@router.get("/models/{model}/versions/{model_version}", include_in_schema=False)
async def get_inference_version(
    service: ServiceDependency, model: ModelName, model_version: str | None = None
) -> dict[str, Any]:
    loaded = check_model(service, model, model_version)
    return {
        "name": MODEL,
        "versions": [loaded],
        "platform": "tensorflow_convserve",
        "inputs": [msgspec.to_builtins(one) for one in INPUTS],
        "outputs": [msgspec.to_builtins(one) for one in OUTPUTS],
    }


@router.post(
    "/models/{model}/infer",
    operation_id="infer_digits",
    summary="Read digits: encoded images or prepared 28×28 fields",
    description=(
        "The body is an inference request of the Open Inference Protocol, version 2. Send one of the inputs `image` "
        "(BYTES [n], encoded image files; base64 in JSON) and `field` (FP32 [n, 28, 28], 0..1, ink 1 on 0). With the "
        f"binary tensor extension, the tensors follow the JSON, whose length is in the header {JSON_LENGTH_HEADER}. "
        "Images are read as by POST /classify. If one cannot be read, the response is its problem."
    ),
    responses=document_problems(400, 404, 413, 415, 422, 500, 503),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["inputs"],
                        "properties": {
                            "id": {"type": "string"},
                            "parameters": {"type": "object"},
                            "inputs": {"type": "array", "items": {"type": "object"}},
                            "outputs": {"type": "array", "items": {"type": "object"}},
                        },
                    },
                    "example": {
                        "inputs": [{"name": "image", "datatype": "BYTES", "shape": [1], "data": [EXAMPLE_IMAGE]}],
                        "outputs": [{"name": "digit"}],
                    },
                },
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            },
        }
    },
)
async def infer(request: Request, service: ServiceDependency, model: ModelName) -> Response:
    return await infer_with_version(request, service, model)


@router.post("/models/{model}/versions/{model_version}/infer", include_in_schema=False)
async def infer_with_version(
    request: Request, service: ServiceDependency, model: ModelName, model_version: str | None = None
) -> Response:
    loaded = check_model(service, model, model_version)
    read_content_type(request)  # rejects a compressed body
    body = await request.body()
    max_images = service.settings.max_digit_files
    json_length = request.headers.get(JSON_LENGTH_HEADER)
    sent, given = await run_in_threadpool(decode_request, body, json_length, max_images)
    answers = await (
        classify_files(service, given) if isinstance(given, ImageInput) else classify_fields(service, given)
    )
    content, json_bytes = encode_response(sent, answers, MODEL, loaded)
    if json_bytes is None:
        return Response(content, media_type="application/json", headers=PRIVATE)
    return Response(
        content, media_type="application/octet-stream", headers=PRIVATE | {JSON_LENGTH_HEADER: str(json_bytes)}
    )


async def classify_files(service: Service, images: ImageInput) -> list[DigitAnswer]:
    """Raises TaskError for the first image that cannot be read."""
    failures, documents = await service.pool.run_batched(CLASSIFY, ClassifyParams(), images.files)
    for number, failure in enumerate(failures):
        if failure:
            error = make_task_error(failure)
            raise TaskError(error.slug, f"image[{number}]: {error.message}", error.fields)
    return [msgspec.json.decode(document, type=DigitAnswer) for document in documents]


async def classify_fields(service: Service, fields: FieldInput) -> list[DigitAnswer]:
    answers, _ = await service.pool.run(CLASSIFY_FIELDS, FieldsParams(fields.count), [fields.values])
    return answers
