"""Segment a page: find its ink, group pieces of ink into characters, and characters into lines."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.reader.binarize import (
    Ink,
    find_otsu_threshold,
    keep_connected,
    measure_noise,
    remove_shade,
    sample,
    subtract_paper,
)
from models.reader.components import Piece, find_pieces
from models.reader.ruled_lines import find_ruled_lines
from models.types import Grey, Labels

PAGE_KERNEL = 0.22  # of the page's shorter side: wider than a stroke, narrower than a shadow
SMOOTHING = 0.7  # pixels, against the grain of paper
BLOCK = 24  # blocks along the longer side; the threshold uses the darkest pixel of each
PAGE_NOISE_MARGIN = 6.0  # minimum contrast in standard deviations; the darkest pixel of a noisy block reaches 3 to 4
MIN_FRAME_DEPTH = 0.4  # of its length, for a piece along the frame that may be a character
MIN_PIECE_SIDE = 0.012  # of the page's longer side: smaller pieces are dirt
MAX_PIECES = 400  # those with the most ink: a texture has thousands, and joining takes quadratic time
MIN_HEIGHT, MAX_HEIGHT = 0.35, 2.6  # of the typical height, for a character
MIN_PIECE_SIZE = 0.08  # of the typical height, for a part of a character
MAX_WIDTH = 8.0  # typical heights, for a character
OVERLAP = 0.5  # of the narrower piece's width, for parts above each other
GAP = 0.3  # of the typical height, at most, between parts above each other
SIGN_HEIGHT = 0.35  # of a digit's height, at most, for a sign at its foot
LINE_OVERLAP = 0.35  # of the lower neighbour's height, for a common line
LINE_GAP = 6.0  # typical heights, at most, between neighbours in a line
SLOPES = tuple(sorted((step / 20 for step in range(-8, 9)), key=abs))  # of lines: up to 22 degrees


@dataclass(frozen=True)
class Character:
    """Pieces of ink that form one character; lengths in pixels of the ink image."""

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
    """The ink of a page (height, width), which may cover one percent of it and be unevenly lit."""
    grey = np.asarray(cv2.GaussianBlur(grey, (0, 0), SMOOTHING), np.float32)
    raw = subtract_paper(grey, polarity, PAGE_KERNEL)
    raw -= np.median(raw)
    noise = measure_noise(sample(remove_shade(raw)))
    np.maximum(raw, 0, out=raw)
    height, width = raw.shape
    side = max(4, max(height, width) // BLOCK)
    peaks = cv2.dilate(raw, np.ones((side, side), np.uint8))[side // 2 :: side, side // 2 :: side]
    # Otsu over the darkest pixels of the blocks: over all pixels it would separate two shades of paper.
    threshold = find_otsu_threshold(np.asarray(peaks.ravel(), np.float32))
    inked = peaks[peaks > threshold]
    contrast = float(np.median(inked)) if inked.size else 0.0
    strong = raw > max(0.5 * contrast, 3 * noise)
    mask = keep_connected(raw > max(0.3 * contrast, 2.5 * noise), strong)
    density = np.asarray(np.clip(raw / max(0.9 * contrast, 1e-6), 0, 1), np.float32)
    if contrast < PAGE_NOISE_MARGIN * noise:
        contrast = 0.0
    return Ink(polarity, density, mask, contrast, noise)


def find_characters(ink: Ink) -> tuple[list[Character], Labels]:
    """(characters, labels (height, width)) of a page's ink. A character may be touching digits, or not a digit."""
    lines, _ = find_ruled_lines(ink.mask, ink.density, fading=True)
    pieces, labels = find_pieces(ink.mask & ~lines, ink.density)
    pieces = drop_dirt_and_margins(pieces, ink.mask.shape)[:MAX_PIECES]
    if not pieces:
        return [], labels
    typical = find_typical_height(pieces)
    characters = [
        Character(piece.left, piece.top, piece.right, piece.bottom, (piece.label,), piece.ink)
        for piece in pieces
        if MIN_PIECE_SIZE * typical <= piece.size <= 2 * MAX_HEIGHT * typical
    ]
    characters = join_parts(characters, typical)
    return [
        character
        for character in characters
        if MIN_HEIGHT * typical <= character.height <= MAX_HEIGHT * typical and character.width <= MAX_WIDTH * typical
    ], labels


def drop_dirt_and_margins(pieces: list[Piece], shape: tuple[int, ...]) -> list[Piece]:
    """The pieces without dirt and without those along the frame: the table, the edge of the paper, a shadow."""
    height, width = shape
    min_side = max(3.0, MIN_PIECE_SIDE * max(height, width))
    kept = []
    for piece in pieces:
        at_frame = piece.left == 0 or piece.top == 0 or piece.right == width or piece.bottom == height
        long = piece.width > 0.45 * width or (piece.height > 0.45 * height and piece.top == 0 and height > width)
        slender = min(piece.width, piece.height) < MIN_FRAME_DEPTH * piece.size  # unlike a digit that is cut off
        if piece.size < min_side or (at_frame and (long or (piece.frame_share > 0.5 and slender))):
            continue
        kept.append(piece)
    return kept


def find_typical_height(pieces: list[Piece]) -> float:
    """The median height of the pieces, weighted by their ink; a single large piece has limited weight."""
    limit = 4 * np.median([piece.ink for piece in pieces])
    weights = np.array([min(piece.ink, limit) for piece in pieces])
    heights = np.array([piece.height for piece in pieces], float)
    order = np.argsort(heights)
    half = np.cumsum(weights[order]) >= weights.sum() / 2
    return float(heights[order][np.argmax(half)])


def join_parts(characters: list[Character], typical: float) -> list[Character]:
    """Join the bar of a 5 to its body and the fragments of a broken stroke to each other."""
    joined = sorted(characters, key=lambda character: -character.ink)
    boxes = np.array([(one.left, one.top, one.right, one.bottom, one.ink) for one in joined], float).reshape(-1, 5)
    together = belong_together(boxes[:, None], boxes, typical)
    changed = True
    while changed:
        changed = False
        for first in range(len(joined)):
            end = len(joined)
            while first < end and together[first, first + 1 : end].any():
                end = first + 1 + int(np.flatnonzero(together[first, first + 1 : end])[-1])
                joined[first] = one = joined[first].join(joined.pop(end))
                boxes, together = np.delete(boxes, end, 0), np.delete(np.delete(together, end, 0), end, 1)
                boxes[first] = one.left, one.top, one.right, one.bottom, one.ink
                together[first] = belong_together(boxes[first], boxes, typical)
                together[:, first] = belong_together(boxes, boxes[first], typical)
                changed = True
    return joined


def belong_together(one: NDArray[np.float64], other: NDArray[np.float64], typical: float) -> NDArray[np.bool_]:
    """Whether two parts form one character: one above the other, or a fragment beside a stroke.

    Parts (..., 5) are left, top, right, bottom and ink; those of `one` and `other` are broadcast.
    """
    left, top, right, bottom, ink = np.moveaxis(one, -1, 0)
    lefts, tops, rights, bottoms, inks = np.moveaxis(other, -1, 0)
    height, heights = bottom - top, bottoms - tops
    overlap = np.minimum(right, rights) - np.maximum(left, lefts)
    gap = np.maximum(top, tops) - np.minimum(bottom, bottoms)
    tall = np.maximum(bottom, bottoms) - np.minimum(top, tops)
    lower, higher = np.minimum(height, heights), np.maximum(height, heights)
    small = lower < 0.6 * typical
    stacked = (overlap >= OVERLAP * np.minimum(right - left, rights - lefts)) & (gap <= GAP * typical)
    # A fragment beside a stroke: the flag of a 5, or half of a 0 written with a dry pen. A minus, a point and a comma
    # are at the foot, and low.
    one_is_part = ink <= inks
    part_top, part_height = np.where(one_is_part, top, tops), np.where(one_is_part, height, heights)
    body_top, body_height = np.where(one_is_part, tops, top), np.where(one_is_part, heights, height)
    at_foot = (part_height < SIGN_HEIGHT * body_height) & (part_top > body_top + body_height / 2)
    beside = small & ~at_foot & (-overlap <= 0.12 * typical) & (gap < 0)
    beside &= np.minimum(ink, inks) < 0.5 * np.maximum(ink, inks)
    together = np.where(stacked, small | (gap < -0.3 * lower), beside)
    return together & (tall <= 1.5 * np.maximum(typical, higher))


def sort_to_lines(characters: list[Character]) -> list[list[Character]]:
    """Characters in reading order: lines from top to bottom, each from left to right.

    All lines may have the same slope: the one with the fewest lines, and of equal ones the smallest.
    """
    sorted_by_slope = (sort_to_sloped_lines(characters, float(slope)) for slope in SLOPES)
    return min(sorted_by_slope, key=len)


def sort_to_sloped_lines(characters: list[Character], slope: float) -> list[list[Character]]:
    if not characters:
        return []
    typical = float(np.median([character.height for character in characters]))
    lines: list[list[Character]] = []
    for character in sorted(characters, key=lambda character: character.left):
        rated = [(rate_neighbours(line[-1], character, typical, slope), number) for number, line in enumerate(lines)]
        best, number = max(rated, default=(0.0, -1))
        if best > LINE_OVERLAP:
            lines[number].append(character)
        else:
            lines.append([character])

    def find_height(line: list[Character]) -> float:
        return float(np.mean([(one.top + one.bottom - slope * (one.left + one.right)) / 2 for one in line]))

    return sorted(lines, key=find_height)


def rate_neighbours(left: Character, right: Character, typical: float, slope: float) -> float:
    """The height that two neighbours share, over the height of the lower one; 0 if they are too far apart."""
    if right.left - left.right > LINE_GAP * typical:
        return 0.0
    drop = slope * (right.left + right.right - left.left - left.right) / 2
    shared = min(left.bottom, right.bottom - drop) - max(left.top, right.top - drop)
    return shared / max(1, min(left.height, right.height))
