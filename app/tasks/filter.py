"""The task `filter`: an image file in, the filtered file out."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Annotated, get_args

import msgspec
import numpy as np

from app.errors import WorkTooLargeError
from app.images.colour_plan import ColourOutcome, plan_colour
from app.images.colour_tags import UNTAGGED
from app.images.encode import check_encodable
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
from app.tasks.map_sheet import draw_map_sheet
from kernels.apply.filter import Filtered, apply_steps
from kernels.apply.regions import Area, apply_in_area, plan_area
from kernels.apply.shapes import PlannedStep, Shape, plan_chain
from kernels.apply.tolerance import set_tolerances
from kernels.chain import AnyStep, select_maps
from kernels.errors import KernelParameterError
from kernels.regions import Reads

SHEET = "sheet"
"""The value of `maps` for a contact sheet of all maps."""


@dataclass(frozen=True)
class FilterRequest:
    """The steps to apply to an image, and how its pixels are read and written."""

    steps: Sequence[AnyStep]
    linear: bool = False
    frames: Frames = "all"
    quality: int | None = None
    maps: str | None = None
    """`sheet`, or the numbers of the maps to return, such as `0,3,5`."""
    area: AreaRequest = WHOLE

    @property
    def wants_sheet(self) -> bool:
        return self.maps == SHEET

    @property
    def all_steps(self) -> Sequence[AnyStep]:
        """The steps, and the selection of maps."""
        if self.maps is None or self.wants_sheet:
            return self.steps
        return select_maps(self.steps, [int(number) for number in self.maps.split(",")])


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
    maps: str | None = None
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
    steps = context.parse_steps(params.operations)
    area = AreaRequest(params.regions, masks[0] if masks else None, params.reads)
    return FilterRequest(steps, params.linear, params.frames, params.quality, params.maps, area)


FILTER = Task("filter", FilterParams, FilterResult, run_filter)


def filter_image(
    data: bytes, request: FilterRequest, settings: Settings, output: OutputFormat, report: Report
) -> Answer[FilterResult]:
    """Decode, filter and encode. Raises ImageError, KernelError or WorkTooLargeError."""
    frames: Frames = "first" if request.wants_sheet else request.frames
    image = decode(data, ImageLimits.from_settings(settings), report, frames)
    area = read_area(request.area, image, ImageLimits.from_settings(settings), report)
    plans = check_work(image, request, area, settings)
    format = choose_format(request, output, image.format, plans[-1].after)
    if not request.wants_sheet:
        check_encodable(outline(image, plans[-1].after), format, request.quality)
    results = filter_frames(image, request, area, report, measure=False)
    report.backends["convolve"] = results[0].backend
    pixels = [draw_map_sheet(result.image) if request.wants_sheet else result.image for result in results]
    filtered = image.with_pixels(pixels)
    if request.wants_sheet:
        filtered = replace(filtered, profile=None, colour=UNTAGGED)
    encoded = encode(filtered, format, request.quality, report)
    colour = plan_colour(filtered, format)
    height, width = pixels[0].shape[:2]
    result = FilterResult(
        format.written_as,
        (image.width, image.height),
        (width, height),
        fmean(result.reports[-1].clipped_percent for result in results),
        colour.outcome if colour else None,
    )
    return Answer(result, [encoded])


def filter_frames(
    image: DecodedImage, request: FilterRequest, area: Area | None, report: Report, *, measure: bool = True
) -> list[Filtered]:
    """Filter each frame. `measure`: find the range of values of every step. `check_work` comes before."""
    steps, linear = request.all_steps, request.linear
    with report.time("convolve"):
        if area is not None:
            return [apply_in_area(frame.pixels, steps, area, linear=linear, measure=measure) for frame in image.frames]
        return [
            apply_steps(frame.pixels, steps, linear=linear, measure=measure, as_maps=request.wants_sheet)
            for frame in image.frames
        ]


def check_work(image: DecodedImage, request: FilterRequest, area: Area | None, settings: Settings) -> list[PlannedStep]:
    """The plan of the steps for each frame, checked before memory is allocated.

    Raises WorkTooLargeError if filtering would exceed the limit, KernelParameterError if a step does not fit or gives
    too many values.
    """
    has_alpha = image.channels in (2, 4)
    steps = set_tolerances(request.all_steps, image.channels, image.frames[0].pixels.dtype, request.linear)
    plans = plan_chain(steps, Shape(image.height, image.width, image.channels - has_alpha, has_alpha))
    for number, plan in enumerate(plans, 1):
        values = len(image.frames) * plan.after.values
        if plan.after.maps > MAX_IMAGE_MAPS and values > settings.max_map_values:
            raise KernelParameterError(
                "operations",
                f"Step {number} ({plan.step.name}) gives {plan.after}{describe_frames(image)}, {values} values; the "
                f"limit is {settings.max_map_values} (CONVSERVE_MAX_MAP_VALUES). Use fewer maps, a stride, pooling "
                "before this step, or a smaller image.",
            )
    parts = [plans] if area is None else plan_area(area, plans)
    work = len(image.frames) * sum(plan.reads for part in parts for plan in part)
    if work > settings.max_multiply_adds:
        raise WorkTooLargeError(
            f"The request needs {work:.3g} multiplications; the limit is {settings.max_multiply_adds:.3g} "
            "(CONVSERVE_MAX_MULTIPLY_ADDS). Use a smaller kernel, a larger stride or a smaller image."
        )
    return plans


def outline(image: DecodedImage, result: Shape) -> DecodedImage:
    """The image with frames of the shape of the result. They hold one value, so they take no memory."""
    empty = np.broadcast_to(np.uint8(0), (result.height, result.width, result.image_planes))
    return image.with_pixels([empty] * len(image.frames))


MAX_IMAGE_MAPS = 4
"""Maps of an image, whose size CONVSERVE_MAX_PIXELS limits."""


def describe_frames(image: DecodedImage) -> str:
    return f" in each of {len(image.frames)} frames" if len(image.frames) > 1 else ""


def choose_format(request: FilterRequest, output: OutputFormat, input: Format, result: Shape) -> Format:
    """The format of the result. Raises UnwritableFormatError for numbers in a format of images."""
    if request.wants_sheet:
        return output.choose(input)
    is_raw = request.all_steps[-1].final_response == "raw"
    is_image = result.is_image and not is_raw
    format = output.choose(input if is_image else FORMATS["npy"])
    if format.holds_numbers or is_image:
        return format
    if is_raw:
        raise UnwritableFormatError(
            f"response=raw gives float32 numbers, which {format.name} cannot hold. Use format=npy or format=json."
        )
    raise UnwritableFormatError(
        f"The result is {result}; 1, 3 or 4 maps are an image. Select some with maps=0,1,2, see all with maps=sheet, "
        "or use format=npy or format=json for the numbers."
    )


def name_result(name: str, steps: Sequence[AnyStep], format: Format) -> str:
    """`photo.jpg` after gaussian and edge becomes `photo-gaussian-edge.png`. Folders in the name are removed."""
    name = re.split(r"[/\\]", name)[-1].lstrip(".")
    stem = name.rsplit(".", 1)[0]
    return "-".join([stem or "image", *(step.name for step in steps)]) + f".{format.extension}"
