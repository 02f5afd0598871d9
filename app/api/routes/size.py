"""`GET /size`: the output size of a convolution, or the shapes after each step of a chain."""

import re
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel

from app.api.dependencies import ServiceDependency
from app.api.parameters import SizeQuery
from app.api.problem_docs import document_problems
from app.tasks.chain_shapes import describe_planned_step, describe_shape
from app.tasks.operations import parse_operations_text
from kernels.apply.shapes import PlannedStep, Shape, plan_chain
from kernels.errors import KernelParameterError
from kernels.geometry import Padding, lay_out_axis
from kernels.settings import FilterSettings

router = APIRouter(tags=["kernels"])

MAX_PADDING = 100_000
SINGLE_KERNEL = ("stride", "padding", "dilation")
"""The parameters of a single kernel. The steps of a chain have their own."""


class Size(BaseModel):
    """One axis of a convolution, in pixels."""

    input: int
    kernel: int
    stride: int
    dilation: int
    padding: str
    padding_before: int
    padding_after: int
    footprint: int
    output: int
    formula: str
    worked_out: str


class MapShape(BaseModel):
    """The maps between two steps."""

    height: int
    width: int
    maps: int
    alpha: bool


class PixelSize(BaseModel):
    width: int
    height: int


class StepShape(BaseModel):
    """One step of a chain."""

    kernel: str
    kind: str
    """`kernel` (each map on its own), `conv`, `relu`, `max-pool`, `average-pool` or `min-pool`."""
    window: PixelSize
    weights_shape: dict[str, int] | None
    """`height`, `width`, `inputs` and `outputs` of a convolution."""
    input_shape: MapShape
    output_shape: MapShape
    parameters: int
    """Weights and biases."""
    receptive_field: PixelSize
    """The pixels of the image that one value depends on."""
    padding: dict[str, int]
    anchor: dict[str, int]
    output: dict[str, Any]
    multiply_adds: int


class ChainSize(BaseModel):
    """The shapes of a chain, and its totals."""

    input: MapShape
    steps: list[StepShape]
    output: MapShape
    parameters: int
    multiply_adds: int
    receptive_field: PixelSize


@router.get(
    "/size",
    operation_id="work_out_size",
    summary="Output size of a convolution, (W - F + 2P)/S + 1, or of every step of a chain",
    responses=document_problems(404, 422, 500),
)
def calculate_size(service: ServiceDependency, query: Annotated[SizeQuery, Query()]) -> Size | ChainSize:
    """Not a coroutine: the cost of a kernel follows from its singular values, which take milliseconds."""
    if query.operations is not None:
        steps = parse_operations_text(query.operations, FilterSettings(), service.catalogue)
        return calculate_chain(query, plan_chain(steps, Shape(query.height or query.input, query.input, query.maps)))
    return calculate_kernel(query)


def calculate_kernel(query: SizeQuery) -> Size:
    """Raises RequestValidationError or KernelParameterError."""
    if query.kernel is None:
        raise RequestValidationError(
            [{"loc": ("query", "kernel"), "msg": "Field required", "type": "missing", "input": None}]
        )
    padding = parse_padding(query.padding)
    axis = lay_out_axis(query.input, query.kernel, stride=query.stride, dilation=query.dilation, padding=padding)
    return Size(
        input=query.input,
        kernel=query.kernel,
        stride=query.stride,
        dilation=query.dilation,
        padding=str(padding),
        padding_before=axis.padding_before,
        padding_after=axis.padding_after,
        footprint=axis.footprint,
        output=axis.output,
        formula="(W - F + 2P)/S + 1",
        worked_out=axis.formula,
    )


def calculate_chain(query: SizeQuery, plans: Sequence[PlannedStep]) -> ChainSize:
    """Raises KernelParameterError if a parameter of a single kernel is given."""
    for name in ("kernel", *SINGLE_KERNEL):
        if name in query.model_fields_set:
            raise KernelParameterError(
                name, f"{name} is {getattr(query, name)}; with operations, give it in the step that it concerns."
            )
    height, width = plans[-1].receptive_field
    return ChainSize.model_validate(
        {
            "input": describe_shape(plans[0].before),
            "steps": [describe_planned_step(plan) for plan in plans],
            "output": describe_shape(plans[-1].after),
            "parameters": sum(plan.parameters for plan in plans),
            "multiply_adds": sum(plan.multiply_adds for plan in plans),
            "receptive_field": {"width": width, "height": height},
        }
    )


def parse_padding(text: str) -> Padding:
    """Raises KernelParameterError."""
    if text.upper() == "SAME":
        return "SAME"
    if text.upper() == "VALID":
        return "VALID"
    if re.fullmatch(r"[0-9]{1,6}", text) and int(text) <= MAX_PADDING:
        return int(text)
    raise KernelParameterError(
        "padding", f"padding is '{text[:40]}'; it may be SAME, VALID or a number of pixels from 0 to {MAX_PADDING}."
    )
