"""Connected pieces of ink: which of them are the digit, and which are specks, lines or the paper's edge."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.picture import Grey

SPECK_SHARE = 0.015  # of the largest piece's ink: less is dirt
NEAR_SHARE = 0.35  # of the digit's size: how far a part of the same digit can lie from it
FRAME_SPAN = 0.7  # of the picture's sides: the frame of a form's cell
LINE_SPAN = 0.9  # of the picture: a ruled line goes right through it
LINE_THICKNESS = 0.06  # of the picture's other side at most


@dataclass(frozen=True)
class Piece:
    """One connected piece of ink, in pixels of the mask."""

    label: int
    left: int
    top: int
    width: int
    height: int
    ink: float  # summed density
    frame_share: float  # of the piece's longer side that lies along the picture's frame

    @property
    def right(self) -> int:
        return self.left + self.width

    @property
    def bottom(self) -> int:
        return self.top + self.height

    @property
    def size(self) -> int:
        return max(self.width, self.height)

    def distance_to(self, other: "Piece") -> float:
        """Between the boxes; 0 where they overlap."""
        across = max(other.left - self.right, self.left - other.right, 0)
        down = max(other.top - self.bottom, self.top - other.bottom, 0)
        return float(np.hypot(across, down))


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


def choose_digit_ink(mask: NDArray[np.bool_], density: Grey) -> NDArray[np.bool_]:
    """The part of the mask that is the digit: the main piece and those that belong to it."""
    pieces, labels = find_pieces(mask, density)
    pieces = [piece for piece in pieces if piece.ink >= SPECK_SHARE * pieces[0].ink]
    if not pieces:
        return mask
    pieces = [piece for piece in pieces if not _is_frame(piece, pieces, labels)]
    main = max(pieces, key=lambda piece: _rate_main(piece, mask.shape))
    chosen = [main]
    # Parts may lie near a part and not near the main piece.
    waiting = [piece for piece in pieces if piece is not main and _may_belong(piece, main, mask.shape)]
    while True:
        near = [piece for piece in waiting if min(piece.distance_to(one) for one in chosen) <= NEAR_SHARE * main.size]
        if not near:
            break
        chosen += near
        waiting = [piece for piece in waiting if piece not in near]
    return np.isin(labels, [piece.label for piece in chosen])


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
    """A form's cell: along its own box, over most of the picture, with something else inside."""
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


def find_ruled_lines(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The straight lines that go right through the picture, without the strokes that cross them."""
    return _find_level_lines(mask) | _find_level_lines(mask.T).T


def _find_level_lines(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    height, width = mask.shape
    thick = max(1, round(LINE_THICKNESS * height))
    found = np.zeros_like(mask)
    if width < 16:
        return found
    # A line is slightly slanted or bent: short level runs, joined along the row, must reach both sides.
    run = max(5, width // 8)
    level = cv2.morphologyEx(
        mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((1, run), np.uint8), borderValue=0
    )  # fmt: skip
    if not level.any():
        return found
    bridged = cv2.dilate(level, np.ones((3, max(3, width // 10)), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(bridged, connectivity=8)
    for label in range(1, count):
        left, _top, span, tall, _area = (int(number) for number in stats[label])
        if span < LINE_SPAN * width or left > 0.05 * width or left + span < 0.95 * width or tall > 3 * thick + 4:
            continue
        line = (labels == label) & (level > 0)
        # Only where the ink is little taller than the line: where a stroke crosses or lies on it, it stays.
        columns = line.sum(axis=0)
        crossing = round(1.6 * float(np.median(columns[columns > 0]))) + 2
        tall_ink = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((crossing, 1), np.uint8))
        spread = cv2.dilate(line.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        found |= spread & mask & (tall_ink == 0)
    return found
