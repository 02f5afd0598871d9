"""`GET /kernels`: the catalogue of kernels."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel

from app.api.caching import NOT_MODIFIED, respond_with_etag
from app.api.dependencies import ServiceDependency
from app.api.problem_docs import document_problems
from app.api.responses import PNG_RESPONSE
from app.tasks.describe_kernel import (
    KERNEL_PREVIEW,
    KernelDescription,
    LayerDescription,
    PreviewParams,
    describe_kernel,
    describe_layer,
)
from app.tasks.operations import encode_operations
from kernels.chain import resolve_operation, resolve_step
from kernels.custom import CUSTOM
from kernels.settings import FilterSettings

router = APIRouter(tags=["kernels"])


class KernelList(BaseModel):
    kernels: list[KernelDescription]
    layers: list[LayerDescription]


KernelName = Annotated[str, Path(max_length=100, description="A name from `/kernels`, or `custom` with `weights`.")]


@router.get(
    "/kernels",
    operation_id="list_kernels",
    summary="All kernels and layers",
    response_model=KernelList,
    responses=NOT_MODIFIED | document_problems(500),
)
async def list_kernels(request: Request, service: ServiceDependency) -> Response:
    entries = service.catalogue.values()
    kernels = [describe_kernel(entry.make_kernel(), entry.parameters) for entry in entries]
    layers = [describe_layer(entry, FilterSettings()) for entry in service.catalogue.layers.values()]
    return respond_with_etag(
        request, KernelList(kernels=kernels, layers=layers).model_dump_json().encode(), "application/json"
    )


@router.get(
    "/kernels/{name}",
    operation_id="get_kernel",
    summary="One kernel or layer, with the weights for the given parameters",
    response_model=KernelDescription | LayerDescription,
    responses=NOT_MODIFIED | document_problems(404, 422, 500),
)
async def get_kernel(
    request: Request, service: ServiceDependency, name: KernelName, query: Annotated[FilterSettings, Query()]
) -> Response:
    layer = service.catalogue.find_layer(name)
    if layer is not None:
        description = describe_layer(layer, query, with_step=True)
        return respond_with_etag(request, description.model_dump_json().encode(), "application/json")
    kernel = resolve_step(name, query, service.catalogue).kernel
    parameters = () if kernel.name == CUSTOM else service.catalogue[name].parameters
    return respond_with_etag(
        request, describe_kernel(kernel, parameters).model_dump_json().encode(), "application/json"
    )


@router.get(
    "/kernels/{name}/preview.png",
    operation_id="get_kernel_preview",
    summary="A small sample image under one kernel",
    response_class=Response,
    responses=PNG_RESPONSE | NOT_MODIFIED | document_problems(404, 422, 500),
)
async def get_kernel_preview(
    request: Request, service: ServiceDependency, name: KernelName, query: Annotated[FilterSettings, Query()]
) -> Response:
    step = resolve_operation(name, query, service.catalogue)
    _, (preview,) = await service.pool.run(KERNEL_PREVIEW, PreviewParams(encode_operations([step])))
    return respond_with_etag(request, preview, "image/png")
