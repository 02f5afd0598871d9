"""The lines of ruled and squared paper, and the strokes that cross them."""

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from models.reader.components import LINE_SPAN, LINE_THICKNESS
from models.types import Grey, Mask

LINE_BLOCKS = 16  # along a line: a ruled line covers nearly all of them
LINE_COVER = 0.75  # of a block's columns have ink if the line runs through it
MIN_SIDE = 16  # pixels: in smaller images a line looks like a stroke
MAX_SLOPE = 0.06  # pixels down per pixel across
DARKER_THAN_LINE = 1.35  # times the line's density, for a pen's stroke on the line


def find_ruled_lines(mask: Mask, density: Grey) -> tuple[Mask, int]:
    """(ink (height, width) of straight lines across the whole image, number of lines).

    Strokes that cross a line or are darker than it are not in the result.
    """
    level, level_count, level_thickness = find_level_bands(mask)
    upright, upright_count, upright_thickness = find_level_bands(mask.T)
    bands = (level | upright.T) & mask
    if not bands.any():
        return bands, 0
    rest = mask & ~bands
    line = float(np.median(density[bands]))
    # A stroke continues where it appears on the other side of the line, or where it is darker than the line.
    crossing = bridge_gaps(rest, level_thickness) & level | bridge_gaps(rest.T, upright_thickness).T & upright.T
    darker = cv2.blur(density, (3, 3)) > DARKER_THAN_LINE * line
    return bands & ~(crossing | darker), level_count + upright_count


def bridge_gaps(rest: Mask, thickness: int) -> Mask:
    """The pixels with ink both above and below, at most `thickness` pixels and a slant away."""
    reach = thickness + 2
    wide = cv2.dilate(rest.astype(np.uint8), np.ones((1, 3), np.uint8))
    up, down = np.ones((2 * reach + 1, 1), np.uint8), np.ones((2 * reach + 1, 1), np.uint8)
    up[reach + 1 :] = down[:reach] = 0
    above = cv2.dilate(wide, up, borderValue=0)
    below = cv2.dilate(wide, down, borderValue=0)
    return (above > 0) & (below > 0)


def find_level_bands(mask: Mask) -> tuple[Mask, int, int]:
    """(bands (height, width) of parallel, nearly level lines, their number, the thickest in pixels)."""
    height, width = mask.shape
    found = np.zeros_like(mask)
    if min(height, width) < MIN_SIDE:
        return found, 0, 0
    edges = np.linspace(0, width, LINE_BLOCKS + 1).astype(int)
    middles = (edges[:-1] + edges[1:]) / 2 - width / 2
    profiles = np.stack([mask[:, left:right].mean(axis=1) for left, right in pairwise(edges)])
    steps = max(1, round(MAX_SLOPE * width / 2))
    reach = steps + 1
    padded = np.pad(profiles, ((0, 0), (reach, reach))) >= LINE_COVER
    slopes = 2 * np.array(sorted(range(-steps, steps + 1), key=abs)) / width
    drops = np.round(slopes[:, None] * middles).astype(int)  # (slopes, blocks)
    rows_of_blocks = np.arange(height) + reach + drops[..., None]
    shares = padded[np.arange(LINE_BLOCKS)[None, :, None], rows_of_blocks].mean(axis=1)  # (slopes, height)
    ratings = (shares >= LINE_SPAN).sum(axis=1) + 1e-3 * (shares**2).sum(axis=1)
    best = int(ratings.argmax())
    slope, share = float(slopes[best]), shares[best]
    thickest, count = 0, 0
    rows = np.zeros(height, bool)
    for start, end in find_runs(share >= LINE_SPAN):
        if end - start <= max(2, LINE_THICKNESS * height):
            count += 1
            thickest = max(thickest, end - start + 2)
            rows[max(0, start - 1) : end + 1] = True  # one pixel more on each side, for the line's soft edge
    if count:
        drop = np.round(slope * (np.arange(width) - width / 2)).astype(int)
        level = np.arange(height)[:, None] - drop[None, :]
        found = rows[np.clip(level, 0, height - 1)]
    return found, count, thickest


def find_runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """(start, end) of each run of true values; the end is exclusive."""
    changes = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(start), int(end)) for start, end in changes.reshape(-1, 2)]
