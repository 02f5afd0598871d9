"""Images of the kinds that people send, made from digits that the network was not trained on.

Each kind takes the ink of one digit, (28, 28) in 0..1, and gives an image (height, width[, 3]) uint8;
`LEAVES` are papers without a digit, `SHEETS` have several. They measure what stands before the network:
the hands are still MNIST's.
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.synthetic_digits import draw_other_glyphs

Ink = NDArray[np.float32]  # (height, width) in 0..1, 1 is full ink
Image = NDArray[np.uint8]
Kind = Callable[[Ink, np.random.Generator], Image]
Leaf = Callable[[np.random.Generator], Image]
Sheet = Callable[[Sequence[Ink], np.random.Generator], Image]


def enlarge_ink(ink: Ink, height: int) -> Ink:
    """The digit without its margins, `height` pixels high, its edges as sharp as a pen's."""
    rows, columns = np.flatnonzero((ink > 0.3).any(axis=1)), np.flatnonzero((ink > 0.3).any(axis=0))
    digit = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = height / digit.shape[0]
    size = (max(2, round(digit.shape[1] * scale)), height)
    large = cv2.resize(np.pad(digit, 1), size, interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip((large - 0.5) * max(1.0, scale) + 0.5, 0, 1), np.float32)


def make_paper(shape: tuple[int, int], tone: float, grain: float, generator: np.random.Generator) -> Ink:
    """Paper (height, width) in 0..1: fibres, blotches and light from one side."""
    fine = generator.normal(0, grain, shape)
    coarse = cv2.GaussianBlur(generator.normal(0, 1, shape), (0, 0), max(shape) / 8)
    coarse *= 1.5 * grain / max(float(coarse.std()), 1e-6)
    y, x = np.mgrid[: shape[0], : shape[1]] / max(shape)
    light = 1 - generator.uniform(0, 0.25) * (x * generator.uniform(-1, 1) + y * generator.uniform(-1, 1))
    return np.asarray(np.clip((tone + cv2.GaussianBlur(fine, (0, 0), 0.6) + coarse) * light, 0, 1), np.float32)


def lay_ink(paper: Ink, ink: Ink, left: int, top: int, strength: float) -> None:
    """Darken the paper by the ink in place; what hangs over its edge is cut off."""
    height, width = paper.shape
    y0, y1, x0, x1 = max(top, 0), min(top + ink.shape[0], height), max(left, 0), min(left + ink.shape[1], width)
    if y0 < y1 and x0 < x1:
        paper[y0:y1, x0:x1] *= 1 - strength * ink[y0 - top : y1 - top, x0 - left : x1 - left]


def lay_in_the_middle(paper: Ink, ink: Ink, strength: float) -> None:
    lay_ink(paper, ink, (paper.shape[1] - ink.shape[1]) // 2, (paper.shape[0] - ink.shape[0]) // 2, strength)


def draw_line(paper: Ink, start: tuple[float, float], end: tuple[float, float], width: float, strength: float) -> None:
    """Darken the paper along a line (x, y) to (x, y), `width` pixels thick, in place."""
    line = np.zeros((2 * paper.shape[0], 2 * paper.shape[1]), np.uint8)
    points = [(round(2 * x), round(2 * y)) for x, y in (start, end)]
    cv2.line(line, points[0], points[1], (255,), max(1, round(2 * width)), cv2.LINE_AA)
    small = cv2.resize(line, paper.shape[::-1], interpolation=cv2.INTER_AREA)
    paper *= 1 - strength * small.astype(np.float32) / 255


def to_bytes(image: NDArray[np.floating]) -> Image:
    return np.asarray(np.round(np.clip(image, 0, 1) * 255), np.uint8)


def tint(grey: Ink, colour: Sequence[float]) -> Image:
    return to_bytes(grey[..., None] * np.asarray(colour))


def write_in_cell(ink: Ink, generator: np.random.Generator) -> Image:
    """Pen or pencil in a form's cell, whose printed frame is partly in the image."""
    side = int(generator.integers(40, 130))
    paper = make_paper(
        (side, round(side * generator.uniform(0.75, 1.1))), generator.uniform(0.75, 0.98), 0.01, generator
    )
    height, width = paper.shape
    strength, thick = generator.uniform(0.25, 0.85), max(1.0, side * generator.uniform(0.01, 0.03))
    tilt = generator.normal(0, 0.012)
    inset = side * generator.uniform(-0.01, 0.08, 4)
    for edge in np.flatnonzero(generator.random(4) < 0.55):
        across = inset[edge] if edge < 2 else (height if edge == 2 else width) - inset[edge]
        if edge in (0, 2):
            draw_line(paper, (-1, across - tilt * width), (width, across + tilt * width), thick, strength)
        else:
            draw_line(paper, (across + tilt * height, -1), (across - tilt * height, height), thick, strength)
    digit = enlarge_ink(ink, round(side * generator.uniform(0.45, 0.8)))
    left = round((width - digit.shape[1]) * generator.uniform(0.35, 0.65))
    top = round((height - digit.shape[0]) * generator.uniform(0.25, 0.75))
    lay_ink(paper, digit, left, top, generator.uniform(0.35, 0.85))
    return to_bytes(cv2.GaussianBlur(paper, (0, 0), 0.6))


def write_on_envelope(ink: Ink, generator: np.random.Generator) -> Image:
    """As the USPS set has them: 16x16 grey, light on dark or turned over, the digit touching the frame."""
    digit = enlarge_ink(ink, 60)
    padded = np.pad(digit, ((0, 0), (max(0, (60 - digit.shape[1]) // 2),) * 2))
    small = cv2.resize(cv2.GaussianBlur(padded, (0, 0), 1.5), (16, 16), interpolation=cv2.INTER_AREA)
    small = generator.uniform(0, 0.1) + generator.uniform(0.7, 0.9) * small
    return to_bytes(small if generator.random() < 0.7 else 1 - small)


def write_in_church_book(ink: Ink, generator: np.random.Generator) -> Image:
    """Brown ink on brown paper, with strokes of the neighbours and a column's line at the edges."""
    height = int(generator.integers(50, 120))
    digit = enlarge_ink(ink, round(height * generator.uniform(0.6, 0.85)))
    width = round(digit.shape[1] + height * generator.uniform(0.15, 0.5))
    paper = make_paper((height, max(width, height // 2)), generator.uniform(0.55, 0.8), 0.03, generator)
    strength = generator.uniform(0.4, 0.75)
    left = (paper.shape[1] - digit.shape[1]) // 2
    for side in np.flatnonzero(generator.random(2) < 0.5):
        other = enlarge_ink(ink[::-1, ::-1], digit.shape[0])
        shown = max(2, round(paper.shape[1] * generator.uniform(0.04, 0.13)))
        top = round((height - digit.shape[0]) / 2 + generator.normal(0, height / 15))
        lay_ink(paper, other, shown - other.shape[1] if side == 0 else paper.shape[1] - shown, top, strength)
    if generator.random() < 0.3:
        x = paper.shape[1] * (generator.uniform(0, 0.08) if generator.random() < 0.5 else generator.uniform(0.92, 1))
        draw_line(paper, (x, -1), (x + generator.normal(0, 2), height), height / 50, 0.5)
    lay_ink(paper, digit, left, (height - digit.shape[0]) // 2, strength)
    return tint(cv2.GaussianBlur(paper, (0, 0), generator.uniform(0.4, 1.2)), (1, 0.86, 0.66))


def threshold_paper(ink: Ink, generator: np.random.Generator) -> Image:
    """Black and white from a bad threshold: ragged edges, specks, holes."""
    side = int(generator.integers(32, 160))
    digit = enlarge_ink(ink, round(side * generator.uniform(0.55, 0.95)))
    page = np.zeros((side, max(side * 3 // 4, digit.shape[1] + 2)), np.float32)
    left = (page.shape[1] - digit.shape[1]) // 2
    top = (side - digit.shape[0]) // 2
    page[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    rough = cv2.GaussianBlur(generator.normal(0, 1, page.shape), (0, 0), generator.uniform(0.7, 1.5))
    page = cv2.GaussianBlur(page, (0, 0), 1) + generator.uniform(0.15, 0.35) * rough / rough.std()
    black = page > 0.5
    black &= generator.random(page.shape) > 0.01
    black |= generator.random(page.shape) < generator.uniform(0, 0.01)
    return to_bytes((black if generator.random() < 0.3 else ~black).astype(np.float32))


def draw_on_screen(ink: Ink, generator: np.random.Generator) -> Image:
    """A mouse or finger on a canvas of one colour, somewhere on it, either way round."""
    side = int(generator.choice([28, 64, 140, 280, 500]))
    height = round(side * generator.uniform(0.4, 0.95)) if side > 28 else int(generator.integers(16, 28))
    digit = enlarge_ink(ink, height)
    canvas = np.ones((side, side), np.float32)
    left = round((side - digit.shape[1]) * generator.uniform(0.1, 0.9))
    top = round((side - height) * generator.uniform(0, 1))
    lay_ink(canvas, digit, left, top, generator.uniform(0.8, 1))
    return to_bytes(canvas if generator.random() < 0.5 else 1 - canvas)


def write_on_squares(ink: Ink, generator: np.random.Generator) -> Image:
    """Squared paper, its lines up to as strong as the pen."""
    side = int(generator.integers(90, 320))
    height = round(side * generator.uniform(0.45, 0.75))
    paper = make_paper((side, side), generator.uniform(0.75, 0.95), 0.012, generator)
    step, thick = height * generator.uniform(0.2, 0.6), max(1.0, side * generator.uniform(0.004, 0.012))
    strength = generator.uniform(0.2, 0.75)
    tilt, start = generator.normal(0, 0.01), generator.uniform(0, 1, 2) * step
    for offset in np.arange(-1, side / step + 1):
        x, y = start + offset * step
        draw_line(paper, (x + tilt * side / 2, 0), (x - tilt * side / 2, side), thick, strength)
        draw_line(paper, (0, y - tilt * side / 2), (side, y + tilt * side / 2), thick, strength)
    digit = enlarge_ink(ink, height)
    lay_in_the_middle(paper, digit, max(strength, generator.uniform(0.6, 0.85)))
    return to_bytes(cv2.GaussianBlur(paper, (0, 0), 0.7))


def write_on_ruled_paper(ink: Ink, generator: np.random.Generator) -> Image:
    """Ruled paper, the lines up to as strong as the pen, one of them often through the digit or under it."""
    side = int(generator.integers(80, 320))
    height = round(side * generator.uniform(0.4, 0.75))
    paper = make_paper(
        (side, round(side * generator.uniform(0.7, 1.3))), generator.uniform(0.75, 0.95), 0.012, generator
    )
    width = paper.shape[1]
    step, thick = height * generator.uniform(0.6, 1.6), max(1.0, side * generator.uniform(0.005, 0.02))
    strength, tilt = generator.uniform(0.2, 0.8), generator.normal(0, 0.02)
    for y in np.arange(generator.uniform(0, 1) * step, side, step):
        draw_line(paper, (-1, y - tilt * width / 2), (width, y + tilt * width / 2), thick, strength)
    digit = enlarge_ink(ink, height)
    lay_in_the_middle(paper, digit, max(strength, generator.uniform(0.6, 0.85)))
    return to_bytes(cv2.GaussianBlur(paper, (0, 0), 0.7))


def write_small(ink: Ink, generator: np.random.Generator) -> Image:
    """A small tight crop of a photograph."""
    side = int(generator.integers(20, 60))
    digit = enlarge_ink(ink, round(side * generator.uniform(0.6, 0.9)))
    paper = make_paper((side, digit.shape[1] + round(side * generator.uniform(0.1, 0.5))), 0.7, 0.012, generator)
    lay_in_the_middle(paper, digit, generator.uniform(0.3, 0.8))
    return to_bytes(paper)


def photograph(ink: Ink, generator: np.random.Generator) -> Image:
    """A sheet under a lamp: a small digit on much paper, blur and grain."""
    side = int(generator.integers(300, 900))
    paper = make_paper((side, round(side * generator.uniform(0.7, 1.4))), generator.uniform(0.5, 0.9), 0.015, generator)
    digit = enlarge_ink(ink, round(side * generator.uniform(0.15, 0.6)))
    left = round((paper.shape[1] - digit.shape[1]) * generator.uniform(0.3, 0.7))
    lay_ink(
        paper, digit, left, round((side - digit.shape[0]) * generator.uniform(0.3, 0.7)), generator.uniform(0.25, 0.8)
    )
    return to_bytes(cv2.GaussianBlur(paper, (0, 0), side / 400))


KINDS: dict[str, Kind] = {
    "form cells": write_in_cell,
    "envelopes": write_on_envelope,
    "church books": write_in_church_book,
    "thresholded": threshold_paper,
    "screen": draw_on_screen,
    "squared paper": write_on_squares,
    "ruled paper": write_on_ruled_paper,
    "small crops": write_small,
    "photographs": photograph,
}


def leave_blank(generator: np.random.Generator) -> Image:
    """Paper with specks and no writing."""
    side = int(generator.integers(200, 900))
    paper = make_paper((side, round(side * generator.uniform(0.7, 1.4))), generator.uniform(0.4, 0.9), 0.015, generator)
    for _ in range(int(generator.integers(0, 12))):
        x, y = generator.uniform(0, 1, 2) * paper.shape[::-1]
        dx, dy = generator.normal(0, side / 80, 2)
        draw_line(paper, (x, y), (x + dx, y + dy), side / 300, generator.uniform(0.05, 0.5))
    return to_bytes(cv2.GaussianBlur(paper, (0, 0), side / 400))


def lie_on_table(generator: np.random.Generator) -> Image:
    """The edge of a sheet on a table, with its shadow; a fold across it."""
    side = int(generator.integers(200, 900))
    paper = make_paper((side, round(side * 1.3)), generator.uniform(0.5, 0.9), 0.015, generator)
    height, width = paper.shape
    corners = np.array(
        [
            [0, -9],
            [generator.uniform(0.05, 0.4) * width, -9],
            [generator.uniform(0.05, 0.4) * width, height + 9],
            [0, height + 9],
        ]
    )
    table = np.zeros(paper.shape, np.uint8)
    cv2.fillPoly(table, [corners.astype(np.int32)], (255,))
    soft = cv2.GaussianBlur(table.astype(np.float32) / 255, (0, 0), generator.uniform(1, side / 60))
    paper *= 1 - generator.uniform(0.3, 0.8) * soft
    start, end = generator.uniform(0, 1, 2) * height
    draw_line(paper, (0, start), (width, end), side / 150, generator.uniform(0.02, 0.1))
    return to_bytes(cv2.GaussianBlur(paper, (0, 0), side / 400))


def write_letters(generator: np.random.Generator) -> Image:
    """A word or a single letter, none of which is a digit in any hand."""
    count = int(generator.choice([1, 1, 1, 3, 5, 7]))
    letters = [image.astype(np.float32) / np.float32(255) for image in draw_other_glyphs(count, generator)]
    return write_line(letters, generator)


LEAVES: dict[str, Leaf] = {"blank paper": leave_blank, "edges of paper": lie_on_table, "letters": write_letters}


def write_line(inks: Sequence[Ink], generator: np.random.Generator) -> Image:
    """Characters in a line."""
    height = int(generator.integers(24, 110))
    page = make_paper(
        (round(height * generator.uniform(1.4, 4)), round(height * (1.5 + 1.4 * len(inks)))), 0.85, 0.01, generator
    )
    left, base = height * 0.5, (page.shape[0] - height) / 2
    strength = generator.uniform(0.4, 0.85)
    for ink in inks:
        scale = generator.uniform(0.85, 1.1)
        character = enlarge_ink(ink, round(height * scale))
        wide = character.shape[1] / character.shape[0]
        if wide > 1.6:  # a dash keeps to its size
            character = enlarge_ink(ink, max(3, round(height / wide)))
        lay_ink(page, character, round(left), round(base + generator.normal(0, 0.04 * height)), strength)
        left += character.shape[1] + height * generator.uniform(0.15, 0.5)
    return to_bytes(page[:, : round(left + height * 0.3)])


def write_touching(inks: Sequence[Ink], generator: np.random.Generator) -> Image:
    """Digits in a line, two of which touch."""
    height = int(generator.integers(40, 110))
    page = make_paper((2 * height, round(height * (1.5 + 1.2 * len(inks)))), 0.85, 0.01, generator)
    left, strength = height * 0.5, generator.uniform(0.5, 0.85)
    touching = int(generator.integers(1, len(inks)))
    for number, ink in enumerate(inks):
        character = enlarge_ink(ink, height)
        # The first column of ink in this row of the page lies on the last one of the digit before.
        if number == touching:
            rows = page[height // 2 : height // 2 + height]
            dark = rows < rows.max() * (1 - 0.4 * strength)
            reach = np.array([np.flatnonzero(row).max(initial=0) for row in dark])
            begin = np.array([np.flatnonzero(row > 0.5)[0] if (row > 0.5).any() else 10**6 for row in character])
            left = float((reach - begin)[begin < 10**6].max()) if (begin < 10**6).any() else left
            left = max(left, 0)
        lay_ink(page, character, round(left), height // 2, strength)
        left += character.shape[1] + height * generator.uniform(0.2, 0.5)
    return to_bytes(page)


def write_beside_words(inks: Sequence[Ink], generator: np.random.Generator) -> Image:
    """A line of digits under a line of handwritten letters."""
    letters = [image.astype(np.float32) / np.float32(255) for image in draw_other_glyphs(5, generator)]
    upper, lower = write_line(letters, generator), write_line(inks, generator)
    scale = generator.uniform(0.8, 1.2) * lower.shape[0] / upper.shape[0]
    upper = np.asarray(cv2.resize(upper, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    page = np.full(
        (upper.shape[0] + lower.shape[0], max(upper.shape[1], lower.shape[1])), int(np.median(lower)), np.uint8
    )
    page[: upper.shape[0], : upper.shape[1]] = np.minimum(upper, int(np.median(lower)))
    page[upper.shape[0] :, : lower.shape[1]] = lower
    return page


SHEETS: dict[str, Sheet] = {"lines": write_line, "touching": write_touching, "beside words": write_beside_words}
