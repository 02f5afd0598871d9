"""`GET /size`: the convolution arithmetic, worked out."""

import re
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from app.problems import document_problems
from kernels.arithmetic import Padding, lay_out_axis
from kernels.errors import KernelParameterError

router = APIRouter(tags=["kernels"])

MAX_PADDING = 100_000


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


@router.get(
    "/size",
    operation_id="work_out_size",
    summary="Output size of a convolution, (W - F + 2P)/S + 1",
    responses=document_problems(422, 500),
)
async def work_out_size(
    input: Annotated[int, Query(ge=1, le=1_000_000, description="Pixels of the input, W.", examples=[28])],
    kernel: Annotated[int, Query(ge=1, le=100_000, description="Weights of the kernel, F.", examples=[5])],
    stride: Annotated[int, Query(ge=1, le=100_000, description="S.")] = 1,
    padding: Annotated[
        str, Query(description="Pixels on each side, P; or `SAME` or `VALID`, as TensorFlow has them.", examples=["2"])
    ] = "VALID",
    dilation: Annotated[int, Query(ge=1, le=1000, description="Distance of the weights; F spans D(F - 1) + 1.")] = 1,
) -> Size:
    axis = lay_out_axis(input, kernel, stride=stride, dilation=dilation, padding=parse_padding(padding))
    return Size(
        input=input,
        kernel=kernel,
        stride=stride,
        dilation=dilation,
        padding=padding.upper(),
        padding_before=axis.padding_before,
        padding_after=axis.padding_after,
        footprint=axis.footprint,
        output=axis.output,
        formula="(W - F + 2P)/S + 1",
        worked_out=axis.formula,
    )


def parse_padding(text: str) -> Padding:
    if text.upper() == "SAME":
        return "SAME"
    if text.upper() == "VALID":
        return "VALID"
    if re.fullmatch(r"[0-9]{1,6}", text) and int(text) <= MAX_PADDING:
        return int(text)
    raise KernelParameterError(
        "padding", f"padding is '{text[:40]}'; say SAME, VALID or a number of pixels from 0 to {MAX_PADDING}."
    )
