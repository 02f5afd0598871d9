"""Apply kernels to images: borders, alpha, channels, divisor, bias and response around `engine.correlate`.

An image is an array of shape (height, width, channels): 1 grey, 2 grey + alpha, 3 RGB, 4 RGBA; alpha is straight.
uint8 holds 0..255 and uint16 0..65535; float32 is taken as 0..255.

In a chain every step gives what its own request would give, but in float32: it is rounded once, at the end.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels import colour
from kernels.apply.layout import StepReport, lay_out
from kernels.apply.response import measure_range, respond
from kernels.apply.separable import choose_factors
from kernels.apply.strips import can_run_in_strips, filter_in_strips
from kernels.catalogue import Catalogue
from kernels.chain import Step, resolve_step
from kernels.custom import CUSTOM
from kernels.errors import KernelParameterError
from kernels.geometry import Axis
from kernels.padding import pad
from kernels.parts import combine, divide_all, slide
from kernels.settings import FilterSettings

Image = NDArray[Any]
Planes = NDArray[np.float32]


@dataclass(frozen=True)
class Filtered:
    """A filtered image, of the input's dtype or, for the response `raw`, float32; and how it came about."""

    image: Image
    reports: tuple[StepReport, ...]
    way: str = "planes"
    """Whole planes, strips of rows, or strips with copies of the rows: `planes`, `strips` or `rows`."""


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

    Returns an array of the same number of dimensions and dtype, rounded; float32 stays unrounded, and
    response="raw" gives float32 that is not cut off. Raises KernelError or pydantic.ValidationError (both
    are ValueErrors).
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
    """Apply the steps in order. Raises KernelParameterError where one does not fit the image.

    `measure`: whether the reports have to tell the range of the values.
    """
    if image.ndim != 3 or image.shape[2] not in (1, 2, 3, 4) or 0 in image.shape:
        raise KernelParameterError("image", f"The image is {image.shape}; it must be (height, width, 1 to 4).")
    if image.dtype not in (np.uint8, np.uint16, np.float32):
        raise KernelParameterError("image", f"The image is {image.dtype}; it may be uint8, uint16 or float32.")
    maximum = 65535.0 if image.dtype == np.uint16 else 255.0
    colours = drop_opaque_alpha(image, steps[0], maximum) if len(steps) == 1 else image
    if can_run_in_strips(colours, steps, linear):
        filtered = Filtered(*filter_in_strips(colours, steps[0], maximum, measure))
        return filtered if colours is image else add_opaque_alpha(filtered, maximum)
    planes = image.astype(np.float32)
    if linear:
        planes = convert_colour(planes, lambda colours: colour.decode_srgb(colours, maximum))
    reports = []
    for step in steps:
        planes, report = apply_step(planes, step, maximum, linear)
        reports.append(report)
    if steps[-1].response == "raw":
        return Filtered(ensure_writable(planes), tuple(reports))
    if linear:
        planes = convert_colour(planes, lambda colours: colour.encode_srgb(colours, maximum))
    return Filtered(round_to(image.dtype, planes, maximum), tuple(reports))


def drop_opaque_alpha(image: Image, step: Step, maximum: float) -> Image:
    """The colours alone, where an alpha is opaque all over and kept: then the result is what it is without alpha."""
    if image.shape[2] % 2 or step.settings.alpha == "filter" or image[:, :, -1].min() < maximum:
        return image
    return np.ascontiguousarray(image[:, :, :-1])


def add_opaque_alpha(filtered: Filtered, maximum: float) -> Filtered:
    opaque = np.full(filtered.image.shape[:2], maximum, filtered.image.dtype)
    return replace(filtered, image=np.dstack([filtered.image, opaque]))


def apply_step(planes: Planes, step: Step, maximum: float, linear: bool = False) -> tuple[Planes, StepReport]:
    """Apply one step to float32 planes (height, width, 1..4). Nothing is rounded."""
    colours, alpha = split_alpha(planes)
    rows, columns = lay_out(step, planes.shape[0], planes.shape[1])
    if is_partial(step.settings.channels) and colours.shape[2] == 1:
        colours = np.repeat(colours, 3, axis=2)
    source = select_planes(colours, step.settings.channels, linear)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # checked below
        values, result_alpha = filter_planes(source, alpha, step, rows, columns, maximum)
        bias = np.float32(step.settings.pick_bias(maximum))
        values = values + bias if bias else values
    if result_alpha is not None:
        result_alpha = np.clip(np.abs(result_alpha) if step.response == "abs" else result_alpha, 0, 1)

    seen = values if result_alpha is None else values[result_alpha[:, :, 0] > 0]
    lowest, highest, clipped_percent = measure_range(seen, step.response, maximum)
    check_range(step, lowest, highest)
    report = StepReport(step, rows, columns, source.shape[2], lowest, highest, clipped_percent)
    values = respond(values, step.response, maximum, lowest, highest)
    before = source[rows.centers, columns.centers]
    values = put_back(values, before, colours[rows.centers, columns.centers], step, maximum)
    if result_alpha is None:
        return values, report
    values = np.where(result_alpha > 0, values, 0)
    return np.concatenate([values, result_alpha * np.float32(maximum)], axis=2), report


def check_range(step: Step, lowest: float, highest: float) -> None:
    """Raise KernelParameterError for values that are no numbers any more."""
    if not np.isfinite([lowest, highest]).all():
        raise KernelParameterError(
            "divisor",
            f"The values of '{step.kernel.name}' grow beyond what float32 holds (about 3e38): "
            "the weights or the bias are too large, or the divisor too small.",
        )


def is_partial(channels: str) -> bool:
    """Whether only some of red, green and blue are meant."""
    return channels not in ("rgb", "gray", "luma")


def select_planes(colours: Planes, channels: str, linear: bool) -> Planes:
    """The planes that are to be filtered."""
    if is_partial(channels):
        return colours[:, :, ["rgb".index(letter) for letter in channels]]
    if channels in ("gray", "luma") and colours.shape[2] == 3:
        return colour.measure_brightness(colours, linear)
    return colours


def put_back(values: Planes, original: Planes, colours: Planes, step: Step, maximum: float) -> Planes:
    """The filtered planes among those that were not filtered; `original` is what was there before."""
    channels = step.settings.channels
    if is_partial(channels):
        colours = colours.copy()
        colours[:, :, ["rgb".index(letter) for letter in channels]] = values
        return colours
    if channels == "luma" and colours.shape[2] == 3:
        # Adding the same to red, green and blue leaves Cb and Cr as they are.
        colours = colours + (values - original)
        return colours if step.response == "raw" else np.clip(colours, 0, maximum)
    return values


def filter_planes(
    source: Planes, alpha: Planes | None, step: Step, rows: Axis, columns: Axis, maximum: float
) -> tuple[Planes, Planes | None]:
    """Correlate, divide, combine and mix with the original. `alpha` in pixel units; returned as 0..1."""

    def correlate(planes: Planes) -> list[Planes]:
        padded = pad(
            planes,
            (rows.padding_before, rows.padding_after),
            (columns.padding_before, columns.padding_after),
            step.settings.border,
        )
        sums = [slide(padded, part, choose_factors(part), step) for part in step.weights]
        return divide_all(sums, np.float32(step.divisor))

    def mix(filtered: Planes, original: Planes) -> Planes:
        share = np.float32(step.amount)
        return filtered if share == 1 else share * filtered + (1 - share) * original

    own = source[rows.centers, columns.centers]
    if alpha is None:
        return mix(combine(correlate(source), step.kernel.combine), own), None
    own_alpha = alpha[rows.centers, columns.centers] / np.float32(maximum)
    if step.settings.alpha != "filter" and alpha.min() == maximum:  # opaque: as if there were no alpha
        return mix(combine(correlate(source), step.kernel.combine), own), own_alpha
    alpha = alpha / np.float32(maximum)
    weighted = correlate(source * alpha)
    coverage = correlate(alpha)
    is_mean = step.sum == 1 and step.kernel.combine == "single"
    filters_alpha = step.settings.alpha == "filter" or (
        step.settings.alpha == "auto" and is_mean and step.settings.channels in ("rgb", "gray")
    )
    # Without negative weights the mean is safe for kept alpha too; with them its weight may be 0 where alpha is not.
    if filters_alpha or (is_mean and min(part.min() / step.divisor for part in step.weights) >= 0):
        colours = mix(combine(weighted, step.kernel.combine), own * own_alpha)
        covered = mix(combine(coverage, step.kernel.combine), own_alpha)
        return divide(colours, covered, own), covered if filters_alpha else own_alpha
    # Alpha is kept. Each neighbour counts by its alpha relative to the pixel's own, and what is missing is made
    # up with the pixel's own colour: an even colour gives what it would give without alpha, whatever its shape.
    total = np.float32(step.kernel.sum / step.divisor)
    answers = [
        divide(colours - own * covered, own_alpha, np.zeros_like(own)) + total * own
        for colours, covered in zip(weighted, coverage, strict=True)
    ]
    return mix(combine(answers, step.kernel.combine), own), own_alpha


def divide(numerator: Planes, denominator: Planes, otherwise: Planes) -> Planes:
    """The quotient, or `otherwise` where the denominator is next to nothing."""
    return np.divide(numerator, denominator, out=otherwise.copy(), where=np.abs(denominator) > 1e-5)


def split_alpha(planes: Planes) -> tuple[Planes, Planes | None]:
    """Colour planes, and the alpha plane (height, width, 1) where there is one."""
    if planes.shape[2] in (2, 4):
        return planes[:, :, :-1], planes[:, :, -1:]
    return planes, None


def convert_colour(planes: Planes, convert: Callable[[Planes], Planes]) -> Planes:
    colours, alpha = split_alpha(planes)
    converted = convert(colours)
    return converted if alpha is None else np.concatenate([converted, alpha], axis=2)


def ensure_writable(planes: Planes) -> Planes:
    """To be written into by whoever gets it: TensorFlow's memory may only be read."""
    return np.require(planes, requirements="W")


def round_to(dtype: np.dtype[Any], planes: Planes, maximum: float) -> Image:
    """Round to nearest (halves to even, as NumPy, TensorFlow and OpenCV do) and cut off; float32 stays as it is."""
    if dtype == np.float32:
        return ensure_writable(planes)
    return np.clip(np.rint(planes), 0, maximum).astype(dtype)
