"""The task `filter`: an image file in, the filtered file out."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Annotated, get_args

import msgspec

from app.errors import WorkTooLargeError
from app.images.colour_plan import ColourOutcome, plan_colour
from app.images.errors import UnwritableFormatError
from app.images.formats import FORMATS, Format, FormatName, Frames
from app.images.image import DecodedImage
from app.images.limits import ImageLimits
from app.pool.ipc import Report
from app.pool.task import Answer, Task
from app.settings import Settings
from app.tasks.areas import WHOLE, AreaRequest, read_area
from app.tasks.codecs import decode, encode
from app.tasks.context import TaskContext
from kernels.apply.filter import Filtered, apply_steps
from kernels.apply.layout import count_multiply_adds, estimate_cost, plan_steps
from kernels.apply.regions import Area, apply_in_area, count_step_work, plan_cutouts
from kernels.apply.tolerance import set_tolerances
from kernels.chain import Step
from kernels.regions import Reads


@dataclass(frozen=True)
class FilterRequest:
    """The steps to apply to an image, and how its pixels are read and written."""

    steps: Sequence[Step]
    linear: bool = False
    frames: Frames = "all"
    quality: int | None = None
    area: AreaRequest = WHOLE


class OutputFormat(msgspec.Struct, frozen=True):
    """The format of a result: that of the input if it is one of `keep`, otherwise `name`."""

    name: FormatName
    keep: tuple[FormatName, ...] = ()

    def choose(self, input: Format) -> Format:
        return FORMATS[input.written_as if input.written_as in self.keep else self.name]


SAME_FORMAT = OutputFormat("png", get_args(FormatName))
"""The format of the input, or JPEG for a format that is only read."""


class FilterParams(msgspec.Struct, frozen=True):
    """Of the tasks `filter` and `explain-filter`. The blobs are the image and, if there is one, the mask."""

    operations: str
    """JSON (`app/tasks/operations.py`)."""
    linear: bool = False
    frames: Frames = "all"
    quality: int | None = None
    format: OutputFormat = SAME_FORMAT
    regions: tuple[str, ...] = ()
    reads: Reads | None = None


Side = Annotated[int, msgspec.Meta(ge=1, le=2**31)]


class FilterResult(msgspec.Struct, frozen=True):
    """Describes a filtered file. The file itself is a blob."""

    format: FormatName
    origin: tuple[Side, Side]
    """(width, height) of the upright input."""
    size: tuple[Side, Side]
    """(width, height) of the result."""
    clipped_percent: Annotated[float, msgspec.Meta(ge=0, le=100)]
    """Of the values of the last step, over all frames."""
    colour: ColourOutcome | None = None
    """What happened to the colour space of the input; None for sRGB."""


def run_filter(
    context: TaskContext, params: FilterParams, blobs: Sequence[bytes], report: Report
) -> Answer[FilterResult]:
    return filter_image(blobs[0], make_request(context, params, blobs[1:]), context.settings, params.format, report)


def make_request(context: TaskContext, params: FilterParams, masks: Sequence[bytes]) -> FilterRequest:
    area = AreaRequest(params.regions, masks[0] if masks else None, params.reads)
    return FilterRequest(context.parse_steps(params.operations), params.linear, params.frames, params.quality, area)


FILTER = Task("filter", FilterParams, FilterResult, run_filter)


def filter_image(
    data: bytes, request: FilterRequest, settings: Settings, output: OutputFormat, report: Report
) -> Answer[FilterResult]:
    """Decode, filter and encode. Raises ImageError, KernelError or WorkTooLargeError."""
    image = decode(data, ImageLimits.from_settings(settings), report, request.frames)
    format = choose_format(request.steps, output, image.format)
    area = read_area(request.area, image, ImageLimits.from_settings(settings), report)
    results = filter_frames(image, request, area, settings, report, measure=False)
    report.backends["convolve"] = results[0].backend
    filtered = image.with_pixels([result.image for result in results])
    encoded = encode(filtered, format, request.quality, report)
    colour = plan_colour(filtered, format)
    height, width = results[0].image.shape[:2]
    result = FilterResult(
        format.written_as,
        (image.width, image.height),
        (width, height),
        fmean(result.reports[-1].clipped_percent for result in results),
        colour.outcome if colour else None,
    )
    return Answer(result, [encoded])


def filter_frames(
    image: DecodedImage,
    request: FilterRequest,
    area: Area | None,
    settings: Settings,
    report: Report,
    *,
    measure: bool = True,
) -> list[Filtered]:
    """Filter each frame. `measure`: find the range of values of every step. Raises as `check_cost`."""
    steps, linear = request.steps, request.linear
    with report.time("convolve"):
        work = zip(steps, count_work(image, request, area), strict=True)
        check_cost(sum(estimate_cost(step, count) for step, count in work), settings.max_multiply_adds)
        if area is None:
            return [apply_steps(frame.pixels, steps, linear=linear, measure=measure) for frame in image.frames]
        return [apply_in_area(frame.pixels, steps, area, linear=linear, measure=measure) for frame in image.frames]


def count_work(image: DecodedImage, request: FilterRequest, area: Area | None) -> list[int]:
    """Multiplications of each step for all frames. Raises KernelParameterError if a kernel does not fit."""
    channels = image.channels
    steps = set_tolerances(request.steps, channels, image.frames[0].pixels.dtype, request.linear)
    layout = plan_steps(steps, image.height, image.width)
    if area is None:
        work = [count_multiply_adds(step, *axes, channels) for step, axes in zip(steps, layout, strict=True)]
    else:
        cutouts = plan_cutouts(area, steps, layout, image.height, image.width)
        work = count_step_work(cutouts, steps, channels)
    return [len(image.frames) * count for count in work]


def check_cost(cost: int, max_multiply_adds: int) -> None:
    """Raise WorkTooLargeError if filtering would exceed the limit."""
    if cost > max_multiply_adds:
        raise WorkTooLargeError(
            f"The request needs {cost:.3g} multiplications; the limit is {max_multiply_adds:.3g} "
            "(CONVSERVE_MAX_MULTIPLY_ADDS). Use a smaller kernel, a larger stride or a smaller image."
        )


def choose_format(steps: Sequence[Step], output: OutputFormat, input: Format) -> Format:
    """The format of the result. Raises UnwritableFormatError for `raw` results in other formats than npy."""
    is_raw = steps[-1].response == "raw"
    format = output.choose(FORMATS["npy"] if is_raw else input)
    if is_raw and format.name != "npy":
        raise UnwritableFormatError(
            f"response=raw gives float32 numbers, which {format.name} cannot hold. Use format=npy."
        )
    return format


def name_result(name: str, steps: Sequence[Step], format: Format) -> str:
    """`photo.jpg` after gaussian and edge becomes `photo-gaussian-edge.png`. Folders in the name are removed."""
    name = re.split(r"[/\\]", name)[-1].lstrip(".")
    stem = name.rsplit(".", 1)[0]
    return "-".join([stem or "image", *(step.kernel.name for step in steps)]) + f".{format.extension}"
