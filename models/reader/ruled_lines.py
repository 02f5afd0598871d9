"""The lines of ruled and squared paper, and the strokes that cross them."""

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from models.reader.components import BORDER_OFF_CENTRE, CELL_THICKNESS, LINE_SPAN, LINE_THICKNESS
from models.types import Grey, Mask

LINE_BLOCKS = 16  # along a line: a ruled line covers nearly all of them
LINE_COVER = 0.75  # of a block's columns have ink if the line runs through it
MIN_SIDE = 16  # pixels: in smaller images a line looks like a stroke
MAX_SLOPE = 0.06  # pixels down per pixel across
EDGE_SHARE = 0.04  # of the image's height: the distance from the edge of a digit that fills its image
TOUCHING_SHARE = 0.9  # of the other ink touches the stroke of a digit
MAX_SLOPES = 3  # of lines in perspective
PART_BLOCKS = 10  # of a line that starts at one side of a page and fades
FADING_COVER = 0.3  # of a block's columns, at least, where a line fades
RESIDUE = 2  # pixels from a line, at most, for the rests of its edges
DARKER_THAN_LINE = 1.35  # times the line's density, for a pen's stroke on the line


def find_ruled_lines(mask: Mask, density: Grey, fading: bool = False) -> tuple[Mask, int]:
    """(ink (height, width) of straight lines across the whole image, number of lines).

    Strokes that cross a line or are darker than it are not in the result, nor is the bar of a 7 or the base of a 2
    that fills its image. With `fading`, level lines may start at one side only, and end after most of the width.
    """
    level, level_count, level_thickness = find_level_bands(mask, fading)
    upright, upright_count, upright_thickness = find_level_bands(mask.T)
    bands = (level | upright.T) & mask
    if not bands.any() or (level_count + upright_count == 1 and is_part_of_digit(bands, mask)):
        return np.zeros_like(mask), 0
    rest = mask & ~bands
    line = float(np.median(density[bands]))
    # A stroke continues where it appears on the other side of the line, or where it is darker than the line.
    crossing = bridge_gaps(rest, level_thickness) & level | bridge_gaps(rest.T, upright_thickness).T & upright.T
    darker = cv2.blur(density, (3, 3)) > DARKER_THAN_LINE * line
    lines = bands & ~(crossing | darker)
    return lines | find_residues(mask & ~lines, bands), level_count + upright_count


def find_residues(rest: Mask, bands: Mask) -> Mask:
    """The connected components of the remaining ink that lie along the lines: their soft or ragged edges."""
    along = spread(bands)
    count, labels = cv2.connectedComponents(rest.astype(np.uint8), connectivity=8)
    outside = np.zeros(count, bool)
    outside[labels[rest & ~along]] = True
    return np.asarray(rest & ~outside[labels])


def spread(bands: Mask) -> Mask:
    """The bands and what is at most RESIDUE pixels above or below them."""
    return np.asarray(cv2.dilate(bands.astype(np.uint8), np.ones((2 * RESIDUE + 1, 1), np.uint8)) > 0)


def is_part_of_digit(band: Mask, mask: Mask) -> bool:
    """Whether a single line is a stroke of a tightly cropped digit.

    The other ink lies on one side of it, touches it, and reaches the opposite edge of the image.
    """
    if np.ptp(np.flatnonzero(band.any(axis=1))) > np.ptp(np.flatnonzero(band.any(axis=0))):
        band, mask = band.T, mask.T
    rest = np.flatnonzero((mask & ~band).any(axis=1))
    line = np.flatnonzero(band.any(axis=1))
    if not rest.size:
        return True  # nothing but a stroke: a 1 on its side, or a minus
    height = mask.shape[0]
    edge = max(1, round(EDGE_SHARE * height))
    below = rest[0] >= line[0] - edge and rest[-1] >= height - 1 - edge and line[0] <= 2 * edge
    above = rest[-1] <= line[-1] + edge and rest[0] <= edge and line[-1] >= height - 1 - 2 * edge
    if not (below or above):
        return False
    _count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    touching = np.isin(labels, np.unique(labels[band]))
    return bool((touching & mask & ~band).sum() > TOUCHING_SHARE * (mask & ~band).sum())


def bridge_gaps(rest: Mask, thickness: int) -> Mask:
    """The pixels with ink both above and below, at most `thickness` pixels and a slant away."""
    reach = thickness + 2
    wide = cv2.dilate(rest.astype(np.uint8), np.ones((1, 3), np.uint8))
    up, down = np.ones((2 * reach + 1, 1), np.uint8), np.ones((2 * reach + 1, 1), np.uint8)
    up[reach + 1 :] = down[:reach] = 0
    above = cv2.dilate(wide, up, borderValue=0)
    below = cv2.dilate(wide, down, borderValue=0)
    return (above > 0) & (below > 0)


def find_level_bands(mask: Mask, fading: bool = False) -> tuple[Mask, int, int]:
    """(bands (height, width) of straight, nearly level lines, their number, the thickest in pixels).

    Lines are parallel, or in perspective: those of the most frequent slope are found first, then those of others. With
    `fading`, lines across a part of the width follow, apart from those across the whole.
    """
    found, count, thickest = np.zeros_like(mask), 0, 0
    rest = mask
    for partial in (False, True) if fading else (False,):
        if partial and count:
            rest = mask & ~spread(found)
        for _ in range(MAX_SLOPES):
            bands, number, thickness = find_parallel_bands(rest, partial)
            if not number:
                break
            rest = rest & ~bands
            found, count, thickest = found | bands, count + number, max(thickest, thickness)
    return found, count, thickest


def find_parallel_bands(mask: Mask, fading: bool) -> tuple[Mask, int, int]:
    """`find_level_bands` for the slope with the most lines."""
    height, width = mask.shape
    found = np.zeros_like(mask)
    if min(height, width) < MIN_SIDE:
        return found, 0, 0
    edges = np.linspace(0, width, LINE_BLOCKS + 1).astype(int)
    slope, share = find_slope(mask, edges, fading)
    drop = np.round(slope * (np.arange(width) - width / 2)).astype(int)
    thickest, count = 0, 0
    for start, end in find_runs(share >= LINE_SPAN):
        if end - start > limit_thickness(start, end, height):
            continue
        count += 1
        thickest = max(thickest, end - start + 2 + 2 * ((end - start) // 3))
        margin = 1 + (end - start) // 3  # for the line's soft edge
        levels = np.arange(max(0, start - margin), min(height, end + margin))[:, None]
        rows = np.clip(levels + drop[None, :], 0, height - 1)
        inked = mask[rows, np.arange(width)].any(axis=0)
        left, right = find_extent(inked, edges) if fading else (0, width)
        found[rows[:, left:right], np.arange(left, right)] = True
    return found, count, thickest


def find_slope(mask: Mask, edges: NDArray[np.int64], fading: bool) -> tuple[float, NDArray[np.float64]]:
    """(slope with the most lines, share (height,) of the blocks between `edges` that a line at each level covers)."""
    height, width = mask.shape
    middles = (edges[:-1] + edges[1:]) / 2 - width / 2
    inked = np.add.reduceat(mask.view(np.uint8), edges[:-1], axis=1, dtype=np.int32).T  # (blocks, height)
    level = inked >= LINE_COVER * np.diff(edges)[:, None]
    if level.any(axis=1).mean() < LINE_SPAN * (PART_BLOCKS / LINE_BLOCKS if fading else 1):
        return 0.0, np.zeros(height)  # too few blocks have ink for a line of any slope
    steps = max(1, round(MAX_SLOPE * width / 2))
    reach = steps + 1
    padded = np.pad(level, ((0, 0), (reach, reach)))
    slopes = 2 * np.array(sorted(range(-steps, steps + 1), key=abs)) / width
    drops = np.round(slopes[:, None] * middles).astype(int)  # (slopes, blocks)
    rows_of_blocks = np.arange(height) + reach + drops[..., None]
    covered = padded[np.arange(LINE_BLOCKS)[None, :, None], rows_of_blocks]  # (slopes, blocks, height)
    shares = covered.mean(axis=1)
    if fading:
        parts = covered[:, :PART_BLOCKS].mean(axis=1), covered[:, -PART_BLOCKS:].mean(axis=1)
        shares = np.maximum(shares, np.maximum(*parts))
    ratings = (shares >= LINE_SPAN).sum(axis=1) + 1e-3 * (shares**2).sum(axis=1)
    best = int(ratings.argmax())
    return float(slopes[best]), shares[best]


def limit_thickness(start: int, end: int, height: int) -> float:
    """The most pixels of a line from row `start` to `end`: more near an edge of the image, as borders of cells are."""
    off_centre = abs((start + end) / (2 * height) - 0.5)
    return max(2, (CELL_THICKNESS if off_centre >= BORDER_OFF_CENTRE else LINE_THICKNESS) * height)


def find_extent(inked: Mask, edges: NDArray[np.int64]) -> tuple[int, int]:
    """(first column, end) of the longest part of a line's columns (width,) without a block that is mostly paper."""
    blocks = np.array([inked[left:right].mean() >= FADING_COVER for left, right in pairwise(edges)])
    start, end = max(find_runs(blocks), key=lambda run: run[1] - run[0], default=(0, LINE_BLOCKS))
    return int(edges[start]), int(edges[end])


def find_runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """(start, end) of each run of true values; the end is exclusive."""
    changes = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(start), int(end)) for start, end in changes.reshape(-1, 2)]
