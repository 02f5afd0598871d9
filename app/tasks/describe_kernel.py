"""A kernel of the catalogue as JSON, and the task `kernel-preview`."""

from collections.abc import Sequence
from types import NoneType
from typing import Any

import msgspec
from pydantic import BaseModel

from app.images.encode import convert_to_image
from app.images.formats import FORMATS
from app.images.png import save_png
from app.pool.ipc import Report
from app.pool.task import Answer, Task
from app.tasks.context import TaskContext
from app.tasks.gallery import make_visible
from app.tasks.samples import draw_sample
from kernels.apply.filter import apply_steps
from kernels.catalogue import Parameter
from kernels.chain import Step
from kernels.kernel import Kernel
from kernels.product import Product, list_weights


class KernelFactors(BaseModel):
    """A column and a row of weights."""

    column: list[float]
    row: list[float]


class KernelDescription(BaseModel):
    """A kernel of the catalogue."""

    name: str
    title: str
    weights: list[list[float]] | list[list[list[float]]]
    """Rows of the kernel as written. Several kernels if `combine` is not `single`. Empty if it has `factors`."""
    factors: KernelFactors | None
    """Of a kernel with a side above 63: the weight in a row and a column is the product of two numbers."""
    combine: str
    is_convolution: bool
    """Whether the result is a weighted sum: not for `magnitude`, `maximum` and `median`."""
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
    """Path of a small sample image under this kernel."""


def describe_kernel(kernel: Kernel, parameters: Sequence[Parameter]) -> KernelDescription:
    parts = [part.tolist() for part in kernel.tables]
    products = [part for part in kernel.parts if isinstance(part, Product)]
    rows, columns = kernel.shape
    return KernelDescription(
        name=kernel.name,
        title=kernel.title,
        weights=parts[0] if len(parts) == 1 and kernel.is_convolution else parts,
        factors=KernelFactors(**list_weights(products[0])) if products else None,
        combine=kernel.combine,
        is_convolution=kernel.is_convolution,
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


class PreviewParams(msgspec.Struct, frozen=True):
    """Of the task `kernel-preview`."""

    operations: str
    """One operation as JSON (`app/tasks/operations.py`)."""


def run_preview(context: TaskContext, params: PreviewParams, blobs: Sequence[bytes], report: Report) -> Answer[None]:
    (step,) = context.parse_steps(params.operations)
    return Answer(None, [draw_preview(step)])


KERNEL_PREVIEW = Task("kernel-preview", PreviewParams, NoneType, run_preview)


def draw_preview(step: Step) -> bytes:
    """The sample image `house` under one kernel, as a PNG."""
    image = apply_steps(draw_sample(96, 72), [make_visible(step)]).image
    return save_png(convert_to_image(image, FORMATS["png"]))
