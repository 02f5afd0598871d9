"""Regions of an image: rectangles in pixels or in percent of its sides."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from kernels.errors import KernelParameterError
from kernels.numbers import parse_number

Reads = Literal["image", "region"]
"""Which pixels the kernels of a region read: all of the image, or only those inside."""

MAX_REGIONS = 100
MAX_REGION_CHARACTERS = 100
HOW = "use x,y,width,height in pixels or percent, such as 100,50,200,120 or 10%,10%,50%,25%"


@dataclass(frozen=True)
class Rectangle:
    """Pixels of an image: at least one."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.left + self.width

    @property
    def bottom(self) -> int:
        return self.top + self.height

    @property
    def pixel_count(self) -> int:
        return self.width * self.height

    @property
    def pixels(self) -> tuple[slice, slice]:
        """An index of arrays (height, width, ...)."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def within(self, other: "Rectangle") -> "Rectangle":
        """The same pixels, counted from the corner of `other`."""
        return Rectangle(self.left - other.left, self.top - other.top, self.width, self.height)

    def widen(self, top: int, bottom: int, left: int, right: int, bounds: "Rectangle") -> "Rectangle":
        """Add pixels on each side, as far as there are any in `bounds`."""
        x, y = max(bounds.left, self.left - left), max(bounds.top, self.top - top)
        width = min(bounds.right, self.right + right) - x
        return Rectangle(x, y, width, min(bounds.bottom, self.bottom + bottom) - y)

    def intersect(self, other: "Rectangle") -> "Rectangle | None":
        left, top = max(self.left, other.left), max(self.top, other.top)
        width, height = min(self.right, other.right) - left, min(self.bottom, other.bottom) - top
        return Rectangle(left, top, width, height) if width > 0 and height > 0 else None


def parse_regions(value: Any) -> tuple[str, ...]:
    """Normalise one text or several; `;` separates regions in a text. Raises ValueError."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, Sequence) or not all(isinstance(text, str) for text in texts):
        raise ValueError(HOW)
    regions = tuple(normalize_region(part) for text in texts for part in text.strip().removesuffix(";").split(";"))
    if len(regions) > MAX_REGIONS:
        raise ValueError(f"there are {len(regions)} regions; the limit is {MAX_REGIONS}")
    return regions


def normalize_region(text: str) -> str:
    """Remove spaces. Raises ValueError unless it is four numbers, each in whole pixels or percent."""
    parts = [part.strip() for part in text.split(",")] if len(text) <= MAX_REGION_CHARACTERS else []
    if len(parts) != 4:
        raise ValueError(HOW)
    for part in parts:
        if part.endswith("%"):
            parse_number(part[:-1].strip())
        elif not re.fullmatch(r"-?[0-9]{1,9}", part):
            raise ValueError(f"'{part}' is not a whole number of pixels; {HOW}")
    return ",".join(part.replace(" ", "") for part in parts)


def place_region(region: str, width: int, height: int) -> Rectangle:
    """The pixels of a region in an image. Edges in percent are rounded to the nearest pixel, halves up.

    Raises KernelParameterError if it is not inside of the image, or has no pixel.
    """
    x, y, *sides = region.split(",")
    left, right = place_edges(x, sides[0], width)
    top, bottom = place_edges(y, sides[1], height)
    if not (0 <= left < right <= width and 0 <= top < bottom <= height):
        shown = f"x {left} to {right}, y {top} to {bottom}"
        raise KernelParameterError(
            "region",
            f"region is {region} (x,y,width,height), which is {shown} in an image of {width}×{height} pixels. It must "
            f"have at least one pixel and end at x {width} and y {height} at the latest.",
        )
    return Rectangle(left, top, right - left, bottom - top)


def place_edges(start: str, length: str, side: int) -> tuple[int, int]:
    """The first pixel, and the one after the last."""
    first = measure(start, side)
    return round_half_up(first), round_half_up(first + measure(length, side))


def measure(text: str, side: int) -> float:
    """Pixels. A percentage is one of the side."""
    return float(text[:-1]) / 100 * side if text.endswith("%") else float(text)


def round_half_up(value: float) -> int:
    return math.floor(max(-1e9, min(value, 1e9)) + 0.5)
