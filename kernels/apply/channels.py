"""The setting `channels`: which planes of an image are filtered, and how the result replaces them."""

import numpy as np

from kernels import colour
from kernels.types import Planes


def is_selection(channels: str) -> bool:
    """Whether `channels` is a selection of red, green and blue."""
    return channels not in ("rgb", "gray", "luma")


def select_planes(colours: Planes, channels: str, linear: bool) -> Planes:
    """The planes to filter."""
    if is_selection(channels):
        return colours[:, :, find_indices(channels)]
    if channels in ("gray", "luma") and colours.shape[2] == 3:
        return colour.measure_brightness(colours, linear)
    return colours


def replace_planes(values: Planes, source: Planes, colours: Planes, channels: str, maximum: float | None) -> Planes:
    """The image with the filtered planes `values` in the place of `source`, which `select_planes` took from `colours`.

    The result of `luma` is clipped to 0..maximum, unless `maximum` is None.
    """
    if is_selection(channels):
        colours = colours.copy()
        colours[:, :, find_indices(channels)] = values
        return colours
    if channels == "luma" and colours.shape[2] == 3:
        # The same difference in red, green and blue leaves Cb and Cr unchanged.
        colours = colours + (values - source)
        return colours if maximum is None else np.clip(colours, 0, maximum)
    return values


def find_indices(channels: str) -> list[int]:
    return ["rgb".index(letter) for letter in channels]
