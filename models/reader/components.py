"""Connected pieces of ink: which of them are the digit, and which are specks, lines or the paper's edge."""

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from models.reader.grayscale import Grey

SPECK_SHARE = 0.015  # of the largest piece's ink: less is dirt
NEAR_SHARE = 0.35  # of the digit's size: how far a part of the same digit can lie from it
FRAME_SPAN = 0.7  # of the image's sides: the frame of a form's cell
LINE_SPAN = 0.9  # of the image: a ruled line goes right through it
LINE_THICKNESS = 0.06  # of the image's other side at most
LINE_BLOCKS = 16  # along a line: nearly each of them has to have it
LINE_COVER = 0.75  # of a block's columns have ink where the line is
LEAST_LINED_SIDE = 16  # pixels: in fewer a line cannot be told from a stroke
STEEPEST_LINE = 0.06  # pixels down for one across
DARKER_THAN_LINE = 1.35  # times the line's density: a pen's stroke that lies on the line
COMPARABLE_SIZE = (0.5, 2.0)  # of the digit's size: another one beside it
COMPARABLE_INK = 0.2  # of the digit's at least
EDGE_SPAN = 0.9  # of the image: the edge of a sheet goes through it, or nearly
SLENDER = 0.25  # of its length: wider is no edge
EDGE_STEP = 0.5  # of the ink's contrast: the light on both sides of an edge differs by more


@dataclass(frozen=True)
class Piece:
    """One connected piece of ink, in pixels of the mask."""

    label: int
    left: int
    top: int
    width: int
    height: int
    ink: float  # summed density
    frame_share: float  # of the piece's longer side that lies along the image's frame

    @property
    def right(self) -> int:
        return self.left + self.width

    @property
    def bottom(self) -> int:
        return self.top + self.height

    @property
    def size(self) -> int:
        return max(self.width, self.height)


def find_pieces(mask: NDArray[np.bool_], density: Grey) -> tuple[list[Piece], NDArray[np.int32]]:
    """(pieces, labels (height, width)) of a mask, the one with most ink first."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    ink = np.bincount(labels.ravel(), weights=density.ravel(), minlength=count)
    frame = np.zeros_like(mask)
    frame[0] = frame[-1] = frame[:, 0] = frame[:, -1] = True
    on_frame = np.bincount(labels[frame], minlength=count)
    pieces = []
    for label in range(1, count):
        left, top, width, height, _area = (int(number) for number in stats[label])
        share = float(on_frame[label]) / max(width, height)
        pieces.append(Piece(label, left, top, width, height, float(ink[label]), share))
    return sorted(pieces, key=lambda piece: -piece.ink), np.asarray(labels, np.int32)


def choose_digit_ink(mask: NDArray[np.bool_], density: Grey) -> tuple[NDArray[np.bool_], int]:
    """(the part of the mask that is the digit, number of other pieces that could be one as well).

    The digit is the main piece and those that belong to it.
    """
    pieces, labels = find_pieces(mask, density)
    pieces = [piece for piece in pieces if piece.ink >= SPECK_SHARE * pieces[0].ink]
    if not pieces:
        return mask, 0
    pieces = [piece for piece in pieces if not _is_frame(piece, pieces, labels)]
    main = max(pieces, key=lambda piece: _rate_main(piece, mask.shape))
    waiting = [piece for piece in pieces if piece is not main and _may_belong(piece, main, mask.shape)]
    chosen = [main, *_find_near(main, waiting)]
    size, ink = main.size, sum(piece.ink for piece in chosen)
    labels_chosen = {piece.label for piece in chosen}
    others = sum(
        COMPARABLE_SIZE[0] * size < piece.size < COMPARABLE_SIZE[1] * size
        and piece.ink > COMPARABLE_INK * ink
        and piece.frame_share == 0  # a neighbour cut off by the frame is no digit
        for piece in pieces
        if piece.label not in labels_chosen
    )
    return np.isin(labels, list(labels_chosen)), others


def _find_near(main: Piece, pieces: list[Piece]) -> list[Piece]:
    """Those whose boxes lie near the main piece, or near one that does, and so on. Thousands take no second."""
    boxes = np.array([(one.left, one.top, one.right, one.bottom) for one in pieces]).reshape(-1, 4)
    places = np.arange(len(pieces))
    found = []
    begun = [main]
    while begun and len(places):
        one = begun.pop()
        left, top, right, bottom = boxes[places].T
        across = np.maximum(np.maximum(left - one.right, one.left - right), 0)
        down = np.maximum(np.maximum(top - one.bottom, one.top - bottom), 0)
        is_near = np.hypot(across, down) <= NEAR_SHARE * main.size
        near = [pieces[place] for place in places[is_near]]
        places = places[~is_near]
        found += near
        begun += near
    return found


def _rate_main(piece: Piece, shape: tuple[int, ...]) -> float:
    """Ink counts, unless it lies along the frame as the edge of paper does, or is far from the middle."""
    height, width = shape
    x, y = piece.left + piece.width / 2, piece.top + piece.height / 2
    off_centre = np.hypot(x / width - 0.5, y / height - 0.5)
    along_frame = min(piece.frame_share, 1.0)
    return float(piece.ink * (1 - 0.8 * along_frame) * (1.2 - off_centre))


def _may_belong(piece: Piece, main: Piece, shape: tuple[int, ...]) -> bool:
    """Not a ruled line, nor what lies along the frame while the digit itself does not touch it."""
    if piece.frame_share > 0.5 and main.frame_share < 0.1:
        return False
    if _is_ruled_line(piece, shape) and not _is_ruled_line(main, shape):
        return False
    return piece.ink > 0.02 * main.ink


def _is_frame(piece: Piece, pieces: list[Piece], labels: NDArray[np.int32]) -> bool:
    """A form's cell: along its own box, over most of the image, with something else inside."""
    height, width = labels.shape
    if piece.width < FRAME_SPAN * width or piece.height < FRAME_SPAN * height:
        return False
    inside = [
        one
        for one in pieces
        if one is not piece
        and piece.left < one.left
        and one.right < piece.right
        and piece.top < one.top
        and one.bottom < piece.bottom
        and one.ink > 0.03 * piece.ink
    ]
    if not inside:
        return False
    own = labels[piece.top : piece.bottom, piece.left : piece.right] == piece.label
    across, down = max(1, piece.width // 8), max(1, piece.height // 8)
    return bool(own[down:-down, across:-across].sum() < 0.15 * own.sum())


def _is_ruled_line(piece: Piece, shape: tuple[int, ...]) -> bool:
    height, width = shape
    level = piece.width >= LINE_SPAN * width and piece.height <= LINE_THICKNESS * height
    upright = piece.height >= LINE_SPAN * height and piece.width <= LINE_THICKNESS * width
    return level or upright


def is_edge(mask: NDArray[np.bool_], grey: Grey, contrast: float) -> bool:
    """Whether a mask is the edge of a sheet or of a shadow: slender, right through, lighter on one side of it."""
    height, width = mask.shape
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return False
    tall, wide = int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1
    if tall < EDGE_SPAN * height and wide < EDGE_SPAN * width:
        return False
    y, x = np.nonzero(mask)
    points = np.stack([x, y], axis=1).astype(np.float32)
    centre = points.mean(axis=0)
    spread, axes = np.linalg.eigh(np.cov((points - centre).T) + 1e-6 * np.eye(2))
    if np.sqrt(spread[0] / spread[1]) > SLENDER:
        return False
    reach = max(3, round(3 * np.sqrt(spread[0])))
    around = cv2.dilate(mask.astype(np.uint8), np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) > 0
    near = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    y, x = np.nonzero(around & ~near)
    side = (np.stack([x, y], axis=1) - centre) @ axes[:, 0]
    light = grey[y, x]
    if not (side > 0).any() or not (side < 0).any():
        return True  # along the frame: nothing of the image is beyond it
    return bool(abs(float(light[side > 0].mean() - light[side < 0].mean())) > EDGE_STEP * contrast)


def find_ruled_lines(mask: NDArray[np.bool_], density: Grey) -> tuple[NDArray[np.bool_], int]:
    """(ink (height, width) that is of straight lines right through the image, number of the lines).

    Strokes that cross a line or are darker than it stay whole.
    """
    level, level_count, level_thickness = _find_level_bands(mask)
    upright, upright_count, upright_thickness = _find_level_bands(mask.T)
    bands = (level | upright.T) & mask
    if not bands.any():
        return bands, 0
    rest = mask & ~bands
    line = float(np.median(density[bands]))
    # A stroke goes on where it comes out on the other side, or where it is darker than the line.
    crossing = _bridge(rest, level_thickness) & level | _bridge(rest.T, upright_thickness).T & upright.T
    darker = cv2.blur(density, (3, 3)) > DARKER_THAN_LINE * line
    return bands & ~(crossing | darker), level_count + upright_count


def _bridge(rest: NDArray[np.bool_], thickness: int) -> NDArray[np.bool_]:
    """Where there is ink both above and below, at most `thickness` pixels and a slant apart."""
    reach = thickness + 2
    wide = cv2.dilate(rest.astype(np.uint8), np.ones((1, 3), np.uint8))
    up, down = np.ones((2 * reach + 1, 1), np.uint8), np.ones((2 * reach + 1, 1), np.uint8)
    up[reach + 1 :] = down[:reach] = 0
    above = cv2.dilate(wide, up, borderValue=0)
    below = cv2.dilate(wide, down, borderValue=0)
    return (above > 0) & (below > 0)


def _find_level_bands(mask: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], int, int]:
    """(rows of ink along slightly slanted level lines (height, width), their number, the thickest in pixels)."""
    height, width = mask.shape
    found = np.zeros_like(mask)
    if min(height, width) < LEAST_LINED_SIDE:
        return found, 0, 0
    edges = np.linspace(0, width, LINE_BLOCKS + 1).astype(int)
    middles = (edges[:-1] + edges[1:]) / 2 - width / 2
    profiles = np.stack([mask[:, one:other].mean(axis=1) for one, other in pairwise(edges)])
    steps = max(1, round(STEEPEST_LINE * width / 2))
    reach = steps + 1
    padded = np.pad(profiles, ((0, 0), (reach, reach))) >= LINE_COVER
    slopes = 2 * np.array(sorted(range(-steps, steps + 1), key=abs)) / width
    drops = np.round(slopes[:, None] * middles).astype(int)  # (slopes, blocks)
    places = np.arange(height) + reach + drops[..., None]
    shares = padded[np.arange(LINE_BLOCKS)[None, :, None], places].mean(axis=1)  # (slopes, height)
    ratings = (shares >= LINE_SPAN).sum(axis=1) + 1e-3 * (shares**2).sum(axis=1)
    best = int(ratings.argmax())
    slope, share = float(slopes[best]), shares[best]
    thickest, count = 0, 0
    rows = np.zeros(height, bool)
    for start, end in _find_runs(share >= LINE_SPAN):
        # The line's soft edge reaches a little over.
        if end - start <= max(2, LINE_THICKNESS * height):
            count += 1
            thickest = max(thickest, end - start + 2)
            rows[max(0, start - 1) : end + 1] = True
    if count:
        drop = np.round(slope * (np.arange(width) - width / 2)).astype(int)
        level = np.arange(height)[:, None] - drop[None, :]
        found = rows[np.clip(level, 0, height - 1)]
    return found, count, thickest


def _find_runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """(start, end) of each run of what is true, the end not in it."""
    changes = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(start), int(end)) for start, end in changes.reshape(-1, 2)]
