"""Explanations of a result other than one kernel. Each is applied to the image, and its residual is measured.

All images are uint8.
"""

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
from kernels.types import Image, Planes

MAX_SIDE = 1024
"""Image of each side of the centre of a large image that are filtered, and rows that are compared for a rotation."""
STRAIGHT = 0.75
"""Grey levels: rounding and a little noise deviate this much from a line. A straight curve is a kernel of 1×1."""
MARGIN = 8
"""Image at the edges that are not compared, because borders differ."""


@dataclass(frozen=True)
class Alternative:
    """Another explanation. `residual`: root mean square of its error, in grey levels."""

    reason: str
    residual: float
    request: str | None = None


NEIGHBOURHOODS: tuple[tuple[str, Callable[[Image, int], Image]], ...] = (
    ("median", lambda image, side: cv2.medianBlur(image, side)),
    ("smallest value", lambda image, side: cv2.erode(image, np.ones((side, side), np.uint8))),
    ("largest value", lambda image, side: cv2.dilate(image, np.ones((side, side), np.uint8))),
)


def list_alternatives(pair: Pair) -> Iterator[Alternative]:
    """Rotation, mirroring, a curve, median, erosion and dilation of 3, 5 and 7, and named kernels of several parts."""
    stride = max(1, -(-pair.before.shape[0] // MAX_SIDE))
    after = round_planes(pair.after[::stride])
    for turned in list_turns(pair.before):
        if turned.shape == pair.after.shape:
            residual = measure_residual(round_planes(turned[::stride]), after)
            yield Alternative("The result is the image turned or mirrored: every pixel has moved.", residual)
    residual_of_curve = measure_curve(round_planes(pair.before[::stride]), after)
    if residual_of_curve is not None:
        yield Alternative(
            "The result depends on the value of each pixel only: a curve, such as gamma, contrast or histogram "
            "equalisation.",
            residual_of_curve,
        )
    before, after = round_planes(crop_center(pair.before)), round_planes(crop_center(pair.after))
    if min(before.shape[:2]) <= 2 * MARGIN:
        return
    inside = np.s_[MARGIN:-MARGIN, MARGIN:-MARGIN]
    for name, apply in NEIGHBOURHOODS:
        for side in (3, 5, 7):
            result = apply(np.ascontiguousarray(before), side).reshape(before.shape)
            reason = f"The result is the {name} of {side}×{side}, which is not a weighted sum."
            request = f"/filter/median?size={side}" if name == "median" else None
            yield Alternative(reason, measure_residual(result[inside], after[inside]), request)
    for entry in ENTRIES:
        if entry.combine in ("magnitude", "maximum"):
            kernel = entry.make_kernel()
            result = apply_steps(np.ascontiguousarray(before), [Step(kernel, FilterSettings(), 1.0)]).image
            reason = (
                f"The result is the {entry.combine} of {len(kernel.parts)} kernels, not of a single one: "
                f"/filter/{entry.name} gives it."
            )
            yield Alternative(reason, measure_residual(result[inside], after[inside]), f"/filter/{entry.name}")


def round_planes(planes: Planes) -> Image:
    return np.rint(planes).astype(np.uint8)


def crop_center(image: NDArray[Any]) -> NDArray[Any]:
    """At most MAX_SIDE pixels of each side."""
    top, left = (max(0, (side - MAX_SIDE) // 2) for side in image.shape[:2])
    return image[top : top + MAX_SIDE, left : left + MAX_SIDE]


def measure_residual(result: Image, after: Image) -> float:
    """The root mean square of the difference, in grey levels."""
    return float(np.sqrt(np.mean((result.astype(np.float32) - after) ** 2)))


def list_turns(image: NDArray[Any]) -> list[NDArray[Any]]:
    """The seven other orientations of an image, as views."""
    turned = [np.rot90(image, quarter) for quarter in range(4)]
    return [*turned[1:], *(each[:, ::-1] for each in turned)]


def measure_curve(before: Image, after: Image) -> float | None:
    """The residual of the best curve for each channel, in grey levels. None if all curves are straight lines."""
    misfit, parameters, is_straight = 0.0, 0, True
    levels = np.arange(256.0)
    for channel in range(before.shape[2]):
        old, new = before[..., channel].ravel(), after[..., channel].ravel().astype(np.float64)
        counts = np.bincount(old, minlength=256)
        means = np.bincount(old, new, 256) / np.maximum(counts, 1)
        misfit += float(((new - means[old]) ** 2).sum())
        parameters += int(np.count_nonzero(counts))
        known = (counts > 0) & (means > 1) & (means < 254)
        if np.count_nonzero(known) > 2:
            slope, intercept = np.polyfit(levels[known], means[known], 1, w=np.sqrt(counts[known]))
            deviation = np.abs(intercept + slope * levels[known] - means[known]).max()
            is_straight &= bool(deviation <= STRAIGHT)
    return None if is_straight else float(np.sqrt(misfit / max(before.size - parameters, 1)))
