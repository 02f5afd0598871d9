"""Transparency: colours are weighted by alpha, so that invisible pixels do not contribute to the result."""

import numpy as np

from kernels.apply.median import find_medians, find_visible_medians
from kernels.apply.planes import correlate_parts, filter_planes, mix
from kernels.apply.response import combine_parts
from kernels.chain import Step
from kernels.geometry import Axis
from kernels.types import Image, Planes

MIN_DENOMINATOR = 1e-5


def split_alpha(planes: Planes, has_alpha: bool | None = None) -> tuple[Planes, Planes | None]:
    """The colour planes, and the alpha plane (height, width, 1) if there is one. An image of 2 or 4 planes has one."""
    if planes.shape[2] in (2, 4) if has_alpha is None else has_alpha:
        return planes[:, :, :-1], planes[:, :, -1:]
    return planes, None


def drop_opaque_alpha(image: Image, step: Step, maximum: float) -> Image:
    """The colours without an alpha that is opaque everywhere and kept: they give the same result."""
    if image.shape[2] % 2 or step.settings.alpha == "filter" or image[:, :, -1].min() < maximum:
        return image
    return np.ascontiguousarray(image[:, :, :-1])


def add_opaque_alpha(image: Image, maximum: float) -> Image:
    return np.dstack([image, np.full(image.shape[:2], maximum, image.dtype)])


def filter_with_alpha(
    colours: Planes, alpha: Planes, step: Step, rows: Axis, columns: Axis, maximum: float
) -> tuple[Planes, Planes]:
    """Filter colours and alpha, both in pixel units. Returns the colours without bias, and alpha as 0..1."""
    own = colours[rows.centers, columns.centers]
    own_alpha = alpha[rows.centers, columns.centers] / np.float32(maximum)
    if step.settings.alpha != "filter" and alpha.min() == maximum:  # opaque
        return filter_planes(colours, step, rows, columns), own_alpha
    alpha = alpha / np.float32(maximum)
    if step.kernel.combine == "median":
        border = step.settings.border
        medians = find_visible_medians(colours, alpha[:, :, 0] > 0, rows, columns, border)
        filters_alpha = step.settings.alpha == "filter"
        covered = find_medians(alpha, rows, columns, border) if filters_alpha else own_alpha
        return mix(medians, own, step.amount), mix(covered, own_alpha, step.amount)
    weighted = correlate_parts(colours * alpha, step, rows, columns)
    coverage = correlate_parts(alpha, step, rows, columns)
    is_mean = step.sum == 1 and step.kernel.combine == "single"
    filters_alpha = step.settings.alpha == "filter" or (
        step.settings.alpha == "auto" and is_mean and step.settings.channels in ("rgb", "gray")
    )
    # Without negative weights the weighted mean is safe for kept alpha, too. With negative weights, the coverage of a
    # visible pixel can be 0.
    if filters_alpha or (is_mean and min(part.min() / step.divisor for part in step.weights) >= 0):
        sums = mix(combine_parts(weighted, step.kernel.combine), own * own_alpha, step.amount)
        covered = mix(combine_parts(coverage, step.kernel.combine), own_alpha, step.amount)
        return divide(sums, covered, own), covered if filters_alpha else own_alpha
    # Alpha is kept. The weight of a neighbour is its alpha relative to the alpha of the pixel, and the colour of the
    # pixel makes up for the missing weight: a uniform colour gives the same result as without alpha.
    total = np.float32(step.kernel.sum / step.divisor)
    results = [
        divide(sums - own * covered, own_alpha, np.zeros_like(own)) + total * own
        for sums, covered in zip(weighted, coverage, strict=True)
    ]
    return mix(combine_parts(results, step.kernel.combine), own, step.amount), own_alpha


def divide(numerator: Planes, denominator: Planes, fallback: Planes) -> Planes:
    """The quotient, or `fallback` if the denominator is nearly 0."""
    return np.divide(numerator, denominator, out=fallback.copy(), where=np.abs(denominator) > MIN_DENOMINATOR)
