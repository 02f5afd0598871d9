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
from app.tasks.chain_shapes import describe_geometry, describe_shapes, describe_weights
from app.tasks.codecs import decode
from app.tasks.composed_kernel import describe_composed_kernel
from app.tasks.context import TaskContext
from app.tasks.filter import (
    MAX_IMAGE_MAPS,
    FilterParams,
    FilterRequest,
    OutputFormat,
    check_work,
    choose_format,
    filter_frames,
    make_request,
)
from kernels.apply.layers import LayerReport
from kernels.apply.layout import StepReport
from kernels.apply.regions import plan_area
from kernels.apply.shapes import PlannedStep
from kernels.chain import Step
from kernels.layers.layer import Convolution, describe_kind
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
    plans = check_work(image, request, area, settings)
    format = choose_format(request, output, image.format, plans[-1].after)
    result = filter_frames(image, request, area, report)[0]
    height, width = result.image.shape[:2]
    work = [report.multiply_adds for report in result.reports]
    if area is not None:
        work = count_work(plan_area(area, plans), result.reports)
    explanation = {
        "input": {"width": image.width, "height": image.height, "channels": image.channels},
        "output": {"width": width, "height": height, "channels": result.image.shape[2]},
        "multiply_adds": sum(work),
        "parameters": sum(plan.parameters for plan in plans),
        "receptive_field": describe_shapes(plans[-1])["receptive_field"],
        "linear": request.linear,
        "steps": [
            describe_report(report) | describe_shapes(plan) | {"multiply_adds": count}
            for plan, report, count in zip(plans, result.reports, work, strict=True)
        ],
    }
    if area is not None:
        explanation["area"] = describe_area(area)
    colour = plan_colour(image.with_pixels([result.image]), format) if is_image_of(result.image) else None
    if colour:
        explanation["colour"] = {"space": colour.space, "outcome": colour.outcome}
    if len(result.reports) > 1:
        explanation["one_kernel"] = describe_composed_kernel(image, result.reports, request.linear)
    return explanation


def count_work(parts: Sequence[Sequence[PlannedStep]], reports: Sequence[StepReport | LayerReport]) -> list[int]:
    """Multiplications of each step in parts of the image; of a kernel in the channels that it filters."""
    counts = [sum(part[number].multiply_adds for part in parts) for number in range(len(reports))]
    return [
        count * report.channels // parts[0][number].before.planes if isinstance(report, StepReport) and parts else count
        for number, (count, report) in enumerate(zip(counts, reports, strict=True))
    ]


def is_image_of(pixels: Any) -> bool:
    return bool(pixels.shape[2] <= MAX_IMAGE_MAPS)


def describe_report(report: StepReport | LayerReport) -> dict[str, Any]:
    return describe_layer(report) if isinstance(report, LayerReport) else describe_step(report)


def describe_layer(report: LayerReport) -> dict[str, Any]:
    """A layer, and the range of its values before the response."""
    plan, layer = report.plan, report.step.layer
    description: dict[str, Any] = {
        "kernel": report.step.name,
        "kind": describe_kind(layer),
        "border": report.step.border,
        "response": report.step.response,
        **describe_geometry(plan.rows, plan.columns),
        "multiply_adds": plan.multiply_adds,
        "minimum": report.minimum,
        "maximum": report.maximum,
        "clipped_percent": round(report.clipped_percent, 3),
    }
    if isinstance(layer, Convolution):
        description["weights_shape"] = describe_weights(layer)
    return description


def describe_step(report: StepReport) -> dict[str, Any]:
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
        **describe_geometry(rows, columns),
        "multiply_adds": report.multiply_adds,
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
