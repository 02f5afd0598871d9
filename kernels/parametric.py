"""Weights that follow from parameters. Lengths are in pixels, angles in degrees, counter-clockwise from the x axis.

Every function returns float64 weights of shape (size, size). The default size is the smallest odd one that contains
the shape, at most 63. Longer blurs are a `Product`.
"""

import math

import numpy as np

from kernels.errors import KernelParameterError
from kernels.kernel import MAX_LENGTH, MAX_SIDE
from kernels.product import Product
from kernels.types import Matrix, Vector, Weights


def make_box(size: int = 3) -> Weights:
    """The mean of size × size pixels."""
    return np.full((size, size), 1 / size**2)


def make_box_blur(size: int) -> Weights | Product:
    """As `make_box`, of any size."""
    if size <= MAX_SIDE:
        return make_box(size)
    line = np.full(size, 1 / size)
    return Product(line, line)


def make_gaussian(sigma: float, size: int | None = None) -> Weights:
    """exp(-r²/2σ²), normalised to sum to 1. Default size: 3σ on each side."""
    _, _, squared = make_grid(size or choose_size(3 * sigma))
    weights = np.exp(-squared / (2 * sigma**2))
    return weights / weights.sum()


def make_gaussian_blur(sigma: float, size: int | None = None) -> Weights | Product:
    """As `make_gaussian`, of any size."""
    side = size or choose_size(3 * sigma, MAX_LENGTH)
    if side <= MAX_SIDE:
        return make_gaussian(sigma, side)
    line = np.exp(-(make_line(side) ** 2) / (2 * sigma**2))
    line /= line.sum()
    return Product(line, line)


def make_disk(radius: float, size: int | None = None) -> Weights:
    """The mean of the pixels whose centres lie within `radius`: the image of a point out of focus."""
    _, _, squared = make_grid(size or choose_size(math.floor(radius)))
    inside = (squared <= radius**2).astype(np.float64)
    return inside / inside.sum()


def make_motion(length: float, angle: float = 0.0, size: int | None = None) -> Weights:
    """The mean along a line of `length` pixels. The weight of a pixel is 1 minus its distance from the line.

    Source: fspecial('motion') of MATLAB and Octave.
    """
    half = (length - 1) / 2
    x, y, _ = make_grid(size or choose_size(half))
    direction = math.radians(angle)
    along = x * math.cos(direction) - y * math.sin(direction)
    across = x * math.sin(direction) + y * math.cos(direction)
    beyond = np.maximum(np.abs(along) - half, 0)
    weights = np.maximum(1 - np.hypot(beyond, across), 0)
    return weights / weights.sum()


def make_motion_blur(length: float, angle: float = 0.0, size: int | None = None) -> Weights | Product:
    """As `make_motion`, of any size along an axis: one row, or one column.

    Raises KernelParameterError for a long kernel at another angle.
    """
    half = (length - 1) / 2
    side = size or choose_size(half, MAX_LENGTH)
    if side <= MAX_SIDE:
        return make_motion(length, angle, side)
    if angle % 90:
        name, value = ("length", length) if size is None else ("size", size)
        raise KernelParameterError(
            name,
            f"{name} is {value:g} at an angle of {angle:g}°; it may be 1 to {MAX_SIDE}, or more if the angle is a "
            "multiple of 90.",
        )
    line = np.maximum(1 - np.maximum(np.abs(make_line(side)) - half, 0), 0)
    line /= line.sum()
    return Product(np.ones(1), line) if angle % 180 == 0 else Product(line, np.ones(1))


def make_unsharp(sigma: float, amount: float = 1.0, size: int | None = None) -> Weights:
    """The image plus `amount` times its difference from a Gaussian blur."""
    gaussian = make_gaussian(sigma, size)
    return make_identity(len(gaussian)) * (1 + amount) - amount * gaussian


def make_laplacian_of_gaussian(sigma: float, size: int | None = None) -> Weights:
    """(r² - 2σ²)/σ⁴ times the Gaussian, shifted to sum to 0. Default size: 4σ on each side.

    Source: Marr and Hildreth 1980.
    """
    side = size or choose_size(4 * sigma)
    _, _, squared = make_grid(side)
    weights = (squared - 2 * sigma**2) / sigma**4 * make_gaussian(sigma, side)
    return weights - weights.mean()


def make_difference_of_gaussians(sigma1: float, sigma2: float, size: int | None = None) -> Weights:
    """The narrower Gaussian minus the wider one. Default size: 3 times the wider sigma on each side."""
    if sigma1 >= sigma2:
        raise KernelParameterError("sigma1", f"sigma1 ({sigma1:g}) must be smaller than sigma2 ({sigma2:g}).")
    side = size or choose_size(3 * sigma2)
    return make_gaussian(sigma1, side) - make_gaussian(sigma2, side)


def make_gabor(wavelength: float, angle: float = 0.0, sigma: float = 3.0, size: int | None = None) -> Weights:
    """A cosine wave in the direction of `angle` under a Gaussian envelope. Default size: 3σ on each side.

    The weights sum to 0 and the positive ones to 1: a uniform area gives 0 and no result exceeds the range.
    Source: Daugman 1985, equation 1, the even part.
    """
    side = size or choose_size(3 * sigma)
    x, y, _ = make_grid(side)
    direction = math.radians(angle)
    along = x * math.cos(direction) - y * math.sin(direction)
    envelope = make_gaussian(sigma, side)
    weights = envelope * np.cos(2 * np.pi * along / wavelength)
    weights -= envelope * weights.sum()
    positive = weights[weights > 0].sum()
    return weights / positive if positive > 0 else weights


def make_identity(size: int) -> Weights:
    """1 in the middle, 0 elsewhere."""
    weights = np.zeros((size, size))
    weights[size // 2, size // 2] = 1
    return weights


def turn_compass(weights: Weights) -> tuple[Weights, ...]:
    """Eight 3 × 3 kernels: `weights` turned by 45° seven times, which moves the outer ring by one weight at a time."""
    ring = [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0)]
    turned = []
    for offset in range(8):
        copy = weights.copy()
        for index, (row, column) in enumerate(ring):
            copy[ring[(index + offset) % 8]] = weights[row, column]
        turned.append(copy)
    return tuple(turned)


def choose_size(reach: float, limit: int = MAX_SIDE) -> int:
    """The smallest odd size that extends `reach` pixels on each side of the middle, at most `limit`."""
    return min(2 * math.ceil(reach) + 1, limit)


def make_line(size: int) -> Vector:
    """The position of every weight of a row, measured from the middle."""
    return np.arange(size, dtype=np.float64) - (size - 1) / 2


def make_grid(size: int) -> tuple[Matrix, Matrix, Matrix]:
    """x (to the right), y (downwards) and x² + y² of every weight, measured from the middle."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    return x, y, x**2 + y**2
