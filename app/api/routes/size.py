"""`GET /size`: the output size of a convolution."""

import re
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from app.api.parameters import SizeQuery
from app.api.problem_docs import document_problems
from kernels.errors import KernelParameterError
from kernels.geometry import Padding, lay_out_axis

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
async def calculate_size(query: Annotated[SizeQuery, Query()]) -> Size:
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
