"""What else than a kernel could have made one image of another: each is done, and what it leaves over is measured."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from kernels.apply.filter import apply_steps
from kernels.catalogue import ENTRIES
from kernels.chain import Step
from kernels.learn.samples import Pair
from kernels.settings import FilterSettings

LOOKED_AT = 1024
"""Pixels a side of the middle of a large image that filters are tried on; so many rows tell a turned one."""
STRAIGHT = 0.75
"""Grey levels from a straight line that rounding and a little noise explain: such a curve is a kernel of 1×1."""
MARGIN = 8
"""Pixels at the edge that are not compared: borders differ."""

Pixels = NDArray[Any]
"""(height, width, channels) uint8."""


@dataclass(frozen=True)
class Rival:
    """Another explanation. `residual`: root mean square of what it leaves over, in grey levels."""

    reason: str
    residual: float
    request: str | None = None


NEIGHBOURHOODS: tuple[tuple[str, Callable[[Pixels, int], Pixels]], ...] = (
    ("median", lambda image, side: cv2.medianBlur(image, side)),
    ("smallest value", lambda image, side: cv2.erode(image, np.ones((side, side), np.uint8))),
    ("largest value", lambda image, side: cv2.dilate(image, np.ones((side, side), np.uint8))),
)


def list_rivals(pair: Pair) -> Iterator[Rival]:
    """Turned or mirrored, a curve, median, erosion and dilation of 3, 5 and 7, and named kernels that are several."""
    every = max(1, -(-pair.before.shape[0] // LOOKED_AT))
    after = round_planes(pair.after[::every])
    for turned in turn(pair.before):
        if turned.shape == pair.after.shape:
            residual = measure(round_planes(turned[::every]), after)
            yield Rival("The result is the image turned or mirrored: every pixel moved somewhere else.", residual)
    curve = measure_curve(round_planes(pair.before[::every]), after)
    if curve is not None:
        yield Rival(
            "Every value became another value, wherever it stood: a curve, such as gamma, contrast or histogram "
            "equalisation.",
            curve,
        )
    before, after = round_planes(cut_middle(pair.before)), round_planes(cut_middle(pair.after))
    if min(before.shape[:2]) <= 2 * MARGIN:
        return
    inside = np.s_[MARGIN:-MARGIN, MARGIN:-MARGIN]
    for what, apply in NEIGHBOURHOODS:
        for side in (3, 5, 7):
            result = apply(np.ascontiguousarray(before), side).reshape(before.shape)
            reason = f"The result is the {what} of {side}×{side}, which is no weighted sum."
            yield Rival(reason, measure(result[inside], after[inside]))
    for entry in ENTRIES:
        if entry.combine != "single":
            kernel = entry.make_kernel()
            result = apply_steps(np.ascontiguousarray(before), [Step(kernel, FilterSettings(), 1.0)]).image
            reason = (
                f"The result is the {entry.combine} of {len(kernel.parts)} kernels, as /filter/{entry.name} gives it, "
                "which is no single one."
            )
            yield Rival(reason, measure(result[inside], after[inside]), f"/filter/{entry.name}")


def round_planes(planes: NDArray[np.float32]) -> Pixels:
    return np.rint(planes).astype(np.uint8)


def cut_middle(image: NDArray[Any]) -> NDArray[Any]:
    top, left = (max(0, (side - LOOKED_AT) // 2) for side in image.shape[:2])
    return image[top : top + LOOKED_AT, left : left + LOOKED_AT]


def measure(result: Pixels, after: Pixels) -> float:
    return float(np.sqrt(np.mean((result.astype(np.float32) - after) ** 2)))


def turn(image: NDArray[Any]) -> list[NDArray[Any]]:
    """Views: the seven other ways to lay an image down."""
    turned = [np.rot90(image, quarter) for quarter in range(4)]
    return [*turned[1:], *(one[:, ::-1] for one in turned)]


def measure_curve(before: Pixels, after: Pixels) -> float | None:
    """What the best curve for each channel leaves over, in levels; None for straight lines."""
    left, freedom, straight = 0.0, 0, True
    levels = np.arange(256.0)
    for channel in range(before.shape[2]):
        old, new = before[..., channel].ravel(), after[..., channel].ravel().astype(np.float64)
        counts = np.bincount(old, minlength=256)
        means = np.bincount(old, new, 256) / np.maximum(counts, 1)
        left += float(((new - means[old]) ** 2).sum())
        freedom += int(np.count_nonzero(counts))
        known = (counts > 0) & (means > 1) & (means < 254)
        if np.count_nonzero(known) > 2:
            slope, start = np.polyfit(levels[known], means[known], 1, w=np.sqrt(counts[known]))
            straight &= bool(np.abs(start + slope * levels[known] - means[known]).max() <= STRAIGHT)
    return None if straight else float(np.sqrt(left / max(before.size - freedom, 1)))
