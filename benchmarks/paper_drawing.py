"""Draw paper, ink and lines, for the synthetic images of benchmarks.papers."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Ink = NDArray[np.float32]  # (height, width) in 0..1: ink, 1 is full ink; or the brightness of paper
Image = NDArray[np.uint8]  # (height, width[, 3])


def enlarge_ink(ink: Ink, height: int) -> Ink:
    """The digit without margins, enlarged to `height` pixels, with edges as sharp as a pen's."""
    rows, columns = np.flatnonzero((ink > 0.3).any(axis=1)), np.flatnonzero((ink > 0.3).any(axis=0))
    digit = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = height / digit.shape[0]
    size = (max(2, round(digit.shape[1] * scale)), height)
    large = cv2.resize(np.pad(digit, 1), size, interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip((large - 0.5) * max(1.0, scale) + 0.5, 0, 1), np.float32)


def make_paper(shape: tuple[int, int], tone: float, grain: float, generator: np.random.Generator) -> Ink:
    """Paper (height, width) in 0..1, with fibres, blotches and light from one side."""
    fine = generator.normal(0, grain, shape)
    coarse = cv2.GaussianBlur(generator.normal(0, 1, shape), (0, 0), max(shape) / 8)
    coarse *= 1.5 * grain / max(float(coarse.std()), 1e-6)
    y, x = np.mgrid[: shape[0], : shape[1]] / max(shape)
    light = 1 - generator.uniform(0, 0.25) * (x * generator.uniform(-1, 1) + y * generator.uniform(-1, 1))
    return np.asarray(np.clip((tone + cv2.GaussianBlur(fine, (0, 0), 0.6) + coarse) * light, 0, 1), np.float32)


def darken_by_ink(paper: Ink, ink: Ink, left: int, top: int, strength: float) -> None:
    """Darken the paper by the ink, in place. Ink outside the paper is ignored."""
    height, width = paper.shape
    y0, y1, x0, x1 = max(top, 0), min(top + ink.shape[0], height), max(left, 0), min(left + ink.shape[1], width)
    if y0 < y1 and x0 < x1:
        paper[y0:y1, x0:x1] *= 1 - strength * ink[y0 - top : y1 - top, x0 - left : x1 - left]


def darken_at_centre(paper: Ink, ink: Ink, strength: float) -> None:
    """Darken the centre of the paper by the ink, in place."""
    darken_by_ink(paper, ink, (paper.shape[1] - ink.shape[1]) // 2, (paper.shape[0] - ink.shape[0]) // 2, strength)


def draw_line(paper: Ink, start: tuple[float, float], end: tuple[float, float], width: float, strength: float) -> None:
    """Darken the paper along a line between two points (x, y), `width` pixels thick, in place."""
    line = np.zeros((2 * paper.shape[0], 2 * paper.shape[1]), np.uint8)
    points = [(round(2 * x), round(2 * y)) for x, y in (start, end)]
    cv2.line(line, points[0], points[1], (255,), max(1, round(2 * width)), cv2.LINE_AA)
    small = cv2.resize(line, paper.shape[::-1], interpolation=cv2.INTER_AREA)
    paper *= 1 - strength * small.astype(np.float32) / 255


def convert_to_bytes(image: NDArray[np.floating]) -> Image:
    return np.asarray(np.round(np.clip(image, 0, 1) * 255), np.uint8)


def tint(grey: Ink, colour: Sequence[float]) -> Image:
    return convert_to_bytes(grey[..., None] * np.asarray(colour))
