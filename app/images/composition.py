"""Composition of the frames of an animation on a canvas, as browsers show them.

Sources: GIF89a specification, section 23; PNG specification, 3rd edition, 11.3.6.2 (fcTL) and 13.16.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from app.images.image import Frame, Pixels

Disposal = Literal["keep", "clear", "restore"]
"""What happens to the area of a frame after its time: nothing, it becomes transparent, or it is as before the frame."""
STRIP_PIXELS = 65_536
"""Pixels that are blended together: their float64 values fit the processor's cache."""


@dataclass(frozen=True)
class Patch:
    """The pixels that one frame draws, inside the canvas."""

    pixels: Pixels
    """(height, width, 2 or 4) uint8 or uint16, with straight alpha."""
    left: int
    top: int
    disposal: Disposal = "keep"
    overwrites: bool = False
    """Whether transparent pixels overwrite the canvas, instead of being laid over it."""
    duration_ms: float = 0.0


def compose(patches: Iterable[Patch], height: int, width: int) -> Iterator[Frame]:
    """Draw each patch on a canvas that is transparent at first. The patches have the same dtype and channels."""
    canvas: Pixels | None = None
    for patch in patches:
        if canvas is None:
            canvas = np.zeros((height, width, patch.pixels.shape[2]), patch.pixels.dtype)
        rows, columns = patch.pixels.shape[:2]
        area = canvas[patch.top : patch.top + rows, patch.left : patch.left + columns]
        before = area.copy() if patch.disposal == "restore" else None
        if patch.overwrites:
            area[:] = patch.pixels
        else:
            lay_over(area, patch.pixels)
        yield Frame(canvas.copy(), patch.duration_ms)
        if before is not None:
            area[:] = before
        elif patch.disposal == "clear":
            area[:] = 0


def lay_over(area: Pixels, pixels: Pixels) -> None:
    """Lay pixels with straight alpha over those of `area`, in place."""
    maximum = np.iinfo(pixels.dtype).max
    strip_height = max(1, STRIP_PIXELS // max(1, pixels.shape[1]))
    for top in range(0, len(pixels), strip_height):
        below, above = area[top : top + strip_height], pixels[top : top + strip_height]
        is_opaque = above[:, :, -1] == maximum
        np.copyto(join_channels(below), join_channels(above), where=is_opaque)
        is_partial = (above[:, :, -1] > 0) & ~is_opaque
        if is_partial.any():
            below[is_partial] = blend(below[is_partial], above[is_partial])


def join_channels(pixels: Pixels) -> Pixels:
    """The same memory as (height, width), with one integer for each pixel."""
    return pixels.view(f"u{pixels.shape[2] * pixels.itemsize}")[:, :, 0]


def blend(below: Pixels, above: Pixels) -> Pixels:
    """Lay (count, channels) over one another: a = a₁ + a₂ (1 - a₁), colour = (c₁ a₁ + c₂ a₂ (1 - a₁)) / a.

    Halves are rounded up. float64 is exact enough to find every half of 16-bit pixels.
    """
    maximum = float(np.iinfo(above.dtype).max)
    alpha_above, alpha_below = above[:, -1:].astype(np.float64), below[:, -1:].astype(np.float64)
    weight_above, weight_below = alpha_above * maximum, alpha_below * (maximum - alpha_above)
    total = weight_above + weight_below
    colours = (above[:, :-1] * weight_above + below[:, :-1] * weight_below) / total
    return np.floor(np.concatenate([colours, total / maximum], axis=1) + 0.5).astype(above.dtype)


def drop_unused_alpha(frames: list[Frame]) -> list[Frame]:
    """The frames without alpha, if every pixel of every frame is opaque."""
    maximum = np.iinfo(frames[0].pixels.dtype).max
    if any(frame.pixels[:, :, -1].min() < maximum for frame in frames):
        return frames
    return [Frame(np.ascontiguousarray(frame.pixels[:, :, :-1]), frame.duration_ms) for frame in frames]
