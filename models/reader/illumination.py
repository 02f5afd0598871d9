"""Remove the smooth illumination of a photograph: dark corners, a lamp at one side, a soft shadow."""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from models.types import Grey

LIGHT_SIDE = 32  # pixels: illumination is smooth, so a small image is enough to estimate it
DEGREE = 4  # of the polynomial in x and y: a lens's falloff towards the corners is one of degree 4
ROUNDS = 6  # of reweighting
TOLERANCE = 2.0  # median absolute residuals at which a pixel has half of its weight
DARKEST_PAPER = 0.02  # of full white: darker pixels have no meaningful logarithm
MIN_FALLOFF = 0.15  # of the brightest light: below, the image is evenly lit
PARTS = 4  # along each side, for the quick test whether an image is evenly lit
EXPLAINED = 0.25  # times the image's own deviation, at most, is left after the fit if illumination explains it
MAX_RESIDUAL = 0.04  # of the logarithm; more is left beside the hard edge of a shadow, which no polynomial follows


def flatten_illumination(grey: Grey) -> Grey:
    """The image (height, width) in 0..1 as if evenly lit. An evenly lit image is returned as it is.

    Illumination multiplies the brightness of ink and of paper. It is a polynomial surface fitted to the logarithm
    of the image. The fit is robust (Cauchy's weights), so strokes do not take part, whatever their polarity.
    """
    height, width = grey.shape
    scale = min(1.0, LIGHT_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if min(size) <= DEGREE:
        return grey
    small = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.float32)
    if is_evenly_lit(small):
        return grey
    logarithm = np.log(np.maximum(small, DARKEST_PAPER)).astype(np.float64)
    surface, left = fit_surface(logarithm)
    falloff = 1 - float(np.exp(surface.min() - surface.max()))
    own = float(np.median(np.abs(logarithm - np.median(logarithm))))
    if falloff < MIN_FALLOFF or left > min(EXPLAINED * own, MAX_RESIDUAL):
        return grey
    light = np.exp(surface - surface.max()).astype(np.float32)
    light = cv2.resize(light, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.minimum(grey / light, 1), np.float32)


def is_evenly_lit(small: Grey) -> bool:
    """Whether the paper, the most frequent tone, is equally light in all sixteen parts of an image (height, width).

    A fraction of the time of a fit, and enough for most drawings and scans.
    """
    rows, columns = small.shape[0] // PARTS, small.shape[1] // PARTS
    parts = np.maximum(small, DARKEST_PAPER)[: PARTS * rows, : PARTS * columns].reshape(PARTS, rows, PARTS, columns)
    paper = float(np.median(parts))
    for extremes in (parts.max(axis=(1, 3)), parts.min(axis=(1, 3))):
        low, high = float(extremes.min()), float(extremes.max())
        if low > (1 - MIN_FALLOFF) * high and low > (1 - MIN_FALLOFF) * paper and paper > (1 - MIN_FALLOFF) * high:
            return True
    return False


def fit_surface(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """(surface (height, width), median absolute residual) of a robust fit by iteratively reweighted least squares."""
    terms = list_terms(values.shape[0], values.shape[1])
    target = values.ravel()
    weights = np.ones_like(target)
    left = 0.0
    surface = target
    for _ in range(ROUNDS):
        weighted = terms * weights[:, None]
        ridge = 1e-9 * len(target) * np.eye(terms.shape[1])
        surface = terms @ np.linalg.solve(weighted.T @ terms + ridge, weighted.T @ target)
        residuals = np.abs(target - surface)
        left = float(np.median(residuals))
        weights = 1 / (1 + (residuals / max(TOLERANCE * left, 1e-4)) ** 2)
    return surface.reshape(values.shape), left


@cache
def list_terms(height: int, width: int) -> NDArray[np.float64]:
    """The polynomial's terms (pixels, terms) at each pixel, with x and y in -1..1."""
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    powers = [(i, j) for i in range(DEGREE + 1) for j in range(DEGREE + 1 - i)]
    return np.stack([(y**i * x**j).ravel() for i, j in powers], axis=1)
