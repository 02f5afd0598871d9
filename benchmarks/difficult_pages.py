"""Synthetic images that are hard to segment: badly lit, sloping, ruled, among operators, with borders or shadows."""

from collections.abc import Sequence
from typing import TypeVar

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
)
from benchmarks.papers import DrawDigit, DrawNonDigit, DrawPage

Character = TypeVar("Character")


def write_sloped(inks: Sequence[Ink], generator: np.random.Generator, strength: float, slope: float) -> Ink:
    """A line of digits that rises or falls by `slope` pixels for each pixel across. Paper in 0..1."""
    height = int(generator.integers(40, 90))
    width = round(height * (1.5 + 1.3 * len(inks)))
    rise = abs(slope) * width
    page = make_paper((round(2.2 * height + rise), width), 0.85, 0.01, generator)
    left, top = 0.6 * height, 0.6 * height + (rise if slope < 0 else 0)
    for ink in inks:
        digit = enlarge_ink(ink, round(height * generator.uniform(0.85, 1.1)))
        darken_by_ink(page, digit, round(left), round(top + slope * left), strength)
        left += digit.shape[1] + height * generator.uniform(0.15, 0.5)
    return page[:, : min(width, round(left + 0.4 * height))]


def write_shaded(inks: Sequence[Ink], generator: np.random.Generator) -> Image:
    """Dark corners, a dark side or a soft shadow takes up to three quarters of the light."""
    page = write_sloped(inks, generator, generator.uniform(0.4, 0.85), 0)
    height, width = page.shape
    y, x = np.mgrid[:height, :width] / np.array([height, width])[:, None, None]
    turn, reach = generator.uniform(0, 2 * np.pi), generator.uniform(0.15, 0.4)
    along = (x - 0.5) * np.cos(turn) + (y - 0.5) * np.sin(turn)
    corners = np.clip((np.hypot(x - 0.5, y - 0.5) - 0.2) / 0.5, 0, 1)
    shape = corners if generator.random() < 0.5 else 0.5 + 0.5 * np.tanh(along / reach)
    return convert_to_bytes(page * (1 - generator.uniform(0.4, 0.75) * shape))


def write_sloping(inks: Sequence[Ink], generator: np.random.Generator) -> Image:
    """A line that slopes by up to ten degrees."""
    return convert_to_bytes(write_sloped(inks, generator, 0.7, generator.uniform(-0.17, 0.17)))


def write_on_ruled_page(inks: Sequence[Ink], generator: np.random.Generator) -> Image:
    """Ruled lines in perspective: each has its own slope. One often runs through the feet of the digits."""
    page = write_sloped(inks, generator, generator.uniform(0.65, 0.85), 0)
    height, width = page.shape
    step, fan = height * generator.uniform(0.3, 0.7), generator.normal(0, 0.03)
    tilt, pen = generator.normal(0, 0.015), generator.uniform(0.2, 0.55)
    for number, y in enumerate(np.arange(generator.uniform(0, 1) * step, height, step)):
        slope = (tilt + fan * (number * step / height - 0.5)) * width / 2
        draw_line(page, (-1, y - slope), (width, y + slope), max(1.0, height / 90), pen)
    return convert_to_bytes(cv2.GaussianBlur(page, (0, 0), 0.7))


def write_on_fading_rule(inks: Sequence[Ink], generator: np.random.Generator) -> Image:
    """Digits that stand on a ruled line which fades away towards one side of the page."""
    page = write_sloped(inks, generator, generator.uniform(0.65, 0.85), 0)
    height, width = page.shape
    foot = height * generator.uniform(0.64, 0.74)
    line = np.ones_like(page)
    tilt = generator.normal(0, 0.01) * width
    draw_line(line, (-1, foot - tilt), (width, foot + tilt), max(1.0, height / 90), generator.uniform(0.3, 0.55))
    seen = np.clip((np.linspace(1, 0, width) - generator.uniform(0.0, 0.25)) * 6, 0, 1).astype(np.float32)
    page *= 1 - (1 - line) * (seen if generator.random() < 0.5 else seen[::-1])
    return convert_to_bytes(cv2.GaussianBlur(page, (0, 0), 0.7))


def write_run(inks: Sequence[Ink], generator: np.random.Generator) -> Image:
    """Digits each of which touches the next."""
    height, strength = int(generator.integers(40, 110)), generator.uniform(0.5, 0.85)
    ink = np.zeros((height, height * (len(inks) + 2)), np.float32)
    right = 0
    for character in (enlarge_ink(one, height) for one in inks):
        # To the left until the ink of the two meets; their boxes overlap little, as in handwriting.
        left = right
        while left > max(0, right - 0.2 * height):
            if (ink[:, left : left + character.shape[1]] * character).sum() > 0.03 * height:
                break
            left -= 1
        part = ink[:, left : left + character.shape[1]]
        np.maximum(part, character, out=part)
        right = left + character.shape[1]
    page = make_paper((2 * height, right + height), 0.85, 0.01, generator)
    darken_by_ink(page, ink, height // 2, height // 2, strength)
    return convert_to_bytes(page)


def write_sum(inks: Sequence[Ink], generator: np.random.Generator) -> Image:
    """Digits with a plus, a minus or a cross between every two."""
    signs = []
    for ink in inks[:-1]:
        sign = np.zeros((28, 28), np.float32)
        strokes = {
            "plus": [((14, 5), (14, 23)), ((5, 14), (23, 14))],
            "cross": [((6, 6), (22, 22)), ((22, 6), (6, 22))],
        }
        strokes["minus"] = strokes["plus"][1:]
        for start, end in strokes[str(generator.choice(list(strokes)))]:
            cv2.line(sign, start, end, (1.0,), 2, cv2.LINE_AA)
        signs += [ink, sign]
    height, strength = int(generator.integers(40, 90)), generator.uniform(0.5, 0.85)
    characters = [*signs, inks[-1]]
    page = make_paper((2 * height, round(height * (1 + 1.4 * len(characters)))), 0.85, 0.01, generator)
    for number, ink in enumerate(characters):
        large = cv2.resize(ink, (height, height), interpolation=cv2.INTER_CUBIC)
        sharp = np.asarray(np.clip((large - 0.5) * 3 + 0.5, 0, 1), np.float32)
        darken_by_ink(page, sharp, round(height * (0.5 + 1.4 * number)), height // 2, strength)
    return convert_to_bytes(page)


def divide_into_lines(characters: Sequence[Character]) -> list[Sequence[Character]]:
    """The two lines of a page of `write_fan`."""
    half = (len(characters) + 1) // 2
    return [characters[:half], characters[half:]]


def write_fan(inks: Sequence[Ink], generator: np.random.Generator) -> Image:
    """Two lines of different slope, each with a wide gap in its middle."""
    height = int(generator.integers(40, 70))
    slopes = generator.uniform(-0.17, 0.17, 2)
    width = round(height * (2 + 1.4 * len(inks)))
    page = make_paper((round(5 * height + 0.36 * width), width), 0.85, 0.01, generator)
    middle = page.shape[0] / 2
    for number, (line, slope) in enumerate(zip(divide_into_lines(inks), slopes, strict=True)):
        rise = slope * width
        start = middle + (0.5 * height + max(0, -rise) if number else -1.5 * height - max(0, rise))
        left = 0.6 * height
        for place, ink in enumerate(line):
            digit = enlarge_ink(ink, round(height * generator.uniform(0.85, 1.1)))
            darken_by_ink(page, digit, round(left), round(start + slope * left), 0.7)
            left += digit.shape[1] + height * generator.uniform(0.15, 0.5)
            if place == (len(line) - 1) // 2:
                left += height * generator.uniform(1, 3)
    return convert_to_bytes(page)


def write_in_bordered_cell(ink: Ink, generator: np.random.Generator) -> Image:
    """A digit in a form's cell with a thick or double border on one to four sides."""
    side = int(generator.integers(48, 140))
    paper = make_paper((side, round(side * generator.uniform(0.8, 1.1))), 0.9, 0.01, generator)
    height, width = paper.shape
    strength = generator.uniform(0.4, 0.85)
    double = generator.random() < 0.5
    thick = side * (generator.uniform(0.01, 0.02) if double else generator.uniform(0.04, 0.1))
    for edge in generator.permutation(4)[: int(generator.integers(1, 5))]:
        for inset in (0.02, 0.08) if double else (generator.uniform(0, 0.05),):
            at = inset * side + thick / 2
            if edge < 2:
                y = at if edge == 0 else height - at
                draw_line(paper, (-1, y), (width, y), thick, strength)
            else:
                x = at if edge == 2 else width - at
                draw_line(paper, (x, -1), (x, height), thick, strength)
    darken_at_centre(paper, enlarge_ink(ink, round(side * generator.uniform(0.45, 0.62))), generator.uniform(0.4, 0.85))
    return convert_to_bytes(cv2.GaussianBlur(paper, (0, 0), 0.6))


def crop_tightly(ink: Ink, generator: np.random.Generator) -> Image:
    """A digit without any margin, like a box drawn around the ink, in either polarity."""
    height = int(generator.integers(20, 120))
    digit = enlarge_ink(ink, height)
    rows, columns = np.flatnonzero((digit > 0.5).any(axis=1)), np.flatnonzero((digit > 0.5).any(axis=0))
    digit = digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    paper = make_paper(digit.shape, 0.85, 0.01, generator)
    darken_by_ink(paper, digit, 0, 0, generator.uniform(0.4, 0.85))
    return convert_to_bytes(paper if generator.random() < 0.5 else 1 - paper)


def draw_gutter(generator: np.random.Generator) -> Image:
    """The fold between two pages of an open book: a soft dark band from top to bottom, with a dark line in it."""
    side = int(generator.integers(200, 700))
    paper = make_paper((side, round(side * generator.uniform(0.7, 1.5))), generator.uniform(0.6, 0.9), 0.012, generator)
    height, width = paper.shape
    middle = width * generator.uniform(0.2, 0.8) + generator.normal(0, 0.02) * np.arange(height)[:, None]
    across = (np.arange(width)[None] - middle) / width
    left, right = generator.uniform(0.01, 0.1, 2)
    band = np.exp(-np.abs(across) / np.where(across < 0, left, right))
    paper *= 1 - generator.uniform(0.3, 0.7) * band
    if generator.random() < 0.5:
        start, end = float(middle[0, 0]), float(middle[-1, 0])
        draw_line(paper, (start, -1), (end, height), max(1.0, side / 200), generator.uniform(0.3, 0.7))
    return convert_to_bytes(cv2.GaussianBlur(paper, (0, 0), side / 400))


def draw_corner_shadow(generator: np.random.Generator) -> Image:
    """A shadow or the table along two neighbouring sides of a sheet, in the shape of an L, in any orientation."""
    side = int(generator.integers(200, 700))
    paper = make_paper((side, round(side * generator.uniform(0.7, 1.4))), generator.uniform(0.6, 0.9), 0.012, generator)
    height, width = paper.shape
    y, x = np.mgrid[:height, :width]
    down, across = generator.uniform(0.03, 0.2, 2)
    tilt = generator.normal(0, 0.02, 2)
    inside = np.minimum(y - down * height + tilt[0] * x, x - across * width + tilt[1] * y)
    soft = side * generator.uniform(0.004, 0.03)
    shadow = 1 / (1 + np.exp(np.clip(inside / soft, -50, 50)))
    paper *= 1 - generator.uniform(0.3, 0.8) * shadow
    return np.ascontiguousarray(np.rot90(convert_to_bytes(paper), int(generator.integers(4))))


DIFFICULT_PAGES: dict[str, DrawPage] = {
    "badly lit": write_shaded,
    "sloping": write_sloping,
    "ruled in perspective": write_on_ruled_page,
    "on a fading rule": write_on_fading_rule,
    "all touching": write_run,
    "among operators": write_sum,
}
TWO_LINES: dict[str, DrawPage] = {"two lines of different slope": write_fan}
DIFFICULT_DIGITS: dict[str, DrawDigit] = {
    "thick or double borders": write_in_bordered_cell,
    "tight crops": crop_tightly,
}
DIFFICULT_NON_DIGITS: dict[str, DrawNonDigit] = {
    "gutters": draw_gutter,
    "L-shaped shadows": draw_corner_shadow,
}
