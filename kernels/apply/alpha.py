"""Transparency: colours are weighted by alpha, so that invisible pixels do not contribute to the result."""

import numpy as np
from numpy.typing import NDArray

from kernels.apply.median import find_medians, find_visible_medians
from kernels.apply.planes import correlate_parts, filter_planes, mix
from kernels.apply.response import combine_parts
from kernels.chain import Step
from kernels.geometry import Axis
from kernels.padding import MAX_CHANNELS
from kernels.types import Image, Planes

MIN_DENOMINATOR = 1e-5


def split_alpha(planes: Planes, has_alpha: bool | None = None) -> tuple[Planes, Planes | None]:
    """The colour planes, and the alpha plane (height, width, 1) if there is one. Both without gaps in memory.

    has_alpha: whether the last plane is alpha. None: it is if there are 2 or 4.
    """
    import cv2

    if not (planes.shape[2] in (2, 4) if has_alpha is None else has_alpha):
        return planes, None
    if planes.shape[2] > MAX_CHANNELS:
        return np.ascontiguousarray(planes[:, :, :-1]), np.ascontiguousarray(planes[:, :, -1:])
    *colours, alpha = cv2.split(planes)
    merged: Planes = np.asarray(cv2.merge(colours), np.float32)
    return merged.reshape(*planes.shape[:2], -1), np.asarray(alpha, np.float32)[:, :, None]


def join_alpha(colours: Planes, alpha: Planes) -> Planes:
    """The inverse of `split_alpha`."""
    import cv2

    if colours.shape[2] >= MAX_CHANNELS:
        return np.concatenate([colours, alpha], axis=2)
    return np.asarray(cv2.merge([*cv2.split(colours), alpha]))


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
    weighted = correlate_parts(colours * spread(alpha, colours), step, rows, columns)
    coverage = correlate_parts(alpha, step, rows, columns)
    is_mean = step.sum == 1 and step.kernel.combine == "single"
    filters_alpha = step.settings.alpha == "filter" or (
        step.settings.alpha == "auto" and is_mean and step.settings.channels in ("rgb", "gray")
    )
    # Without negative weights the weighted mean is safe for kept alpha, too. With negative weights, the coverage of a
    # visible pixel can be 0.
    if filters_alpha or (is_mean and min(part.min() / step.divisor for part in step.weights) >= 0):
        sums = mix(combine_parts(weighted, step.kernel.combine), own * spread(own_alpha, own), step.amount)
        covered = mix(combine_parts(coverage, step.kernel.combine), own_alpha, step.amount)
        return divide(sums, covered, own), covered if filters_alpha else own_alpha
    # Alpha is kept. The weight of a neighbour is its alpha relative to the alpha of the pixel, and the colour of the
    # pixel makes up for the missing weight: a uniform colour gives the same result as without alpha.
    total = np.float32(step.kernel.sum / step.divisor)
    results = [
        divide(sums - own * spread(covered, own), own_alpha, np.zeros_like(own)) + total * own
        for sums, covered in zip(weighted, coverage, strict=True)
    ]
    return mix(combine_parts(results, step.kernel.combine), own, step.amount), own_alpha


def divide(numerator: Planes, denominator: Planes, fallback: Planes) -> Planes:
    """The quotient, or `fallback` if the denominator (height, width, 1) is nearly 0."""
    is_small = np.abs(denominator) <= MIN_DENOMINATOR
    quotient = numerator / spread(np.where(is_small, np.float32(1), denominator), numerator)
    replace_pixels(quotient, is_small, fallback)
    return quotient


def spread(plane: Planes, planes: Planes) -> Planes:
    """A plane (height, width, 1) as often as `planes` has channels.

    NumPy takes several times as long for an operation that repeats values along the last axis, as its loop is over
    three values at a time.
    """
    import cv2

    channels = planes.shape[2]
    if channels > MAX_CHANNELS:
        return np.broadcast_to(plane, planes.shape)
    return plane if channels == 1 else np.asarray(cv2.merge([plane] * channels))


def replace_pixels(planes: Planes, are_replaced: NDArray[np.bool_], others: Planes | float) -> None:
    """Write the pixels of `others` where `are_replaced` (height, width, 1) is true, in place."""
    chosen = np.nonzero(are_replaced[:, :, 0])
    planes[chosen] = others if isinstance(others, (int, float)) else others[chosen]
