"""A kernel of the catalogue as JSON, and the task `kernel-preview`."""

from collections.abc import Sequence
from types import NoneType
from typing import Any

import msgspec
from PIL import Image
from pydantic import BaseModel

from app.images.encode import convert_to_image
from app.images.formats import FORMATS
from app.images.png import save_png
from app.pool.ipc import Report
from app.pool.task import Answer, Task
from app.tasks.chain_shapes import describe_weights
from app.tasks.context import TaskContext
from app.tasks.gallery import make_visible
from app.tasks.map_sheet import draw_map_sheet
from app.tasks.samples import draw_sample
from kernels.apply.filter import apply_steps
from kernels.chain import AnyStep, gives_image
from kernels.kernel import Kernel
from kernels.layers.catalogue import CONV, LayerEntry
from kernels.layers.layer import Convolution, LayerWeights, describe_kind
from kernels.layers.step import LayerStep, make_layer_step
from kernels.parameter import Parameter
from kernels.product import Product, list_weights
from kernels.settings import FilterSettings, scale_bias

WHITE = 255.0


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
        parameters=describe_parameters(parameters),
        source=kernel.source,
        preview=f"/kernels/{kernel.name}/preview.png",
    )


class LayerStepDescription(BaseModel):
    """How a layer is applied with the given parameters. Sides, strides and dilations are in pixels, as (y, x)."""

    size: tuple[int, int]
    """Of the window."""
    stride: tuple[int, int]
    dilation: tuple[int, int]
    border: str
    channels: str
    """`gray`: a colour image is converted to grey first."""
    response: str
    """Of the values if no step follows."""
    weights: list[list[list[list[float]]]] | None
    """Of a convolution: output, input, row, column."""
    linear_weights: list[list[list[list[float]]]] | None
    """The weights for linear light, if they differ."""
    bias: list[float]
    """Of a convolution: one number for all outputs or one for each, for values of 0 to 255."""
    rectified: bool
    """Whether a ReLU follows."""


class LayerDescription(BaseModel):
    """A layer of the catalogue."""

    name: str
    title: str
    kind: str
    """`conv`, `relu`, `max-pool`, `average-pool` or `min-pool`."""
    weights_shape: dict[str, int] | None
    """`height`, `width`, `inputs` and `outputs` of a convolution with weights of its own."""
    matrix: list[list[float]] | None
    """Of a colour matrix: a row for each output."""
    settings: list[str]
    """The parameters that the layer has."""
    parameters: dict[str, Any]
    """JSON Schema of the layer's own parameters."""
    source: str
    step: LayerStepDescription | None = None
    """Only of a layer that is asked for by name."""


def describe_layer(entry: LayerEntry, settings: FilterSettings, *, with_step: bool = False) -> LayerDescription:
    """Raises KernelParameterError for settings that the layer does not have."""
    needs_weights = entry.name == CONV and settings.weights is None
    step = None if needs_weights else make_layer_step(entry, settings)
    layer = None if step is None else step.layer
    is_matrix = isinstance(layer, Convolution) and layer.size == (1, 1)
    return LayerDescription(
        name=entry.name,
        title=entry.title,
        kind=CONV if layer is None else describe_kind(layer),
        weights_shape=None if layer is None else describe_weights(layer),
        matrix=layer.weights[0, 0].T.tolist() if isinstance(layer, Convolution) and is_matrix else None,
        settings=sorted(entry.accepts),
        parameters=describe_parameters(entry.parameters),
        source=entry.source,
        step=describe_step(step) if with_step and step is not None else None,
    )


def describe_step(step: LayerStep) -> LayerStepDescription:
    layer = step.layer
    convolution = layer if isinstance(layer, Convolution) else None
    return LayerStepDescription(
        size=layer.size,
        stride=step.stride,
        dilation=step.dilation,
        border=step.border,
        channels=step.channels,
        response=step.final_response,
        weights=list_filters(convolution.weights) if convolution else None,
        linear_weights=None
        if convolution is None or convolution.linear_weights is None
        else list_filters(convolution.linear_weights),
        bias=[scale_bias(bias, WHITE) for bias in convolution.bias] if convolution else [0.0],
        rectified=convolution is not None and convolution.is_rectified,
    )


def list_filters(weights: LayerWeights) -> list[Any]:
    """(height, width, inputs, outputs) as lists [output][input][row][column], the layout `oihw`."""
    filters: list[Any] = weights.transpose(3, 2, 0, 1).tolist()
    return filters


def describe_parameters(parameters: Sequence[Parameter]) -> dict[str, Any]:
    """JSON Schema of parameters."""
    return {
        "type": "object",
        "properties": {parameter.name: parameter.json_schema for parameter in parameters},
        "additionalProperties": False,
    }


class PreviewParams(msgspec.Struct, frozen=True):
    """Of the task `kernel-preview`."""

    operations: str
    """One operation as JSON (`app/tasks/operations.py`)."""


def run_preview(context: TaskContext, params: PreviewParams, blobs: Sequence[bytes], report: Report) -> Answer[None]:
    (step,) = context.parse_steps(params.operations)
    return Answer(None, [draw_preview(step)])


KERNEL_PREVIEW = Task("kernel-preview", PreviewParams, NoneType, run_preview)


def draw_preview(step: AnyStep) -> bytes:
    """The sample image `house` under one kernel or layer, as a PNG. Maps that are not an image are a contact sheet."""
    sample = draw_sample(96, 72)
    if step.final_response != "raw" and not gives_image([step]):
        return save_png(Image.fromarray(draw_map_sheet(apply_steps(sample, [step], as_maps=True).image)))
    image = apply_steps(sample, [make_visible(step)]).image
    return save_png(convert_to_image(image, FORMATS["png"]))
