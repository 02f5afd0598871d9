"""Synthetic images of the kinds that users send, made from digits that the network was not trained on.

Each function of `SINGLE_DIGITS` draws one digit, each of `NON_DIGITS` paper without a digit, each of `PAGES` several
digits. The images measure preprocessing and segmentation; the handwriting is still that of MNIST.
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from benchmarks.paper_drawing import (
    Image,
    Ink,
    convert_to_bytes,
    darken_at_centre,
    darken_by_ink,
    draw_line,
    enlarge_ink,
    make_paper,
    tint,
)
from models.training.synthetic_digits import draw_other_glyphs

DrawDigit = Callable[[Ink, np.random.Generator], Image]
DrawNonDigit = Callable[[np.random.Generator], Image]
DrawPage = Callable[[Sequence[Ink], np.random.Generator], Image]


def write_in_cell(ink: Ink, generator: np.random.Generator) -> Image:
    """Pen or pencil in a cell of a form, with part of the cell's printed frame."""
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
    darken_by_ink(paper, digit, left, top, generator.uniform(0.35, 0.85))
    return convert_to_bytes(cv2.GaussianBlur(paper, (0, 0), 0.6))


def write_on_envelope(ink: Ink, generator: np.random.Generator) -> Image:
    """Like the USPS data set: 16x16 grey pixels, either polarity, the digit touching the frame."""
    digit = enlarge_ink(ink, 60)
    padded = np.pad(digit, ((0, 0), (max(0, (60 - digit.shape[1]) // 2),) * 2))
    small = cv2.resize(cv2.GaussianBlur(padded, (0, 0), 1.5), (16, 16), interpolation=cv2.INTER_AREA)
    small = generator.uniform(0, 0.1) + generator.uniform(0.7, 0.9) * small
    return convert_to_bytes(small if generator.random() < 0.7 else 1 - small)


def write_in_church_book(ink: Ink, generator: np.random.Generator) -> Image:
    """Brown ink on brown paper, with parts of neighbouring digits and a column's line at the edges."""
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
        darken_by_ink(paper, other, shown - other.shape[1] if side == 0 else paper.shape[1] - shown, top, strength)
    if generator.random() < 0.3:
        x = paper.shape[1] * (generator.uniform(0, 0.08) if generator.random() < 0.5 else generator.uniform(0.92, 1))
        draw_line(paper, (x, -1), (x + generator.normal(0, 2), height), height / 50, 0.5)
    darken_by_ink(paper, digit, left, (height - digit.shape[0]) // 2, strength)
    return tint(cv2.GaussianBlur(paper, (0, 0), generator.uniform(0.4, 1.2)), (1, 0.86, 0.66))


def threshold_paper(ink: Ink, generator: np.random.Generator) -> Image:
    """A bad black-and-white threshold: ragged edges, specks, holes."""
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
    return convert_to_bytes((black if generator.random() < 0.3 else ~black).astype(np.float32))


def draw_on_screen(ink: Ink, generator: np.random.Generator) -> Image:
    """A digit drawn with mouse or finger, anywhere on a plain canvas, in either polarity."""
    side = int(generator.choice([28, 64, 140, 280, 500]))
    height = round(side * generator.uniform(0.4, 0.95)) if side > 28 else int(generator.integers(16, 28))
    digit = enlarge_ink(ink, height)
    canvas = np.ones((side, side), np.float32)
    left = round((side - digit.shape[1]) * generator.uniform(0.1, 0.9))
    top = round((side - height) * generator.uniform(0, 1))
    darken_by_ink(canvas, digit, left, top, generator.uniform(0.8, 1))
    return convert_to_bytes(canvas if generator.random() < 0.5 else 1 - canvas)


def write_on_squares(ink: Ink, generator: np.random.Generator) -> Image:
    """Squared paper, with lines at most as dark as the pen."""
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
    darken_at_centre(paper, digit, max(strength, generator.uniform(0.6, 0.85)))
    return convert_to_bytes(cv2.GaussianBlur(paper, (0, 0), 0.7))


def write_on_ruled_paper(ink: Ink, generator: np.random.Generator) -> Image:
    """Ruled paper, with lines at most as dark as the pen, often one through the digit or below it."""
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
    darken_at_centre(paper, digit, max(strength, generator.uniform(0.6, 0.85)))
    return convert_to_bytes(cv2.GaussianBlur(paper, (0, 0), 0.7))


def write_small(ink: Ink, generator: np.random.Generator) -> Image:
    """A small, tight crop of a photograph."""
    side = int(generator.integers(20, 60))
    digit = enlarge_ink(ink, round(side * generator.uniform(0.6, 0.9)))
    paper = make_paper((side, digit.shape[1] + round(side * generator.uniform(0.1, 0.5))), 0.7, 0.012, generator)
    darken_at_centre(paper, digit, generator.uniform(0.3, 0.8))
    return convert_to_bytes(paper)


def photograph(ink: Ink, generator: np.random.Generator) -> Image:
    """A sheet under a lamp: a small digit on a large paper, with blur and grain."""
    side = int(generator.integers(300, 900))
    paper = make_paper((side, round(side * generator.uniform(0.7, 1.4))), generator.uniform(0.5, 0.9), 0.015, generator)
    digit = enlarge_ink(ink, round(side * generator.uniform(0.15, 0.6)))
    left = round((paper.shape[1] - digit.shape[1]) * generator.uniform(0.3, 0.7))
    darken_by_ink(
        paper, digit, left, round((side - digit.shape[0]) * generator.uniform(0.3, 0.7)), generator.uniform(0.25, 0.8)
    )
    return convert_to_bytes(cv2.GaussianBlur(paper, (0, 0), side / 400))


SINGLE_DIGITS: dict[str, DrawDigit] = {
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


def draw_blank_paper(generator: np.random.Generator) -> Image:
    """Paper with specks, without writing."""
    side = int(generator.integers(200, 900))
    paper = make_paper((side, round(side * generator.uniform(0.7, 1.4))), generator.uniform(0.4, 0.9), 0.015, generator)
    for _ in range(int(generator.integers(0, 12))):
        x, y = generator.uniform(0, 1, 2) * paper.shape[::-1]
        dx, dy = generator.normal(0, side / 80, 2)
        draw_line(paper, (x, y), (x + dx, y + dy), side / 300, generator.uniform(0.05, 0.5))
    return convert_to_bytes(cv2.GaussianBlur(paper, (0, 0), side / 400))


def draw_sheet_on_table(generator: np.random.Generator) -> Image:
    """The edge of a sheet on a table, with its shadow, and a fold across the sheet."""
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
    return convert_to_bytes(cv2.GaussianBlur(paper, (0, 0), side / 400))


def write_letters(generator: np.random.Generator) -> Image:
    """A word or a single letter. None is a digit in any handwriting."""
    count = int(generator.choice([1, 1, 1, 3, 5, 7]))
    letters = [image.astype(np.float32) / np.float32(255) for image in draw_other_glyphs(count, generator)]
    return write_line(letters, generator)


NON_DIGITS: dict[str, DrawNonDigit] = {
    "blank paper": draw_blank_paper,
    "edges of paper": draw_sheet_on_table,
    "letters": write_letters,
}


def write_line(inks: Sequence[Ink], generator: np.random.Generator) -> Image:
    """A line of characters."""
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
        if wide > 1.6:  # a dash keeps its thickness
            character = enlarge_ink(ink, max(3, round(height / wide)))
        darken_by_ink(page, character, round(left), round(base + generator.normal(0, 0.04 * height)), strength)
        left += character.shape[1] + height * generator.uniform(0.15, 0.5)
    return convert_to_bytes(page[:, : round(left + height * 0.3)])


def write_touching(inks: Sequence[Ink], generator: np.random.Generator) -> Image:
    """A line of digits, two of which touch."""
    height = int(generator.integers(40, 110))
    page = make_paper((2 * height, round(height * (1.5 + 1.2 * len(inks)))), 0.85, 0.01, generator)
    left, strength = height * 0.5, generator.uniform(0.5, 0.85)
    touching = int(generator.integers(1, len(inks)))
    for number, ink in enumerate(inks):
        character = enlarge_ink(ink, height)
        # Shift the digit until, in some row, its first column of ink meets the last one of the previous digit.
        if number == touching:
            rows = page[height // 2 : height // 2 + height]
            dark = rows < rows.max() * (1 - 0.4 * strength)
            reach = np.array([np.flatnonzero(row).max(initial=0) for row in dark])
            begin = np.array([np.flatnonzero(row > 0.5)[0] if (row > 0.5).any() else 10**6 for row in character])
            left = float((reach - begin)[begin < 10**6].max()) if (begin < 10**6).any() else left
            left = max(left, 0)
        darken_by_ink(page, character, round(left), height // 2, strength)
        left += character.shape[1] + height * generator.uniform(0.2, 0.5)
    return convert_to_bytes(page)


def write_beside_words(inks: Sequence[Ink], generator: np.random.Generator) -> Image:
    """A line of digits below a line of handwritten letters."""
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


PAGES: dict[str, DrawPage] = {"lines": write_line, "touching": write_touching, "beside words": write_beside_words}
