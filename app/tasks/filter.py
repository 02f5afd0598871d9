"""One image through a chain of kernels: bytes in, bytes out. The web and the command line both call this."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from app.context import find_record, timed
from app.errors import WorkTooLargeError
from app.images.decode import decode_image
from app.images.encode import encode_image
from app.images.errors import UnwritableFormatError
from app.images.formats import DEFAULT_QUALITY, FORMATS, Format, Frames
from app.images.image import DecodedImage
from app.settings import Settings
from app.tasks.composed_kernel import explain_one_kernel
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


@dataclass(frozen=True)
class FilteredFile:
    """An encoded result and how it came about."""

    data: bytes
    format: Format
    origin: tuple[int, int]
    """(width, height) before, after being turned upright."""
    result: tuple[int, int]
    clipped_percent: float
    """Of the last step, over all frames."""


def filter_image(
    data: bytes, request: FilterRequest, settings: Settings, choose_format: Callable[[Format], Format]
) -> FilteredFile:
    """Decode, filter and encode. `choose_format` is given the format that came in.

    Raises ImageError, KernelError or WorkTooLargeError.
    """
    image = decode_image(data, settings.image_limits, request.frames)
    format = pick_format(request.steps, choose_format, image.format)
    results = filter_frames(image, request, settings, measure=False)
    find_record().ways["convolve"] = results[0].backend
    encoded = encode_image(image.with_pixels([result.image for result in results]), format, request.quality)
    height, width = results[0].image.shape[:2]
    return FilteredFile(
        encoded.data,
        format,
        (image.width, image.height),
        (width, height),
        fmean(result.reports[-1].clipped_percent for result in results),
    )


def explain_filter(data: bytes, request: FilterRequest, settings: Settings) -> dict[str, Any]:
    """Filter the first frame and tell the arithmetic instead of giving the image; of a chain, its single kernel."""
    image = decode_image(data, settings.image_limits, "first")
    result = filter_frames(image, request, settings)[0]
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


@timed("convolve")
def filter_frames(
    image: DecodedImage, request: FilterRequest, settings: Settings, *, measure: bool = True
) -> list[Filtered]:
    """Every frame on its own, so that none bleeds into its neighbours."""
    check_work(image, request.steps, settings.max_multiply_adds)
    return [apply_steps(frame.pixels, request.steps, linear=request.linear, measure=measure) for frame in image.frames]


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


def pick_format(steps: Sequence[Step], choose_format: Callable[[Format], Format], came_in: Format) -> Format:
    """`raw` results are numbers, not pixels: they fit only npy, and nothing else fits where nothing was asked."""
    format = choose_format(FORMATS["npy"] if steps[-1].response == "raw" else came_in)
    if steps[-1].response == "raw" and format.name != "npy":
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
