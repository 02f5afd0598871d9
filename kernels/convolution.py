"""Apply kernels to pictures: borders, alpha, channels, divisor, bias and response around `engine.correlate`.

A picture is an array of shape (height, width, channels): 1 grey, 2 grey + alpha, 3 RGB, 4 RGBA; alpha is straight.
uint8 holds 0..255 and uint16 0..65535; float32 is taken as 0..255.

In a chain every step gives what its own request would give, but in float32: it is rounded once, at the end.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from kernels import colour, engine
from kernels.arithmetic import Axis, Padding, lay_out_axis
from kernels.borders import pad
from kernels.catalogue import Catalogue
from kernels.custom import CUSTOM
from kernels.errors import KernelParameterError
from kernels.factors import Factors, choose_factors, count_taps
from kernels.kernel import Weights
from kernels.responses import measure_range, respond
from kernels.settings import FilterSettings, Response
from kernels.steps import Step, name_step, resolve_step

Image = NDArray[Any]
Planes = NDArray[np.float32]

STRIP_BYTES = 3_000_000  # of float32: small enough for the cache, large enough that the calls do not count
INT32_END = 2.0**31
"""OpenCV rounds to int32 on its way to uint8."""


@dataclass(frozen=True)
class StepReport:
    """What one step did. Values in pixel units, over the colour planes filtered, where they are seen, unclipped."""

    step: Step
    rows: Axis
    columns: Axis
    channels: int
    minimum: float
    maximum: float
    clipped_percent: float

    @property
    def multiply_adds(self) -> int:
        return count_multiply_adds(self.step, self.rows, self.columns, self.channels)


@dataclass(frozen=True)
class Filtered:
    """A filtered picture, of the input's dtype or, for the response `raw`, float32; and how it came about."""

    image: Image
    reports: tuple[StepReport, ...]


def convolve(
    image: Image,
    kernel: str | Sequence[Sequence[float]] | NDArray[Any],
    *,
    linear: bool = False,
    catalogue: Catalogue | None = None,
    **settings: Any,
) -> Image:
    """Filter one picture with one kernel.

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
    result = filter_image(planes, [step], linear=linear).image
    return result[:, :, 0] if image.ndim == 2 and result.shape[2] == 1 else result


def filter_image(image: Image, steps: Sequence[Step], *, linear: bool = False) -> Filtered:
    """Apply the steps in order. Raises KernelParameterError where one does not fit the picture."""
    if image.ndim != 3 or image.shape[2] not in (1, 2, 3, 4) or 0 in image.shape:
        raise KernelParameterError("image", f"The picture is {image.shape}; it must be (height, width, 1 to 4).")
    if image.dtype not in (np.uint8, np.uint16, np.float32):
        raise KernelParameterError("image", f"The picture is {image.dtype}; it may be uint8, uint16 or float32.")
    maximum = 65535.0 if image.dtype == np.uint16 else 255.0
    if can_run_in_strips(image, steps, linear):
        result, report = filter_in_strips(image, steps[0], maximum)
        return Filtered(result, (report,))
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


def can_run_in_strips(image: Image, steps: Sequence[Step], linear: bool) -> bool:
    """Whether each row of the result hangs on nothing but the rows under the kernel, and is rounded at once."""
    (step, *more), settings = steps, steps[0].settings
    return (
        not more
        and not linear
        and image.dtype != np.float32
        and image.shape[2] in (1, 3)
        and step.response in ("clip", "abs", "offset")
        and step.amount == 1
        and (settings.channels == "rgb" or (settings.channels in ("gray", "luma") and image.shape[2] == 1))
        and settings.stride == (1, 1)
    )


def filter_in_strips(image: Image, step: Step, maximum: float) -> tuple[Image, StepReport]:
    """What `apply_step` and `round_to` give, but the floats of one strip of rows stay in the processor's cache."""
    rows, columns = lay_out(step, image.shape[0], image.shape[1])
    padded = pad(
        image,
        (rows.padding_before, rows.padding_after),
        (columns.padding_before, columns.padding_after),
        step.settings.border,
    )
    plans = [(part, choose_factors(part)) for part in step.weights]
    bias, divisor = np.float32(step.settings.pick_bias(maximum)), np.float32(step.divisor)
    result = np.empty((rows.output, columns.output, image.shape[2]), image.dtype)
    height = max(1, STRIP_BYTES // (4 * padded.shape[1] * padded.shape[2]))
    overlap = padded.shape[0] - rows.output
    lowest, highest, clipped = np.inf, -np.inf, 0.0
    spare = np.empty((min(height, rows.output), *result.shape[1:]), np.float32)
    for top in range(0, rows.output, height):
        strip = padded[top : top + height + overlap].astype(np.float32)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            sums = [slide(strip, part, factors, step) for part, factors in plans]
            values = combine(divide_all(sums, divisor), step.kernel.combine)
            values = values + bias if bias else values
        low, high, clipped_percent = measure_range(values, step.response, maximum)
        lowest, highest = min(lowest, low), max(highest, high)
        clipped += clipped_percent * values.size
        check_range(step, low, high)
        store(values, step.response, maximum, low, high, spare, result[top : top + height])
    return result, StepReport(step, rows, columns, image.shape[2], lowest, highest, clipped / result.size)


def store(
    values: Planes, response: Response, maximum: float, lowest: float, highest: float, spare: Planes, result: Image
) -> None:
    """Bring into range, round halves to even and write into `result`; `spare` is written over."""
    spare = spare[: len(values)]
    if response in ("clip", "abs") and result.dtype == np.uint8 and max(-lowest, highest) < INT32_END:
        import cv2

        positive = values if response == "abs" or lowest >= 0 else np.maximum(values, 0, out=spare)
        cv2.convertScaleAbs(positive, dst=result)  # the absolute value, rounded, cut off at 255: all in one pass
    else:
        result[...] = np.rint(respond(values, response, maximum, lowest, highest), out=spare)


def divide_all(sums: list[Planes], divisor: np.float32) -> list[Planes]:
    return sums if divisor == 1 else [total / divisor for total in sums]


def slide(padded: Planes, weights: Weights, factors: Factors | None, step: Step) -> Planes:
    """In one pass, or with `factors` in passes along y and x."""
    if factors is None:
        return engine.correlate(padded, weights, step.settings.stride, step.settings.dilation)
    return engine.correlate_factors(padded, factors, step.settings.stride, step.settings.dilation)


def combine(answers: list[Planes], how: str) -> Planes:
    """Put the answers of the parts of a kernel together."""
    if how == "magnitude":
        return cast(Planes, np.sqrt(sum(answer**2 for answer in answers)))
    if how == "maximum":
        return np.maximum.reduce(answers)
    return answers[0]


def divide(numerator: Planes, denominator: Planes, otherwise: Planes) -> Planes:
    """The quotient, or `otherwise` where the denominator is next to nothing."""
    return np.divide(numerator, denominator, out=otherwise.copy(), where=np.abs(denominator) > 1e-5)


def lay_out(step: Step, height: int, width: int) -> tuple[Axis, Axis]:
    """The arithmetic of one step along y and x. Raises KernelParameterError where the kernel does not fit."""
    settings = step.settings
    padding: Padding = "VALID" if settings.border == "valid" else "SAME"
    anchor_x, anchor_y = settings.anchor or (None, None)
    (kernel_height, kernel_width), (stride_y, stride_x) = step.kernel.shape, settings.stride
    dilation_y, dilation_x = settings.dilation
    try:
        return (
            lay_out_axis(height, kernel_height, stride=stride_y, dilation=dilation_y, padding=padding, anchor=anchor_y),
            lay_out_axis(width, kernel_width, stride=stride_x, dilation=dilation_x, padding=padding, anchor=anchor_x),
        )
    except KernelParameterError as error:
        raise KernelParameterError("border", f"{error} Any border but 'valid' pads it.") from None


def plan_steps(steps: Sequence[Step], height: int, width: int) -> list[tuple[Axis, Axis]]:
    """The arithmetic of a whole chain, without a pixel. Raises KernelParameterError, with the step named."""
    plan = []
    for number, step in enumerate(steps, 1):
        try:
            rows, columns = lay_out(step, height, width)
        except KernelParameterError as error:
            raise name_step(error, number, step.kernel.name) if len(steps) > 1 else error from None
        plan.append((rows, columns))
        height, width = rows.output, columns.output
    return plan


def count_multiply_adds(step: Step, rows: Axis, columns: Axis, channels: int) -> int:
    """For the whole picture, by the way that will be taken."""
    return rows.output * columns.output * channels * sum(count_taps(part) for part in step.kernel.parts)


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
