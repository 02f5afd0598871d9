"""Cut a character into touching digits: the best path through a lattice of cuts.

The character is cut along more seams than it has digits. Every part between two seams that may be one digit is
classified, and dynamic programming finds the sequence of parts that explains the character best (heuristic
over-segmentation; LeCun et al., Proceedings of the IEEE 86, 1998).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.mnist_field import find_ink_box
from models.reader.seams import Seam, list_seams
from models.reader.segmentation import Character
from models.types import Grey, Labels, Mask

PART_WIDTHS = (0.1, 1.25)  # of a digit's height, for a part
MAX_OVERLAP = 0.2  # of a digit's height, for a stroke that belongs to two digits
MAX_SHARED_INK = 0.4  # of the smaller digit's ink
OVERLAP_COST = 0.2  # in log goodness
CUT_COST = 0.5  # in log goodness, for a cut through ink as long as the digits are high


@dataclass(frozen=True)
class Part:
    """The ink between two seams, numbered from 0 with the left and right edge of the character."""

    start: int
    end: int
    labels: Labels  # (height, width) of the character: 1 where the part is
    character: Character  # in the character's pixels, with the label 1


def list_parts(density: Grey, mask: Mask, digit_height: float, min_height: float) -> tuple[list[Part], list[Seam]]:
    """(parts of a character that may be a digit, the seams between them)."""
    height, width = mask.shape
    inner = list_seams(density * mask, digit_height)
    edges = Seam(np.zeros(height, np.int64), 0.0), Seam(np.full(height, width), 0.0)
    seams = [edges[0], *inner, edges[1]]
    columns = np.arange(width)[None, :]
    right_of = [columns >= seam.columns[:, None] for seam in seams]
    narrow, wide = (share * digit_height for share in PART_WIDTHS)
    parts = []
    for start in range(len(seams) - 1):
        for end in range(start + 1, len(seams)):
            between = seams[end].middle - seams[start].middle
            if end - start == len(seams) - 1 or not narrow <= between <= wide + narrow:
                continue
            own = mask & right_of[start] & ~right_of[end]
            box = find_ink_box(own.astype(np.float32))
            if box is None or box[3] < min_height or box[2] > wide:
                continue
            left, top, box_width, box_height = box
            character = Character(left, top, left + box_width, top + box_height, (1,), float(own.sum()))
            parts.append(Part(start, end, np.asarray(own, np.int32), character))
    return parts, seams


def find_best_path(
    parts: Sequence[Part], goodness: Sequence[float], seams: Sequence[Seam], mask: Mask, digit_height: float
) -> list[int]:
    """The indices of the parts on the best path from the first to the last seam, left to right; empty if there is none.

    Its rating is the sum of the logarithms of `goodness` less the costs of the seams. Neighbours may share a stroke,
    as two 0s do that are written as one line.
    """
    columns = mask.sum(axis=0).cumsum()
    best: dict[int, tuple[float, list[int]]] = {0: (0.0, [])}
    for index in sorted(range(len(parts)), key=lambda index: (parts[index].end, parts[index].start)):
        part = parts[index]
        for end in range(part.start, part.end):
            if end not in best or seams[end].middle - seams[part.start].middle > MAX_OVERLAP * digit_height:
                continue
            cost = CUT_COST * seams[part.start].cost
            if end > part.start:
                shared = float(columns[int(seams[end].middle) - 1] - columns[int(seams[part.start].middle) - 1])
                smaller = min(part.character.ink, parts[best[end][1][-1]].character.ink)
                if shared > MAX_SHARED_INK * smaller:
                    continue
                cost += OVERLAP_COST
            rating = best[end][0] + float(np.log(max(goodness[index], 1e-9))) - cost
            if part.end not in best or rating > best[part.end][0]:
                best[part.end] = rating, [*best[end][1], index]
    return best.get(len(seams) - 1, (0.0, []))[1]


def move(one: Character, left: int, top: int) -> Character:
    return replace(one, left=one.left + left, right=one.right + left, top=one.top + top, bottom=one.bottom + top)
