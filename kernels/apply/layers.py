"""Applies a layer: convolution over all maps by `tf.nn.conv2d`, ReLU, pooling.

Maps are (height, width, maps) float32 in pixel units, with a further plane for alpha if they have it. Between steps
they are straight like images: a layer multiplies them by alpha, and divides its result by alpha, so that invisible
pixels do not contribute.

A layer is applied to strips of rows, each by one call of `tf.nn.conv2d`: the memory of an intermediate result is that
of a strip, and it fits the processor's cache.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from kernels.apply.alpha import MIN_DENOMINATOR
from kernels.apply.conv2d import run_conv2d
from kernels.apply.pool2d import count_covered, pool_maps
from kernels.apply.response import apply_response, measure_range
from kernels.apply.row_strips import STRIP_BYTES
from kernels.apply.shapes import PlannedStep, convert_channels, sees_alpha
from kernels.colour import measure_brightness
from kernels.errors import KernelParameterError
from kernels.geometry import Axis
from kernels.layers.layer import Convolution, Pooling, Selection
from kernels.layers.step import LayerStep
from kernels.padding import Border, pad
from kernels.settings import Response, scale_bias
from kernels.types import Image, Planes


@dataclass(frozen=True)
class LayerReport:
    """The geometry and the values of one applied layer. The values are those before the response, of visible pixels."""

    plan: PlannedStep
    step: LayerStep
    minimum: float
    maximum: float
    clipped_percent: float

    @property
    def rows(self) -> Axis:
        return self.plan.rows

    @property
    def columns(self) -> Axis:
        return self.plan.columns

    @property
    def multiply_adds(self) -> int:
        return self.plan.multiply_adds


@dataclass(frozen=True)
class LayerWork:
    """A layer and what its arithmetic needs."""

    plan: PlannedStep
    step: LayerStep
    response: Response | None
    """None leaves the values as they are."""
    maximum: float
    """White."""
    linear: bool


def apply_layer(
    image: Image, work: LayerWork, prepare: Callable[[Image], Planes], finish: Callable[[Planes], Image]
) -> tuple[Image, LayerReport]:
    """Apply one layer to (height, width, channels). `prepare` converts the rows under a strip to float32, `finish` its
    results. Raises KernelParameterError if the values overflow float32.
    """
    plan, rows, columns = work.plan, work.plan.rows, work.plan.columns
    padded = pad(
        image,
        (rows.padding_before, rows.padding_after),
        (columns.padding_before, columns.padding_after),
        choose_border(work.step),
    )
    whole_columns = replace(columns, input=padded.shape[1], padding_before=0, padding_after=0)
    row_bytes = 4 * max(padded.shape[1] * rows.stride * plan.before.planes, columns.output * plan.after.planes)
    height = max(1, STRIP_BYTES // row_bytes, 2 * rows.footprint // rows.stride)
    if work.response == "rescale":  # needs the range of all values
        height = rows.output
    result: Image | None = None
    lowest, highest, clipped, count = np.inf, -np.inf, 0.0, 0
    for top in range(0, rows.output, height):
        results = min(height, rows.output - top)
        length = (results - 1) * rows.stride + rows.footprint
        strip = prepare(padded[top * rows.stride : top * rows.stride + length])
        strip_rows = replace(rows, input=length, padding_before=0, padding_after=0)
        with np.errstate(over="ignore", invalid="ignore"):  # measure_values raises for these
            values, alpha = compute_strip(strip, work, strip_rows, whole_columns, top)
        visible = values if alpha is None or alpha.min() > 0 else values[alpha[:, :, 0] > 0]
        least, most, percent = measure_values(visible, work)
        if visible.size:
            lowest, highest = min(lowest, least), max(highest, most)
        clipped, count = clipped + percent * visible.size, count + visible.size
        if work.response is not None and work.response != "raw":
            values = apply_response(values, work.response, work.maximum, least, most)
        finished = finish(values if alpha is None else np.concatenate([values, alpha], axis=2))
        if result is None:
            result = np.empty((rows.output, *finished.shape[1:]), finished.dtype)
        result[top : top + results] = finished
    assert result is not None
    if not count:
        lowest = highest = 0.0
    return result, LayerReport(plan, work.step, float(lowest), float(highest), clipped / max(1, count))


def measure_values(visible: Planes, work: LayerWork) -> tuple[float, float, float]:
    """As `measure_range`. Raises KernelParameterError if the values overflow float32."""
    lowest, highest, clipped_percent = measure_range(visible, work.response or "raw", work.maximum)
    if not np.isfinite([lowest, highest]).all():
        raise KernelParameterError(
            "weights",
            f"The values of '{work.step.name}' exceed the range of float32 (about 3e38): use smaller weights or "
            "biases.",
        )
    return lowest, highest, clipped_percent


def choose_border(step: LayerStep) -> Border:
    """The border that pads the image. Repeated edges are never larger or smaller than the edge in the same window."""
    if not isinstance(step.layer, Pooling) or step.border == "valid":
        return step.border
    return "zero" if step.layer.kind == "average" else "edge"


def compute_strip(planes: Planes, work: LayerWork, rows: Axis, columns: Axis, top: int) -> tuple[Planes, Planes | None]:
    """The values of a layer and their alpha, without padding. `top` is the row of the first result."""
    plan, step = work.plan, work.step
    maps, alpha = (planes[:, :, :-1], planes[:, :, -1:]) if plan.before.has_alpha else (planes, None)
    if step.channels == "gray" and maps.shape[2] == 3:
        maps = measure_brightness(maps, work.linear)
    if isinstance(step.layer, Convolution):
        return convolve_maps(maps, alpha, step.layer, work, rows, columns)
    if isinstance(step.layer, Pooling):
        return pool_with_alpha(maps, alpha, step.layer, work, rows, columns, top)
    return maps[:, :, list(step.layer.maps)] if isinstance(step.layer, Selection) else np.maximum(maps, 0), alpha


def convolve_maps(
    maps: Planes, alpha: Planes | None, layer: Convolution, work: LayerWork, rows: Axis, columns: Axis
) -> tuple[Planes, Planes | None]:
    """The outputs of a convolution, and their alpha. With alpha, colours are premultiplied before and divided after.

    The bias is multiplied by alpha, as in feConvolveMatrix of SVG: it is the weight of an input that is white
    everywhere, and white is premultiplied like the other inputs.
    """
    white = np.float32(work.maximum)
    takes_alpha = sees_alpha(layer, convert_channels(work.step, work.plan.before))
    if takes_alpha and alpha is None:
        alpha = np.full((*maps.shape[:2], 1), white, np.float32)
    if maps.shape[2] == 1 and layer.inputs >= 3:
        maps = np.repeat(maps, 3, axis=2)
    if alpha is not None and alpha.min() < white:
        maps = maps * (alpha / white)
    if takes_alpha and alpha is not None:
        maps = np.concatenate([maps, alpha], axis=2)
    filters = layer.linear_weights if work.linear and layer.linear_weights is not None else layer.weights
    values = run_conv2d(
        np.ascontiguousarray(maps)[None], filters, (rows.stride, columns.stride), (rows.dilation, columns.dilation)
    )[0]
    own_alpha = None if alpha is None or takes_alpha else alpha[rows.centers, columns.centers]
    if layer.has_bias:
        bias = np.array([scale_bias(each, work.maximum) for each in layer.bias], np.float32)
        values = values + (bias if own_alpha is None else bias * (own_alpha / white))
    if layer.is_rectified:
        values = np.maximum(values, 0)
    if takes_alpha:
        if not work.plan.after.has_alpha:
            return values, None
        values, own_alpha = values[:, :, :-1], np.clip(values[:, :, -1:], 0, white)
    return divide_by_alpha(values, own_alpha, work.maximum), own_alpha


def pool_with_alpha(
    maps: Planes, alpha: Planes | None, layer: Pooling, work: LayerWork, rows: Axis, columns: Axis, top: int
) -> tuple[Planes, Planes | None]:
    """Pool maps, premultiplied by alpha, and alpha itself, unless the setting `alpha` is `keep`.

    As feMorphology of SVG, which dilates premultiplied colours and alpha: a cut-out grows or shrinks.
    """
    white = np.float32(work.maximum)
    is_opaque = alpha is None or alpha.min() == white
    planes = maps if alpha is None else np.concatenate([maps if is_opaque else maps * (alpha / white), alpha], axis=2)
    pooled = pool_maps(planes, layer.kind, rows, columns)
    if layer.kind == "average":  # the padding is not counted
        along_y = count_covered(work.plan.rows)[top : top + len(pooled), None, None]
        along_x = count_covered(work.plan.columns)[None, :, None]
        pooled = pooled * (np.float32(rows.kernel) / along_y) * (np.float32(columns.kernel) / along_x)
    if alpha is None:
        return pooled, None
    values, own_alpha = pooled[:, :, :-1], alpha[rows.centers, columns.centers]
    if is_opaque:
        return values, own_alpha
    pooled_alpha = pooled[:, :, -1:]
    keeps_alpha = work.step.settings.alpha == "keep"
    return divide_by_alpha(values, pooled_alpha, work.maximum), own_alpha if keeps_alpha else pooled_alpha


def divide_by_alpha(values: Planes, alpha: Planes | None, maximum: float) -> Planes:
    """Straight values from premultiplied ones; 0 where alpha is 0."""
    if alpha is None or alpha.min() == maximum:
        return values
    share = alpha / np.float32(maximum)
    return np.divide(values, share, out=np.zeros_like(values), where=share > MIN_DENOMINATOR)
