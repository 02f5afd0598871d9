"""Connected components of ink ("pieces"), and the choice of those that form the digit."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.types import Grey, Labels, Mask

SPECK_SHARE = 0.015  # of the largest piece's ink: smaller pieces are dirt
MIN_PIECE_INK = 0.02  # of the main piece's ink, for a part of the same digit
NEAR_SHARE = 0.35  # of the digit's size: the largest distance of a part of the same digit
FRAME_SPAN = 0.7  # of the image's sides, at least, for the frame of a form's cell
LINE_SPAN = 0.9  # of the image, at least, for a ruled line
LINE_THICKNESS = 0.06  # of the image's other side, at most, for a ruled line
CELL_THICKNESS = 0.16  # the same for a line apart from the digit: a cell's frame, thick or double
BORDER_OFF_CENTRE = 0.3  # of the image's side, at least, from its centre to the border of a cell
MIN_INNER_INK = 0.1  # of a border's ink, at least, for the digit beside it
COMPARABLE_SIZE = (0.5, 2.0)  # of the digit's size, for another digit beside it
COMPARABLE_INK = 0.2  # of the digit's ink, at least, for another digit beside it
EDGE_SPAN = 0.5  # of the image, at least, for the edge of a sheet: the rest may have too little contrast
FRAME_EDGE_SPAN = 0.9  # the same along the frame, where a digit may be cut off
SLENDER = 0.25  # width over length, at most, for the edge of a sheet
SIDE_SHARE = 0.8  # of a side of the frame, at least, that a shadow covers
MIN_FOLD_SIDE = 64  # pixels: in smaller images a 1 reaches from frame to frame
FOLD_THICKNESS = 0.2  # of the image's other side, at most, for a line that is not a 1
SOFT_FOLD_THICKNESS = 0.35  # the same for a shadow
SHADOW_SHARPNESS = 1.2  # at most; a stroke that is out of focus has 2 or more
EDGE_STEP = 0.5  # of the ink's contrast: the difference of brightness between the two sides of an edge


@dataclass(frozen=True)
class Piece:
    """One connected component of ink, in pixels of the mask."""

    label: int
    left: int
    top: int
    width: int
    height: int
    ink: float  # sum of its density
    frame_share: float  # of its longer side that lies on the image's frame

    @property
    def right(self) -> int:
        return self.left + self.width

    @property
    def bottom(self) -> int:
        return self.top + self.height

    @property
    def size(self) -> int:
        return max(self.width, self.height)


def find_pieces(mask: Mask, density: Grey) -> tuple[list[Piece], Labels]:
    """(pieces, labels (height, width)) of a mask, the piece with the most ink first."""
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


def choose_digit_ink(mask: Mask, density: Grey) -> tuple[Mask, int]:
    """(the part of the mask that is the digit, number of other pieces that may be digits).

    The digit consists of a main piece and the pieces that belong to it.
    """
    pieces, labels = find_pieces(mask, density)
    pieces = [piece for piece in pieces if piece.ink >= SPECK_SHARE * pieces[0].ink]
    if not pieces:
        return mask, 0
    pieces = [piece for piece in pieces if not is_cell_frame(piece, pieces, labels)]
    borders = [piece for piece in pieces if is_cell_border(piece, mask.shape)]
    inner = [piece for piece in pieces if piece not in borders]
    heaviest = max((piece.ink for piece in inner), default=0.0)
    if any(heaviest < MIN_INNER_INK * border.ink for border in borders):
        inner = pieces  # dirt beside a stroke at the edge
    main = max(inner, key=lambda piece: rate_as_main(piece, mask.shape))
    candidates = [piece for piece in pieces if piece is not main and may_belong(piece, main, mask.shape)]
    chosen = [main, *find_near(main, candidates)]
    size, ink = main.size, sum(piece.ink for piece in chosen)
    chosen_labels = {piece.label for piece in chosen}
    others = sum(
        COMPARABLE_SIZE[0] * size < piece.size < COMPARABLE_SIZE[1] * size
        and piece.ink > COMPARABLE_INK * ink
        and piece.frame_share == 0  # a neighbour cut off by the frame is not a digit
        for piece in pieces
        if piece.label not in chosen_labels
    )
    return np.isin(labels, list(chosen_labels)), others


def find_near(main: Piece, pieces: list[Piece]) -> list[Piece]:
    """The pieces whose boxes are near the main piece or, transitively, near another one that is.

    A breadth-first search with vectorized distances: thousands of pieces take less than a second.
    """
    boxes = np.array([(piece.left, piece.top, piece.right, piece.bottom) for piece in pieces]).reshape(-1, 4)
    remaining = np.arange(len(pieces))
    found = []
    pending = [main]
    while pending and len(remaining):
        current = pending.pop()
        left, top, right, bottom = boxes[remaining].T
        across = np.maximum(np.maximum(left - current.right, current.left - right), 0)
        down = np.maximum(np.maximum(top - current.bottom, current.top - bottom), 0)
        is_near = np.hypot(across, down) <= NEAR_SHARE * main.size
        near = [pieces[index] for index in remaining[is_near]]
        remaining = remaining[~is_near]
        found += near
        pending += near
    return found


def rate_as_main(piece: Piece, shape: tuple[int, ...]) -> float:
    """The piece's ink, reduced if it lies on the frame, as the edge of a sheet does, or far from the centre."""
    height, width = shape
    x, y = piece.left + piece.width / 2, piece.top + piece.height / 2
    off_centre = np.hypot(x / width - 0.5, y / height - 0.5)
    along_frame = min(piece.frame_share, 1.0)
    return float(piece.ink * (1 - 0.8 * along_frame) * (1.2 - off_centre))


def may_belong(piece: Piece, main: Piece, shape: tuple[int, ...]) -> bool:
    """Whether a piece can be part of the digit.

    Ruled lines are excluded, and pieces along the frame if the digit itself does not touch the frame.
    """
    if piece.frame_share > 0.5 and main.frame_share < 0.1:
        return False
    if is_ruled_line(piece, shape) and not is_ruled_line(main, shape):
        return False
    return piece.ink > MIN_PIECE_INK * main.ink


def is_cell_frame(piece: Piece, pieces: list[Piece], labels: Labels) -> bool:
    """Whether a piece is the frame of a form's cell: along its own box, as large as the image, with ink inside."""
    height, width = labels.shape
    if piece.width < FRAME_SPAN * width or piece.height < FRAME_SPAN * height:
        return False
    inside = [
        other
        for other in pieces
        if other is not piece
        and piece.left < other.left
        and other.right < piece.right
        and piece.top < other.top
        and other.bottom < piece.bottom
        and other.ink > 0.03 * piece.ink
    ]
    if not inside:
        return False
    own = labels[piece.top : piece.bottom, piece.left : piece.right] == piece.label
    across, down = max(1, piece.width // 8), max(1, piece.height // 8)
    return bool(own[down:-down, across:-across].sum() < 0.15 * own.sum())


def is_cell_border(piece: Piece, shape: tuple[int, ...]) -> bool:
    """Whether a piece is a line across the image near one of its edges."""
    height, width = shape
    x, y = (piece.left + piece.right) / 2 / width, (piece.top + piece.bottom) / 2 / height
    off_centre = max(abs(x - 0.5), abs(y - 0.5))
    return is_ruled_line(piece, shape) and off_centre > BORDER_OFF_CENTRE


def is_ruled_line(piece: Piece, shape: tuple[int, ...]) -> bool:
    height, width = shape
    level = piece.width >= LINE_SPAN * width and piece.height <= CELL_THICKNESS * height
    upright = piece.height >= LINE_SPAN * height and piece.width <= CELL_THICKNESS * width
    return level or upright


def is_not_paper(mask: Mask, grey: Grey, contrast: float) -> bool:
    """Whether a mask is the edge of a sheet or of a shadow, or the fold of a book, instead of ink on paper."""
    return is_corner_shadow(mask) or is_straight_edge(mask, grey, contrast)


def is_corner_shadow(mask: Mask) -> bool:
    """Whether a mask covers two neighbouring sides of the frame, as a shadow in the shape of an L does."""
    sides = [float(side.mean()) > SIDE_SHARE for side in (mask[0], mask[:, -1], mask[-1], mask[:, 0])]
    return any(side and following for side, following in zip(sides, sides[1:] + sides[:1], strict=True))


def is_straight_edge(mask: Mask, grey: Grey, contrast: float) -> bool:
    """Whether a mask is slender, runs across at least half of the image, and is a fold or has one side brighter."""
    height, width = mask.shape
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return False
    tall, wide = int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1
    if tall < EDGE_SPAN * height and wide < EDGE_SPAN * width:
        return False
    y, x = np.nonzero(mask)
    if len(x) < 2:
        return False  # one pixel has no direction
    points = np.stack([x, y], axis=1).astype(np.float32)
    centre = points.mean(axis=0)
    spread, axes = np.linalg.eigh(np.cov((points - centre).T) + 1e-6 * np.eye(2))
    if np.sqrt(spread[0] / spread[1]) > SLENDER:
        return False
    thickness = float(2 * np.sqrt(3 * spread[0]))  # of a band of equal thickness
    upright, turned = (mask, grey) if tall >= wide else (mask.T, grey.T)
    if is_fold(upright, turned, contrast, thickness):
        return True
    step = measure_step(mask, grey, centre, axes[:, 0], thickness)
    if step is None:
        return tall >= FRAME_EDGE_SPAN * height or wide >= FRAME_EDGE_SPAN * width
    return step > EDGE_STEP * contrast


def is_fold(upright: Mask, grey: Grey, contrast: float, thickness: float) -> bool:
    """Whether an upright band reaches the frame at both ends in a large image, and is too thin or too soft for a 1.

    At a sharpness of 1, the brightness at the band's outline would take the whole thickness to reach that of the ink.
    """
    share = thickness / upright.shape[1]
    if min(upright.shape) < MIN_FOLD_SIDE or share > SOFT_FOLD_THICKNESS or not upright[[0, -1]].any(axis=1).all():
        return False
    return share <= FOLD_THICKNESS or measure_slope(upright, grey) * thickness / contrast <= SHADOW_SHARPNESS


def measure_slope(mask: Mask, grey: Grey) -> float:
    """The median gradient of brightness per pixel at the outline of a mask."""
    outline = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(grey, cv2.CV_32F, 0, 1, scale=1 / 8)
    return float(np.median(np.hypot(across[outline], down[outline])))


def measure_step(
    mask: Mask, grey: Grey, centre: NDArray[np.floating], across: NDArray[np.floating], thickness: float
) -> float | None:
    """The difference of brightness between the two sides of a band; None if the image ends on one side.

    `across` is the direction across the band.
    """
    reach = max(3, round(thickness * np.sqrt(3) / 2))
    around = cv2.dilate(mask.astype(np.uint8), np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) > 0
    near = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    y, x = np.nonzero(around & ~near)
    side = (np.stack([x, y], axis=1) - centre) @ across
    light = grey[y, x]
    if not (side > 0).any() or not (side < 0).any():
        return None
    return abs(float(light[side > 0].mean() - light[side < 0].mean()))
