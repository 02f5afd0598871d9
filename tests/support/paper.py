"""Test images: MNIST's digits on paper."""

import cv2
import numpy as np
from numpy.typing import NDArray

Digits = dict[int, NDArray[np.uint8]]  # digit -> (28, 28), ink 255 on 0


def enlarge_ink(digit: NDArray[np.uint8], side: int) -> NDArray[np.float32]:
    """Ink (side, side) in 0..1 with smooth strokes and sharp edges."""
    ink = cv2.resize(digit.astype(np.float32) / np.float32(255), (side, side), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip((ink - 0.5) * 4 + 0.5, 0, 1), np.float32)


def write_on_paper(
    digit: NDArray[np.uint8],
    shape: tuple[int, int] = (200, 200),
    side: int = 140,
    paper: float = 0.9,
    ink: float = 0.15,
) -> NDArray[np.float32]:
    """A grey image (height, width) in 0..1 with one digit at the centre."""
    height, width = shape
    stroke = np.zeros(shape, np.float32)
    top, left = (height - side) // 2, (width - side) // 2
    stroke[top : top + side, left : left + side] = enlarge_ink(digit, side)
    return paper + stroke * np.float32(ink - paper)


def add_grain(image: NDArray[np.float32], deviation: float, seed: int = 5) -> NDArray[np.float32]:
    noise = np.random.default_rng(seed).normal(0, deviation, image.shape)
    return np.clip(image + noise, 0, 1).astype(np.float32)


def write_lines(lines: list[list[NDArray[np.uint8]]], side: int = 60, gap: int = 30) -> NDArray[np.float32]:
    """A page in 0..1 with lines of digits. `side` is that of a digit, `gap` the distance between digits, in pixels."""
    most = max(len(line) for line in lines)
    page = np.full((len(lines) * (side + gap) + 2 * gap, most * (side + gap) + 2 * gap), 0.88, np.float32)
    for row, line in enumerate(lines):
        for column, digit in enumerate(line):
            top, left = gap + row * (side + gap), gap + column * (side + gap)
            page[top : top + side, left : left + side] -= 0.7 * enlarge_ink(digit, side)
    return np.clip(page, 0, 1)
