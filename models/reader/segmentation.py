"""Several digits in one image: pieces of ink put together to characters, and characters to lines."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.reader.binarize import Ink, estimate_paper, keep_touching, measure_noise
from models.reader.components import Piece, find_pieces, find_ruled_lines
from models.reader.grayscale import Grey

PAGE_KERNEL = 0.22  # of the paper's shorter side: wider than a stroke, narrower than a shadow
SMOOTHING = 0.7  # pixels, against the grain of paper
BLOCK = 24  # blocks along the longer side in which the darkest place is looked for
PAGE_NOISE_MARGIN = 6.0  # the darkest of a block of noise is 3 to 4 deviations from the paper
LEAST_HEIGHT = 0.012  # of the longer side: smaller pieces are dirt
MOST_PIECES = 400  # with the most ink: a texture falls into thousands, and joining them takes the square
SMALLEST = 0.35  # of the usual height: a character on its own
LARGEST = 2.6
OVERLAP = 0.5  # of the narrower piece: parts above each other
GAP = 0.3  # of the usual height: how far above each other
LINE_OVERLAP = 0.35  # of the lower of two neighbours in a line
LINE_GAP = 6.0  # usual heights between neighbours in a line, at most
SLOPES = tuple(sorted((step / 20 for step in range(-8, 9)), key=abs))  # of lines: up to 22 degrees
SEAM_PLACES = (0.35, 0.5, 0.65)  # of the width, about which a seam is looked for
SEAM_REACH = 0.3  # of the height, to both sides of it
ASIDE = 0.02  # of full ink, that a step aside costs a seam
WIDE = 1.15  # width over height from which a character may be two that touch


@dataclass(frozen=True)
class Character:
    """Pieces of ink that are one character; lengths in pixels of the ink image."""

    left: int
    top: int
    right: int
    bottom: int
    labels: tuple[int, ...] = ()
    ink: float = 0.0

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    def join(self, other: "Character") -> "Character":
        return Character(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
            self.labels + other.labels,
            self.ink + other.ink,
        )


def extract_page_ink(grey: Grey, polarity: str) -> Ink:
    """The ink of a page (height, width), where it may be a hundredth of the image and unevenly lit."""
    grey = np.asarray(cv2.GaussianBlur(grey, (0, 0), SMOOTHING), np.float32)
    bright = grey if polarity == "dark" else 1 - grey
    paper = estimate_paper(bright, PAGE_KERNEL)
    raw = paper - bright
    if polarity == "dark":
        raw = raw / np.maximum(paper, 0.15)
    raw -= np.median(raw)
    noise = measure_noise(raw)
    np.maximum(raw, 0, out=raw)
    height, width = raw.shape
    side = max(4, max(height, width) // BLOCK)
    peaks = cv2.dilate(raw, np.ones((side, side), np.uint8))[side // 2 :: side, side // 2 :: side]
    # Otsu over the blocks' darkest places: over the pixels it would part paper from paper.
    middle = _find_parting(peaks.ravel())
    inked = peaks[peaks > middle]
    contrast = float(np.median(inked)) if inked.size else 0.0
    strong = raw > max(0.5 * contrast, 3 * noise)
    mask = keep_touching(raw > max(0.3 * contrast, 2.5 * noise), strong)
    density = np.asarray(np.clip(raw / max(0.9 * contrast, 1e-6), 0, 1), np.float32)
    if contrast < PAGE_NOISE_MARGIN * noise:
        contrast = 0.0
    return Ink(polarity, density, mask, contrast, noise)


def find_characters(ink: Ink) -> tuple[list[Character], NDArray[np.int32]]:
    """(characters, labels (height, width)) of a page's ink; characters may be touching digits or rubbish."""
    lines, _ = find_ruled_lines(ink.mask, ink.density)
    pieces, labels = find_pieces(ink.mask & ~lines, ink.density)
    pieces = _drop_margins(pieces, ink.mask.shape)[:MOST_PIECES]
    if not pieces:
        return [], labels
    usual = find_usual_height(pieces)
    characters = [
        Character(one.left, one.top, one.right, one.bottom, (one.label,), one.ink)
        for one in pieces
        if one.size >= 0.08 * usual and one.size <= 2 * LARGEST * usual
    ]
    characters = join_parts(characters, usual)
    return [
        one for one in characters if SMALLEST * usual <= one.height <= LARGEST * usual and one.width <= 8 * usual
    ], labels


def find_usual_height(pieces: list[Piece]) -> float:
    """The height of most of the ink that is in pieces of a digit's proportions."""
    weights = np.array([min(one.ink, 4 * np.median([p.ink for p in pieces])) for one in pieces])
    heights = np.array([one.height for one in pieces], float)
    order = np.argsort(heights)
    half = np.cumsum(weights[order]) >= weights.sum() / 2
    return float(heights[order][np.argmax(half)])


def join_parts(characters: list[Character], usual: float) -> list[Character]:
    """Put the bar to its 5 and a broken stroke to its rest: parts above each other, or next to a fragment."""
    joined = sorted(characters, key=lambda one: -one.ink)
    changed = True
    while changed:
        changed = False
        for first in range(len(joined)):
            for second in range(len(joined) - 1, first, -1):
                if _belong_together(joined[first], joined[second], usual):
                    joined[first] = joined[first].join(joined.pop(second))
                    changed = True
    return joined


def _belong_together(one: Character, other: Character, usual: float) -> bool:
    overlap = min(one.right, other.right) - max(one.left, other.left)
    gap = max(one.top, other.top) - min(one.bottom, other.bottom)
    tall = max(one.bottom, other.bottom) - min(one.top, other.top)
    if tall > 1.5 * max(usual, one.height, other.height):
        return False
    small = min(one.height, other.height) < 0.6 * usual
    if overlap >= OVERLAP * min(one.width, other.width) and gap <= GAP * usual:
        return small or gap < -0.3 * min(one.height, other.height)
    # A fragment beside a stroke: the flag of a 5, half of a dry 0.
    return small and -overlap <= 0.12 * usual and gap < 0 and min(one.ink, other.ink) < 0.5 * max(one.ink, other.ink)


def sort_to_lines(characters: list[Character]) -> list[list[Character]]:
    """Characters in reading order: lines from the top, each from the left.

    Lines may all be slanted by the same angle: the one that makes the fewest lines, the smallest of equals.
    """
    sorted_by_slope = (_sort_to_sloped_lines(characters, float(slope)) for slope in SLOPES)
    return min(sorted_by_slope, key=len)


def _sort_to_sloped_lines(characters: list[Character], slope: float) -> list[list[Character]]:
    if not characters:
        return []
    usual = float(np.median([one.height for one in characters]))
    lines: list[list[Character]] = []
    for one in sorted(characters, key=lambda one: one.left):
        rated = [(_rate_neighbours(line[-1], one, usual, slope), number) for number, line in enumerate(lines)]
        best, number = max(rated, default=(0.0, -1))
        if best > LINE_OVERLAP:
            lines[number].append(one)
        else:
            lines.append([one])

    def find_height(line: list[Character]) -> float:
        return float(np.mean([(one.top + one.bottom - slope * (one.left + one.right)) / 2 for one in line]))

    return sorted(lines, key=find_height)


def _rate_neighbours(left: Character, right: Character, usual: float, slope: float) -> float:
    """How much of the lower one's height the two share, 0 when they are too far apart."""
    if right.left - left.right > LINE_GAP * usual:
        return 0.0
    drop = slope * (right.left + right.right - left.left - left.right) / 2
    shared = min(left.bottom, right.bottom - drop) - max(left.top, right.top - drop)
    return shared / max(1, min(left.height, right.height))


@dataclass(frozen=True)
class Seam:
    """A way through a character from top to bottom; `columns` (height,) is the first one to its right."""

    columns: NDArray[np.int64]
    ink: float  # summed along it


def list_cuts(density: Grey, parts: int) -> list[tuple[Seam, ...]]:
    """Seams along which a character (height, width) may come apart into `parts`, the thinnest ink first."""
    height, width = density.shape
    columns = cv2.GaussianBlur(density.sum(axis=0)[None, :], (0, 0), max(0.6, width / 60)).ravel()
    if parts == 2:
        low, high = round(0.22 * width), round(0.78 * width)
        places = [x for x in range(low, high) if columns[x] == columns[max(0, x - 3) : x + 4].min()]
        seams: list[tuple[Seam, ...]] = [
            (_cut_straight(density, x),) for x in sorted(places, key=lambda x: float(columns[x]))[:4]
        ]
        reach = max(2, round(SEAM_REACH * height))
        return seams + [(find_seam(density, round(share * width), reach),) for share in SEAM_PLACES]
    step = width / parts
    reach = max(2, round(0.3 * step))
    middles = [round(number * step) for number in range(1, parts)]
    thinnest = []
    for middle in middles:
        low, high = max(0, middle - reach), middle + reach
        thinnest.append(low + int(np.argmin(columns[low : max(high, low + 1)])))
    return [
        tuple(_cut_straight(density, x) for x in thinnest),
        tuple(find_seam(density, x, reach) for x in middles),
    ]


def _cut_straight(density: Grey, column: int) -> Seam:
    return Seam(np.full(density.shape[0], column), float(density[:, column].sum()))


def find_seam(density: Grey, middle: int, reach: int) -> Seam:
    """The way with the least ink from top to bottom, at most `reach` columns from the middle one.

    From row to row it stays or goes one column aside, as in seam carving (Avidan & Shamir, SIGGRAPH 2007).
    """
    low, high = max(0, middle - reach), min(density.shape[1], middle + reach + 1)
    band = density[:, low:high].astype(np.float64)
    best = band.copy()
    for row in range(1, len(band)):
        padded = np.pad(best[row - 1], 1, constant_values=np.inf)
        aside = np.minimum(padded[:-2], padded[2:]) + ASIDE
        best[row] += np.minimum(padded[1:-1], aside)
    path = np.empty(len(band), np.int64)
    path[-1] = int(best[-1].argmin())
    for row in range(len(band) - 2, -1, -1):
        place = path[row + 1]
        choices = [x for x in (place, place - 1, place + 1) if 0 <= x < band.shape[1]]
        path[row] = min(choices, key=lambda x: best[row, x] + (0 if x == place else ASIDE))
    return Seam(path + low, float(band[np.arange(len(band)), path].sum()))


def _drop_margins(pieces: list[Piece], shape: tuple[int, ...]) -> list[Piece]:
    """Without dirt, and without what lies along the frame: the table, the paper's edge, a shadow."""
    height, width = shape
    least = max(3.0, LEAST_HEIGHT * max(height, width))
    kept = []
    for one in pieces:
        at_frame = one.left == 0 or one.top == 0 or one.right == width or one.bottom == height
        long = one.width > 0.45 * width or (one.height > 0.45 * height and one.top == 0 and height > width)
        if one.size < least or (at_frame and (long or one.frame_share > 0.6)):
            continue
        kept.append(one)
    return kept


def _find_parting(values: NDArray[Any]) -> float:
    top = float(values.max()) if values.size else 0.0
    if top <= 0:
        return 0.0
    levels = np.round(values / top * 255).astype(np.uint8)
    return float(cv2.threshold(levels, 0, 255, cv2.THRESH_OTSU)[0]) / 255 * top
