"""A contact sheet of maps: each stretched from its smallest value (black) to its largest (white), with this range."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.tasks.gallery import arrange_tiles

TILE_PX = 192
"""Longest side of a map on the sheet. Larger maps are reduced; smaller ones are enlarged without smoothing."""


def draw_map_sheet(maps: NDArray[np.float32], columns: int | None = None) -> NDArray[np.uint8]:
    """(height, width, maps) of any range as (height, width, 3) uint8."""
    tiles = []
    for number in range(maps.shape[2]):
        values = maps[:, :, number]
        lowest, highest = float(values.min()), float(values.max())
        tiles.append((f"{number}: {lowest:.4g} to {highest:.4g}", fit_tile(stretch(values, lowest, highest))))
    return arrange_tiles(tiles, columns)


def stretch(values: NDArray[np.float32], lowest: float, highest: float) -> NDArray[np.uint8]:
    """A uniform map is black."""
    spread = highest - lowest
    return np.rint((values - lowest) * (255 / spread if spread else 0)).astype(np.uint8)


def fit_tile(grey: NDArray[np.uint8]) -> Image.Image:
    image = Image.fromarray(grey)
    larger = TILE_PX // max(image.size)
    if larger > 1:
        return image.resize((larger * image.width, larger * image.height), Image.Resampling.NEAREST)
    image.thumbnail((TILE_PX, TILE_PX), Image.Resampling.BOX)
    return image
