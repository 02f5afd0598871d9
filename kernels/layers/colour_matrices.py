"""Colour matrices as convolutions of 1 × 1: each row gives an output from red, green and blue.

`SEPIA`, `make_saturation` and `make_hue_turn` are those of CSS. Source: Filter Effects Module Level 1 (W3C), sepia() in
8.4 and the types `saturate` and `hueRotate` of feColorMatrix in 9.5. They apply to sRGB values.
"""

import math

import numpy as np

from kernels.types import Matrix

SEPIA = [[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]]
OPPONENT = [
    [1 / math.sqrt(2), -1 / math.sqrt(2), 0],
    [1 / math.sqrt(6), 1 / math.sqrt(6), -2 / math.sqrt(6)],
    [1 / math.sqrt(3), 1 / math.sqrt(3), 1 / math.sqrt(3)],
]
"""Red against green, yellow against blue, and intensity: an orthonormal basis.

Source: van de Sande, Gevers, Snoek, "Evaluating color descriptors for object and scene recognition", IEEE PAMI 32
(2010), equation 3.
"""
LUMINANCE = np.array([0.213, 0.715, 0.072])
"""As Filter Effects rounds it."""


def make_saturation(amount: float) -> Matrix:
    """0 is grey, 1 leaves the image as it is, more is more colourful."""
    return np.tile(LUMINANCE, (3, 1)) * (1 - amount) + np.eye(3) * amount


def make_hue_turn(angle: float) -> Matrix:
    """Turn the hue by `angle` degrees about the axis of greys."""
    turn = math.radians(angle)
    cosine = np.array([[0.787, -0.715, -0.072], [-0.213, 0.285, -0.072], [-0.213, -0.715, 0.928]])
    sine = np.array([[-0.213, -0.715, 0.928], [0.143, 0.140, -0.283], [-0.787, 0.715, 0.072]])
    return np.tile(LUMINANCE, (3, 1)) + math.cos(turn) * cosine + math.sin(turn) * sine


def to_filters(matrix: Matrix | list[list[float]]) -> Matrix:
    """(1, 1, inputs, outputs) from rows of outputs."""
    return np.asarray(matrix, np.float64).T[None, None]
