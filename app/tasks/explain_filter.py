"""The task `explain-filter`: the arithmetic of a filter request as JSON."""

import json
from collections.abc import Sequence
from types import NoneType
from typing import Any

from app.images.colour_plan import plan_colour
from app.images.limits import ImageLimits
from app.pool.ipc import Report
from app.pool.task import Answer, Task
from app.settings import Settings
from app.tasks.areas import describe_area, read_area
from app.tasks.codecs import decode
from app.tasks.composed_kernel import describe_composed_kernel
from app.tasks.context import TaskContext
from app.tasks.filter import (
    FilterParams,
    FilterRequest,
    OutputFormat,
    choose_format,
    count_work,
    filter_frames,
    make_request,
)
from kernels.apply.layout import StepReport
from kernels.chain import Step
from kernels.product import Product, list_weights


def run_explain_filter(
    context: TaskContext, params: FilterParams, blobs: Sequence[bytes], report: Report
) -> Answer[None]:
    request = make_request(context, params, blobs[1:])
    explanation = explain_filter(blobs[0], request, context.settings, params.format, report)
    return Answer(None, [json.dumps(explanation).encode()])


EXPLAIN_FILTER = Task("explain-filter", FilterParams, NoneType, run_explain_filter)


def explain_filter(
    data: bytes, request: FilterRequest, settings: Settings, output: OutputFormat, report: Report
) -> dict[str, Any]:
    """Filter the first frame, and describe the arithmetic. Raises ImageError, KernelError or WorkTooLargeError.

    The explanation of a chain includes the single kernel that the chain equals.
    """
    limits = ImageLimits.from_settings(settings)
    image = decode(data, limits, report, "first")
    area = read_area(request.area, image, limits, report)
    result = filter_frames(image, request, area, settings, report)[0]
    work = [report.multiply_adds for report in result.reports]
    if area is not None:
        counts = count_work(image, request, area)
        work = [n * one.channels // image.channels for n, one in zip(counts, result.reports, strict=True)]
    height, width = result.image.shape[:2]
    explanation = {
        "input": {"width": image.width, "height": image.height, "channels": image.channels},
        "output": {"width": width, "height": height, "channels": result.image.shape[2]},
        "multiply_adds": sum(work),
        "linear": request.linear,
        "steps": [describe_step(step, count) for step, count in zip(result.reports, work, strict=True)],
    }
    if area is not None:
        explanation["area"] = describe_area(area)
    colour = plan_colour(image.with_pixels([result.image]), choose_format(request.steps, output, image.format))
    if colour:
        explanation["colour"] = {"space": colour.space, "outcome": colour.outcome}
    if len(result.reports) > 1:
        explanation["one_kernel"] = describe_composed_kernel(image, result.reports, request.linear)
    return explanation


def describe_step(report: StepReport, multiply_adds: int) -> dict[str, Any]:
    step, rows, columns = report.step, report.rows, report.columns
    return {
        "kernel": step.kernel.name,
        "weights": [list_weights(calculate_effective_weights(step, part)) for part in step.weights],
        "combine": step.kernel.combine,
        "is_convolution": step.kernel.is_convolution,
        "sum": step.kernel.sum,
        "divisor": step.divisor,
        "amount": step.amount,
        "bias": step.settings.bias,
        "response": step.response,
        "behaviour": step.settings.behaviour,
        "rank": step.kernel.rank,
        "separable": step.kernel.is_separable,
        "border": step.settings.border,
        "padding": {
            "top": rows.padding_before,
            "bottom": rows.padding_after,
            "left": columns.padding_before,
            "right": columns.padding_after,
        },
        "anchor": {"x": columns.anchor, "y": rows.anchor},
        "output": {
            "width": columns.output,
            "height": rows.output,
            "width_formula": f"(W - F + 2P)/S + 1 = {columns.formula}",
            "height_formula": f"(H - F + 2P)/S + 1 = {rows.formula}",
        },
        "multiply_adds": multiply_adds,
        "minimum": report.minimum,
        "maximum": report.maximum,
        "clipped_percent": round(report.clipped_percent, 3),
    }


def calculate_effective_weights(step: Step, part: Any) -> Any:
    """The weights divided by the divisor, mixed with the identity at the anchor if `amount` is below 1.

    A `Product` is only divided: a mix is none.
    """
    if isinstance(part, Product):
        return part / step.divisor
    weights = step.amount * part / step.divisor
    if step.amount < 1 and step.kernel.combine == "single":
        rows, columns = weights.shape
        x, y = step.settings.anchor or ((columns - 1) // 2, (rows - 1) // 2)
        weights[y, x] += 1 - step.amount
    return weights
