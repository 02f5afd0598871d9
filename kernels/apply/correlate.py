"""Correlation of whole images with weights, and of their parts in the layout of `kernels.apply.bands`."""

import numpy as np

from kernels.apply.bands import Correlate, Group, filter_in_bands, turn_back
from kernels.apply.conv2d import correlate_lanes
from kernels.apply.product import correlate_product
from kernels.apply.separable import Factors, choose_factors
from kernels.geometry import Axis, lay_out_axis
from kernels.padding import Border
from kernels.product import Product
from kernels.types import Image, Planes, Weights


def correlate(
    image: Planes, weights: Weights, stride: tuple[int, int] = (1, 1), dilation: tuple[int, int] = (1, 1)
) -> Planes:
    """Correlate every channel with `weights` as written (not flipped), without padding (VALID), in one 2-D pass.

    image: (height, width, channels) float32. weights: (rows, columns). stride, dilation: (y, x).
    Returns (output height, output width, channels) float32.
    """
    rows, columns = (
        lay_out_axis(image.shape[axis], weights.shape[axis], stride=stride[axis], dilation=dilation[axis], padding=0)
        for axis in (0, 1)
    )
    return correlate_bands(image, rows, columns, "valid", plan_correlation([(weights, None)], rows, columns))


def correlate_image(
    image: Planes, weights: Weights | Product, rows: Axis, columns: Axis, border: Border, tolerance: float = 0.0
) -> Planes:
    """Pad (height, width, channels) float32 and correlate every channel, in 1-D passes where these cost less.

    `tolerance` is that of `correlate_product`. Returns (rows.output, columns.output, channels) float32.
    """
    if isinstance(weights, Product):
        return correlate_product(image, weights, rows, columns, border, tolerance)
    parts = [(weights, choose_factors(weights))]
    return correlate_bands(image, rows, columns, border, plan_correlation(parts, rows, columns))


def correlate_bands(image: Image, rows: Axis, columns: Axis, border: Border, sum_parts: Correlate) -> Planes:
    """The sums of a kernel of one part as they are."""

    def store(group: Group, target: Image) -> None:
        turn_back(group.parts[0], target)

    return filter_in_bands(image, rows, columns, border, sum_parts, store, np.float32)


def plan_correlation(parts: list[tuple[Weights, Factors | None]], rows: Axis, columns: Axis) -> Correlate:
    """A function that returns the sums of each part: with factors in 1-D passes, otherwise in one 2-D pass."""
    stride, dilation = (rows.stride, columns.stride), (rows.dilation, columns.dilation)

    def sum_parts(planes: Planes) -> list[Planes]:
        return [
            correlate_lanes(planes, weights, stride, dilation)
            if factors is None
            else correlate_factors(planes, factors, stride, dilation)
            for weights, factors in parts
        ]

    return sum_parts


def correlate_factors(planes: Planes, factors: Factors, stride: tuple[int, int], dilation: tuple[int, int]) -> Planes:
    """As `conv2d.correlate_lanes` with the sum of the products: a pass along y and one along x for each pair."""
    total: Planes | None = None
    for column, row in factors:
        along_y = correlate_lanes(planes, column, (stride[0], 1), (dilation[0], 1))
        product = correlate_lanes(along_y, row, (1, stride[1]), (1, dilation[1]))
        total = product if total is None else total + product
    assert total is not None
    return total
