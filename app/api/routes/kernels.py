"""`GET /kernels`: the catalogue describes itself."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel

from app.api.caching import NOT_MODIFIED, respond_with_etag
from app.api.dependencies import ServiceDependency
from app.api.problem_docs import document_problems
from app.api.routes.filter import PNG_REPLY
from app.images.encode import convert_to_image
from app.images.formats import FORMATS
from app.tasks.gallery import make_visible, save_png
from app.tasks.samples import draw_sample
from kernels.apply.filter import apply_steps
from kernels.catalogue import Parameter
from kernels.chain import Step, resolve_step
from kernels.custom import CUSTOM
from kernels.kernel import Kernel
from kernels.settings import FilterSettings

router = APIRouter(tags=["kernels"])


class KernelDescription(BaseModel):
    """A kernel of the catalogue."""

    name: str
    title: str
    weights: list[list[float]] | list[list[list[float]]]
    """Rows of the kernel as written, with the default parameters; several kernels where `combine` says so."""
    combine: str
    rows: int
    columns: int
    sum: float
    divisor: float
    response: str
    separable: bool
    rank: int
    parameters: dict[str, Any]
    """JSON Schema of the kernel's own parameters."""
    source: str
    preview: str
    """Path of a small image under this kernel."""


class KernelList(BaseModel):
    kernels: list[KernelDescription]


KernelName = Annotated[str, Path(max_length=100, description="A name from `/kernels`, or `custom` with `weights`.")]


@router.get(
    "/kernels",
    operation_id="list_kernels",
    summary="All kernels",
    response_model=KernelList,
    responses=NOT_MODIFIED | document_problems(500),
)
async def list_kernels(request: Request, service: ServiceDependency) -> Response:
    entries = service.catalogue.values()
    kernels = [describe_kernel(entry.make_kernel(), entry.parameters) for entry in entries]
    return respond_with_etag(request, KernelList(kernels=kernels).model_dump_json().encode(), "application/json")


@router.get(
    "/kernels/{name}",
    operation_id="get_kernel",
    summary="One kernel, with the weights that its parameters give",
    response_model=KernelDescription,
    responses=NOT_MODIFIED | document_problems(404, 422, 500),
)
async def get_kernel(
    request: Request, service: ServiceDependency, name: KernelName, query: Annotated[FilterSettings, Query()]
) -> Response:
    kernel = resolve_step(name, query, service.catalogue).kernel
    parameters = () if kernel.name == CUSTOM else service.catalogue[name].parameters
    description = describe_kernel(kernel, parameters)
    return respond_with_etag(request, description.model_dump_json().encode(), "application/json")


@router.get(
    "/kernels/{name}/preview.png",
    operation_id="get_kernel_preview",
    summary="A small image under this kernel",
    response_class=Response,
    responses=PNG_REPLY | NOT_MODIFIED | document_problems(404, 422, 500),
)
async def get_kernel_preview(
    request: Request, service: ServiceDependency, name: KernelName, query: Annotated[FilterSettings, Query()]
) -> Response:
    step = resolve_step(name, query, service.catalogue)
    preview = await service.workers.run(draw_preview, step)
    return respond_with_etag(request, preview, "image/png")


def describe_kernel(kernel: Kernel, parameters: Sequence[Parameter]) -> KernelDescription:
    parts = [part.tolist() for part in kernel.parts]
    rows, columns = kernel.shape
    return KernelDescription(
        name=kernel.name,
        title=kernel.title,
        weights=parts[0] if len(parts) == 1 else parts,
        combine=kernel.combine,
        rows=rows,
        columns=columns,
        sum=kernel.sum,
        divisor=kernel.divisor,
        response=kernel.default_response,
        separable=kernel.is_separable,
        rank=kernel.rank,
        parameters={
            "type": "object",
            "properties": {parameter.name: parameter.json_schema for parameter in parameters},
            "additionalProperties": False,
        },
        source=kernel.source,
        preview=f"/kernels/{kernel.name}/preview.png",
    )


def draw_preview(step: Step) -> bytes:
    """The project's own sample image under the kernel, as a PNG."""
    image = apply_steps(draw_sample(96, 72), [make_visible(step)]).image
    return save_png(convert_to_image(image, FORMATS["png"]))
