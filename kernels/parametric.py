"""Weights worked out from parameters. Lengths in pixels, angles in degrees, counter-clockwise from the x axis.

Every function returns float64 weights of shape (size, size); without a `size` it takes the smallest odd one
that holds the shape.
"""

import math

import numpy as np
from numpy.typing import NDArray

from kernels.errors import KernelParameterError
from kernels.kernel import MAX_SIDE, Weights


def make_box(size: int = 3) -> Weights:
    """The mean of size × size pixels."""
    return np.full((size, size), 1 / size**2)


def make_gaussian(sigma: float, size: int | None = None) -> Weights:
    """exp(-r²/2σ²), summing to 1; reaches 3σ."""
    _, _, squared = lay_grid(size or enclose(3 * sigma))
    weights = np.exp(-squared / (2 * sigma**2))
    return weights / weights.sum()


def make_disk(radius: float, size: int | None = None) -> Weights:
    """The mean over the pixels whose centres lie within `radius`, as a lens out of focus spreads a point."""
    _, _, squared = lay_grid(size or enclose(math.floor(radius)))
    inside = (squared <= radius**2).astype(np.float64)
    return inside / inside.sum()


def make_motion(length: float, angle: float = 0.0, size: int | None = None) -> Weights:
    """The mean along a line of `length` pixels; a pixel counts by 1 - its distance to the line.

    Source: fspecial('motion') of MATLAB and Octave.
    """
    half = (length - 1) / 2
    x, y, _ = lay_grid(size or enclose(half))
    direction = math.radians(angle)
    along = x * math.cos(direction) - y * math.sin(direction)
    across = x * math.sin(direction) + y * math.cos(direction)
    beyond = np.maximum(np.abs(along) - half, 0)
    weights = np.maximum(1 - np.hypot(beyond, across), 0)
    return weights / weights.sum()


def make_unsharp(sigma: float, amount: float = 1.0, size: int | None = None) -> Weights:
    """The image plus `amount` times what a Gaussian blur takes away from it."""
    gaussian = make_gaussian(sigma, size)
    return make_identity(len(gaussian)) * (1 + amount) - amount * gaussian


def make_laplacian_of_gaussian(sigma: float, size: int | None = None) -> Weights:
    """(r² - 2σ²)/σ⁴ times the Gaussian, made to sum to 0; reaches 4σ. Source: Marr and Hildreth 1980."""
    side = size or enclose(4 * sigma)
    _, _, squared = lay_grid(side)
    weights = (squared - 2 * sigma**2) / sigma**4 * make_gaussian(sigma, side)
    return weights - weights.mean()


def make_difference_of_gaussians(sigma1: float, sigma2: float, size: int | None = None) -> Weights:
    """The narrower Gaussian minus the wider one; reaches 3 times the wider sigma."""
    if sigma1 >= sigma2:
        raise KernelParameterError("sigma1", f"sigma1 ({sigma1:g}) must be smaller than sigma2 ({sigma2:g}).")
    side = size or enclose(3 * sigma2)
    return make_gaussian(sigma1, side) - make_gaussian(sigma2, side)


def make_gabor(wavelength: float, angle: float = 0.0, sigma: float = 3.0, size: int | None = None) -> Weights:
    """A cosine wave under a Gaussian, running in the direction of `angle`; reaches 3σ.

    Made to sum to 0 with positive weights that sum to 1, so that an even area gives 0 and no answer exceeds
    the range. Source: Daugman 1985, equation 1, the even part.
    """
    side = size or enclose(3 * sigma)
    x, y, _ = lay_grid(side)
    direction = math.radians(angle)
    along = x * math.cos(direction) - y * math.sin(direction)
    envelope = make_gaussian(sigma, side)
    weights = envelope * np.cos(2 * np.pi * along / wavelength)
    weights -= envelope * weights.sum()
    positive = weights[weights > 0].sum()
    return weights / positive if positive > 0 else weights


def make_identity(size: int) -> Weights:
    weights = np.zeros((size, size))
    weights[size // 2, size // 2] = 1
    return weights


def turn_compass(weights: Weights) -> tuple[Weights, ...]:
    """The eight 3 × 3 kernels got by moving the outer ring of `weights` on by one place at a time (45°)."""
    ring = [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0)]
    turned = []
    for places in range(8):
        copy = weights.copy()
        for index, (row, column) in enumerate(ring):
            copy[ring[(index + places) % 8]] = weights[row, column]
        turned.append(copy)
    return tuple(turned)


def enclose(reach: float) -> int:
    """The smallest odd size that reaches `reach` pixels to each side, at most 63."""
    return min(2 * math.ceil(reach) + 1, MAX_SIDE)


def lay_grid(size: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """x (to the right), y (downwards) and x² + y² of every weight, from the middle one."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    return x, y, x**2 + y**2
