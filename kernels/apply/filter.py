"""Applies kernels to images.

An image is an array of shape (height, width, channels): 1 grey, 2 grey + alpha, 3 RGB, 4 RGBA; alpha is straight.
uint8 is 0..255 and uint16 0..65535; float32 is interpreted as 0..255.

Each step of a chain gives the result that it gives alone, but in float32: only the final result is rounded.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kernels import colour
from kernels.apply.alpha import add_opaque_alpha, drop_opaque_alpha, split_alpha
from kernels.apply.layout import StepReport
from kernels.apply.product import Way, name_way
from kernels.apply.rounded import can_round_at_once, filter_and_round
from kernels.apply.row_strips import filter_in_row_strips
from kernels.apply.step import apply_step
from kernels.apply.tolerance import set_tolerances
from kernels.catalogue import Catalogue
from kernels.chain import Step, resolve_step
from kernels.custom import CUSTOM
from kernels.errors import KernelParameterError
from kernels.product import Product
from kernels.settings import FilterSettings
from kernels.types import Image, Planes

Backend = Literal["bands", "planes"] | Way
"""One step, rounded band by band while its results are in the cache, or float32 planes between all operations.

The others are the ways of a long kernel.
"""


@dataclass(frozen=True)
class Filtered:
    """A filtered image and a report for each step.

    The image has the dtype of the input, or float32 for the response `raw`.
    """

    image: Image
    reports: tuple[StepReport, ...]
    backend: Backend = "planes"


def convolve(
    image: Image,
    kernel: str | Sequence[Sequence[float]] | NDArray[Any],
    *,
    linear: bool = False,
    catalogue: Catalogue | None = None,
    **settings: Any,
) -> Image:
    """Filter one image with one kernel.

    image: (height, width) or (height, width, 1..4), uint8, uint16 or float32 (0..255), or a Pillow image.
    kernel: a name of the catalogue, or weights of shape (rows, columns), each side 1..63, applied as written.
    settings: `kernels.settings.FilterSettings`, for example border="reflect", sigma=2, response="abs".
    linear: filter linear light instead of sRGB values.

    Returns an array with the number of dimensions and the dtype of the image. Integers are rounded, float32 is not.
    response="raw" returns float32 that is not clipped. Raises KernelError or pydantic.ValidationError (both are
    ValueErrors).
    """
    if not isinstance(kernel, str):
        settings["weights"] = np.asarray(kernel).tolist()
        kernel = CUSTOM
    step = resolve_step(kernel, FilterSettings(**settings), catalogue or Catalogue())
    image = np.asarray(image)
    planes = image[:, :, None] if image.ndim == 2 else image
    result = apply_steps(planes, [step], linear=linear).image
    return result[:, :, 0] if image.ndim == 2 and result.shape[2] == 1 else result


def apply_steps(image: Image, steps: Sequence[Step], *, linear: bool = False, measure: bool = True) -> Filtered:
    """Apply the steps in order. `measure`: whether to measure the minimum and the maximum.

    Raises KernelParameterError if a step does not fit the image, or the image has another shape or dtype.
    """
    check_image(image)
    maximum = 65535.0 if image.dtype == np.uint16 else 255.0
    colours = drop_opaque_alpha(image, steps[0], maximum) if len(steps) == 1 else image
    if can_round_at_once(colours, steps, linear):
        result, report = filter_and_round(colours, steps[0], maximum, measure)
        return Filtered(result if colours is image else add_opaque_alpha(result, maximum), (report,), "bands")
    prepare: Callable[[Image], Planes] = partial(prepare_planes, maximum, linear)
    finish: Callable[[Planes], Image] = keep_planes
    steps = set_tolerances(steps, colours.shape[2], image.dtype, linear)
    reports = []
    result = colours
    for number, step in enumerate(steps, 1):
        if number == len(steps) and step.response != "raw":
            finish = partial(finish_planes, image.dtype, maximum, linear)
        if step.response == "rescale":  # needs the range of the whole image
            planes, report = apply_step(prepare(result), step, maximum, linear)
            result = finish(planes)
        else:
            result, report = filter_in_row_strips(result, step, maximum, linear, prepare, finish)
        prepare = keep_planes
        reports.append(report)
    result = ensure_writable(result)
    if colours is not image:
        result = add_opaque_alpha(result, maximum)
    return Filtered(result, tuple(reports), name_backend(reports))


def name_backend(reports: Sequence[StepReport]) -> Backend:
    """The way of the last long kernel, else `planes`."""
    for report in reversed(reports):
        for part in report.step.kernel.parts:
            if isinstance(part, Product):
                return name_way(part, report.rows, report.columns, report.step.tolerance)
    return "planes"


def keep_planes(planes: Planes) -> Planes:
    """Of a step between others: no conversion."""
    return planes


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
