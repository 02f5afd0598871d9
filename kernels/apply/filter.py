"""Applies kernels to images.

An image is an array of shape (height, width, channels): 1 grey, 2 grey + alpha, 3 RGB, 4 RGBA; alpha is straight.
uint8 is 0..255 and uint16 0..65535; float32 is interpreted as 0..255.

Each step of a chain gives the result that it gives alone, but in float32: only the final result is rounded.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np

from kernels import colour
from kernels.apply.alpha import add_opaque_alpha, drop_opaque_alpha, split_alpha
from kernels.apply.layers import LayerReport, LayerWork, apply_layer
from kernels.apply.layout import StepReport
from kernels.apply.product import Way, name_way
from kernels.apply.rounded import can_round_at_once, filter_and_round
from kernels.apply.row_strips import filter_in_row_strips
from kernels.apply.shapes import Shape, plan_chain
from kernels.apply.step import apply_step
from kernels.apply.tolerance import set_tolerances
from kernels.chain import AnyStep, Step
from kernels.errors import KernelParameterError
from kernels.layers.step import LayerStep
from kernels.product import Product
from kernels.types import Image, Planes

Backend = Literal["bands", "planes"] | Way
"""One step, rounded band by band while its results are in the cache, or float32 planes between all operations.

The others are the ways of a long kernel.
"""


@dataclass(frozen=True)
class Filtered:
    """A filtered image and a report for each step.

    The image has the dtype of the input, or float32 for the response `raw`. Maps that are not an image, for example
    (height, width, 8), are float32 that is not clipped.
    """

    image: Image
    reports: tuple[StepReport | LayerReport, ...]
    backend: Backend = "planes"


def apply_steps(
    image: Image, steps: Sequence[AnyStep], *, linear: bool = False, measure: bool = True, as_maps: bool = False
) -> Filtered:
    """Apply the steps in order. `measure`: whether to measure the minimum and the maximum.

    as_maps: return float32 maps without alpha, not an image, even if there are 1, 3 or 4.

    Raises KernelParameterError if a step does not fit the image, or the image has another shape or dtype.
    """
    check_image(image)
    maximum = 65535.0 if image.dtype == np.uint16 else 255.0
    if not as_maps and len(steps) == 1 and isinstance(step := steps[0], Step):
        colours = drop_opaque_alpha(image, step, maximum)
        if can_round_at_once(colours, [step], linear):
            result, report = filter_and_round(colours, step, maximum, measure)
            return Filtered(result if colours is image else add_opaque_alpha(result, maximum), (report,), "bands")
        if step.kernel.is_long and colours is not image:
            filtered = apply_in_float(colours, steps, maximum, linear, as_maps)
            return replace(filtered, image=add_opaque_alpha(filtered.image, maximum))
    return apply_in_float(image, steps, maximum, linear, as_maps)


def apply_in_float(image: Image, steps: Sequence[AnyStep], maximum: float, linear: bool, as_maps: bool) -> Filtered:
    """Apply the steps to float32 planes. Raises as `apply_steps`."""
    prepare: Callable[[Image], Planes] = partial(prepare_planes, maximum, linear)
    finish: Callable[[Planes], Image] = keep_planes
    reports: list[StepReport | LayerReport] = []
    plans = plan_chain(set_tolerances(steps, image.shape[2], image.dtype, linear), find_shape(image))
    result, between_layers = image, False
    for plan in plans:
        step, is_last = plan.step, plan is plans[-1]
        between_layers = between_layers or isinstance(step, LayerStep)
        ends_as_image = is_last and not as_maps and plan.after.is_image
        if is_last:
            converts = ends_as_image and step.final_response != "raw"
            convert = partial(finish_planes, image.dtype, maximum, linear) if converts else keep_planes
            count = plan.after.image_planes if ends_as_image else plan.after.maps
            if converts or count < plan.after.planes:
                finish = partial(finish_maps, count, convert)
        if isinstance(step, LayerStep):
            response = step.final_response if ends_as_image else step.response
            work = LayerWork(plan, step, response, maximum, linear)
            result, layer_report = apply_layer(result, work, prepare, finish)
            reports.append(layer_report)
        else:
            step = leave_values(step) if (between_layers or is_last) and not ends_as_image else step
            has_alpha = plan.before.has_alpha
            if step.response == "rescale":  # needs the range of the whole image
                planes, report = apply_step(prepare(result), step, maximum, linear, has_alpha=has_alpha)
                result = finish(planes)
            else:
                result, report = filter_in_row_strips(result, step, maximum, linear, prepare, finish, has_alpha)
            reports.append(report)
        prepare = keep_planes
    return Filtered(ensure_writable(result), tuple(reports), name_backend(reports))


def name_backend(reports: Sequence[StepReport | LayerReport]) -> Backend:
    """The way of the last long kernel, else `planes`."""
    for report in reversed(reports):
        step = report.step
        if isinstance(step, Step):
            for part in step.kernel.parts:
                if isinstance(part, Product):
                    return name_way(part, report.rows, report.columns, step.tolerance)
    return "planes"


def leave_values(step: Step) -> Step:
    """The step with the response `raw`, unless it sets another: between layers, values are not pixels."""
    if step.settings.response is not None:
        return step
    return replace(step, settings=step.settings.model_copy(update={"response": "raw"}))


def find_shape(image: Image) -> Shape:
    height, width, channels = image.shape
    has_alpha = channels in (2, 4)
    return Shape(height, width, channels - has_alpha, has_alpha)


def keep_planes(planes: Planes) -> Planes:
    """Of a step between others: no conversion."""
    return planes


def finish_maps(count: int, convert: Callable[[Planes], Image], planes: Planes) -> Image:
    """Of the last step: convert the first `count` planes. Alpha that only accompanies maps is dropped."""
    return convert(planes[:, :, :count] if planes.shape[2] > count else planes)


def prepare_planes(maximum: float, linear: bool, image: Image) -> Planes:
    """Convert an image to float32, and its colours to linear light."""
    planes = image.astype(np.float32)
    return convert_colours(planes, lambda colours: colour.decode_srgb(colours, maximum)) if linear else planes


def finish_planes(dtype: np.dtype[Any], maximum: float, linear: bool, planes: Planes) -> Image:
    """The inverse of `prepare_planes`."""
    if linear:
        planes = convert_colours(planes, lambda colours: colour.encode_srgb(colours, maximum))
    return round_to(dtype, planes, maximum)


def check_image(image: Image) -> None:
    """Raise KernelParameterError for an unsupported shape or dtype."""
    if image.ndim != 3 or image.shape[2] not in (1, 2, 3, 4) or 0 in image.shape:
        raise KernelParameterError("image", f"The image is {image.shape}; it must be (height, width, 1 to 4).")
    if image.dtype not in (np.uint8, np.uint16, np.float32):
        raise KernelParameterError("image", f"The image is {image.dtype}; it may be uint8, uint16 or float32.")


def convert_colours(planes: Planes, convert: Callable[[Planes], Planes]) -> Planes:
    """Convert the colour planes and leave alpha unchanged."""
    colours, alpha = split_alpha(planes)
    converted = convert(colours)
    return converted if alpha is None else np.concatenate([converted, alpha], axis=2)


def ensure_writable(planes: Planes) -> Planes:
    """Copy planes in the memory of TensorFlow, which is read-only."""
    return np.require(planes, requirements="W")


def round_to(dtype: np.dtype[Any], planes: Planes, maximum: float) -> Image:
    """Round to nearest (halves to even, as NumPy, TensorFlow and OpenCV do) and clip. float32 is unchanged."""
    if dtype == np.float32:
        return ensure_writable(planes)
    return np.clip(np.rint(planes), 0, maximum).astype(dtype)
