"""One image through a chain of kernels: a file in, a file out. Routes and the command line both call this."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from types import NoneType
from typing import Annotated, Any

import msgspec

from app.errors import WorkTooLargeError
from app.images.errors import UnwritableFormatError
from app.images.formats import DEFAULT_QUALITY, FORMATS, Format, FormatName, Frames
from app.images.image import DecodedImage
from app.images.limits import ImageLimits
from app.pool.ipc import Report
from app.pool.task import Answer, Task
from app.settings import Settings
from app.tasks.codecs import decode, encode
from app.tasks.composed_kernel import explain_one_kernel
from app.tasks.context import TaskContext
from kernels.apply.filter import Filtered, apply_steps
from kernels.apply.layout import StepReport, count_multiply_adds, plan_steps
from kernels.chain import Step


@dataclass(frozen=True)
class FilterRequest:
    """What is to be done to an image, besides the steps."""

    steps: Sequence[Step]
    linear: bool = False
    frames: Frames = "all"
    quality: int = DEFAULT_QUALITY


class OutputFormat(msgspec.Struct, frozen=True):
    """The format of a result: that of the input where `keep` has it, otherwise `name`."""

    name: FormatName
    keep: tuple[FormatName, ...] = ()

    def choose(self, input: Format) -> Format:
        return input if input.name in self.keep else FORMATS[self.name]


SAME_FORMAT = OutputFormat("png", tuple(format.name for format in FORMATS.values()))
"""The format of the input."""


class FilterParams(msgspec.Struct, frozen=True):
    """Of the tasks `filter` and `explain-filter`."""

    operations: str
    """JSON (`app/tasks/operations.py`)."""
    linear: bool = False
    frames: Frames = "all"
    quality: int = DEFAULT_QUALITY
    format: OutputFormat = SAME_FORMAT


Side = Annotated[int, msgspec.Meta(ge=1, le=2**31)]


class FilterResult(msgspec.Struct, frozen=True):
    """What a filtered file is and how it came about. The file itself is a blob."""

    format: FormatName
    origin: tuple[Side, Side]
    """(width, height) before, upright."""
    size: tuple[Side, Side]
    """(width, height) of the result."""
    clipped_percent: Annotated[float, msgspec.Meta(ge=0, le=100)]
    """Of the values of the last step, over all frames."""


def run_filter(
    context: TaskContext, params: FilterParams, blobs: Sequence[bytes], report: Report
) -> Answer[FilterResult]:
    (data,) = blobs
    return filter_image(data, as_request(context, params), context.settings, params.format, report)


def run_explain_filter(
    context: TaskContext, params: FilterParams, blobs: Sequence[bytes], report: Report
) -> Answer[None]:
    (data,) = blobs
    return Answer(
        None, [json.dumps(explain_filter(data, as_request(context, params), context.settings, report)).encode()]
    )


def as_request(context: TaskContext, params: FilterParams) -> FilterRequest:
    return FilterRequest(context.parse_steps(params.operations), params.linear, params.frames, params.quality)


FILTER = Task("filter", FilterParams, FilterResult, run_filter)
EXPLAIN_FILTER = Task("explain-filter", FilterParams, NoneType, run_explain_filter)


def filter_image(
    data: bytes, request: FilterRequest, settings: Settings, output: OutputFormat, report: Report
) -> Answer[FilterResult]:
    """Decode, filter and encode. Raises ImageError, KernelError or WorkTooLargeError."""
    image = decode(data, ImageLimits.from_settings(settings), report, request.frames)
    format = choose_format(request.steps, output, image.format)
    results = filter_frames(image, request, settings, report, measure=False)
    report.backends["convolve"] = results[0].backend
    encoded = encode(image.with_pixels([result.image for result in results]), format, request.quality, report)
    height, width = results[0].image.shape[:2]
    result = FilterResult(
        format.name,
        (image.width, image.height),
        (width, height),
        fmean(result.reports[-1].clipped_percent for result in results),
    )
    return Answer(result, [encoded])


def explain_filter(data: bytes, request: FilterRequest, settings: Settings, report: Report) -> dict[str, Any]:
    """Filter the first frame and describe the arithmetic; for a chain, also the single kernel that it equals."""
    image = decode(data, ImageLimits.from_settings(settings), report, "first")
    result = filter_frames(image, request, settings, report)[0]
    height, width = result.image.shape[:2]
    explanation = {
        "input": {"width": image.width, "height": image.height, "channels": image.channels},
        "output": {"width": width, "height": height, "channels": result.image.shape[2]},
        "multiply_adds": sum(report.multiply_adds for report in result.reports),
        "linear": request.linear,
        "steps": [explain_step(report) for report in result.reports],
    }
    if len(result.reports) > 1:
        explanation["one_kernel"] = explain_one_kernel(image, result.reports, request.linear)
    return explanation


def explain_step(report: StepReport) -> dict[str, Any]:
    step, rows, columns = report.step, report.rows, report.columns
    return {
        "kernel": step.kernel.name,
        "weights": [used_weights(step, part).tolist() for part in step.weights],
        "combine": step.kernel.combine,
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
        "multiply_adds": report.multiply_adds,
        "minimum": report.minimum,
        "maximum": report.maximum,
        "clipped_percent": round(report.clipped_percent, 3),
    }


def filter_frames(
    image: DecodedImage, request: FilterRequest, settings: Settings, report: Report, *, measure: bool = True
) -> list[Filtered]:
    """Filter every frame on its own."""
    with report.time("convolve"):
        check_work(image, request.steps, settings.max_multiply_adds)
        return [
            apply_steps(frame.pixels, request.steps, linear=request.linear, measure=measure) for frame in image.frames
        ]


def check_work(image: DecodedImage, steps: Sequence[Step], max_multiply_adds: int) -> None:
    """Raise WorkTooLargeError before the work is done, KernelParameterError where a kernel does not fit."""
    plan = plan_steps(steps, image.height, image.width)
    work = len(image.frames) * sum(
        count_multiply_adds(step, rows, columns, image.channels)
        for step, (rows, columns) in zip(steps, plan, strict=True)
    )
    if work > max_multiply_adds:
        raise WorkTooLargeError(
            f"This would cost {work:.3g} multiplications; the limit is {max_multiply_adds:.3g} "
            "(CONVSERVE_MAX_MULTIPLY_ADDS). Use a smaller kernel, a larger stride or a smaller image."
        )


def choose_format(steps: Sequence[Step], output: OutputFormat, input: Format) -> Format:
    """The format of the result. Raises UnwritableFormatError for `raw` results, which are numbers and only fit npy."""
    is_raw = steps[-1].response == "raw"
    format = output.choose(FORMATS["npy"] if is_raw else input)
    if is_raw and format.name != "npy":
        raise UnwritableFormatError(
            f"response=raw gives float32 numbers, which {format.name} cannot hold. Ask for format=npy."
        )
    return format


def used_weights(step: Step, part: Any) -> Any:
    """The weights after divisor and amount, with the identity mixed in at the anchor."""
    weights = step.amount * part / step.divisor
    if step.amount < 1 and step.kernel.combine == "single":
        rows, columns = weights.shape
        x, y = step.settings.anchor or ((columns - 1) // 2, (rows - 1) // 2)
        weights[y, x] += 1 - step.amount
    return weights


def name_result(name: str, steps: Sequence[Step], format: Format) -> str:
    """`photo.jpg` under gaussian and edge becomes `photo-gaussian-edge.png`; folders in the name are left out."""
    name = re.split(r"[/\\]", name)[-1].lstrip(".")
    stem = name.rsplit(".", 1)[0]
    return "-".join([stem or "image", *(step.kernel.name for step in steps)]) + f".{format.extension}"
