"""The task `explain-digit-sheet`: the explanation of a digit as one image."""

import math
from collections.abc import Sequence
from types import NoneType
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from app.images.encode import convert_to_image, reduce_to_8_bit
from app.images.formats import FORMATS
from app.images.png import save_png
from app.pool.ipc import Report
from app.pool.task import Answer, Task
from app.tasks.context import TaskContext
from app.tasks.drawing import GAP_PX, INK, PAPER
from app.tasks.explain_digit import ExplainedImage, draw_maps, draw_signed, enlarge, explain_image
from app.tasks.options import AS_USUAL, MapLayer, ReadingOptions
from models.reader.explain import StageOutput

TILE_PX = 224
"""Side of the network's input, enlarged eight times."""
MAP_PX = 56
COLUMNS = 16
"""Feature maps per row."""
MAP_GAP_PX = 4
CAPTION_PX = 22
WIDTH_PX = 2 * GAP_PX + COLUMNS * (MAP_PX + MAP_GAP_PX)
MAT = (208, 208, 208)
"""Colour between the maps and around a small input."""
# Captions use x for ×, which Pillow's own font does not have.


class SheetParams(msgspec.Struct, frozen=True):
    """Of the task `explain-digit-sheet`. With a layer, the PNG shows only its maps, or one of them."""

    reading: ReadingOptions = AS_USUAL
    layer: MapLayer | None = None
    map: int | None = None
    scale: int = 8


def run_sheet(context: TaskContext, params: SheetParams, blobs: Sequence[bytes], report: Report) -> Answer[None]:
    (data,) = blobs
    explained = explain_image(data, context.settings, params.reading, report)
    return Answer(None, [draw_explanation(explained, params.layer, params.map, params.scale)])


EXPLAIN_DIGIT_SHEET = Task("explain-digit-sheet", SheetParams, NoneType, run_sheet)


def draw_explanation(explained: ExplainedImage, layer: str | None, map: int | None, scale: int) -> bytes:
    """The sheet as a PNG. With a layer only its maps, or one of them, enlarged by `scale` without smoothing."""
    if layer is None:
        return save_png(draw_sheet(explained))
    stage = next(stage for stage in explained.explanation.stages if stage.name == layer)
    maps = draw_maps(stage)
    return save_png(
        Image.fromarray(enlarge(maps[map], scale)) if map is not None else arrange_maps(maps, scale, MAP_GAP_PX)
    )


def arrange_maps(maps: Sequence[NDArray[np.uint8]], scale: int, gap_px: int) -> Image.Image:
    """Maps of one size in order, in rows of 16."""
    side = scale * len(maps[0])
    columns, rows = min(COLUMNS, len(maps)), -(-len(maps) // COLUMNS)
    sheet = Image.new("L", (columns * (side + gap_px) - gap_px, rows * (side + gap_px) - gap_px), MAT[0])
    for number, grey in enumerate(maps):
        row, column = divmod(number, COLUMNS)
        sheet.paste(Image.fromarray(enlarge(grey, scale)), (column * (side + gap_px), row * (side + gap_px)))
    return sheet


def draw_sheet(explained: ExplainedImage) -> Image.Image:
    """Image, network input, occlusion and gradient in a row; below them the maps of both convolutions."""
    explanation, result = explained.explanation, explained.result
    field, scale = explanation.field, TILE_PX // len(explanation.field)
    tiles = [
        ("input", fit_to_tile(explained.pixels)),
        ("network input, 28x28", Image.fromarray(enlarge(np.rint(255 * field).astype(np.uint8), scale))),
        ("occlusion", Image.fromarray(draw_signed(explanation.occlusion, field, scale))),
        ("input gradient", Image.fromarray(draw_signed(explanation.gradient, field, scale))),
    ]
    layers = [
        (f"{stage.name}: {count_maps(stage)}, after batch norm and ReLU", draw_layer(stage))
        for stage in explanation.stages
        if stage.kind == "conv"
    ]
    rows = [draw_row(tiles), *(draw_row([layer]) for layer in layers)]
    sheet = Image.new("RGB", (WIDTH_PX, CAPTION_PX + GAP_PX + sum(row.height for row in rows)), PAPER)
    percent = math.floor(10_000 * result.confidence) / 100  # rounded down: the result is never 100 % certain
    verdict = "not a digit; most similar to" if result.verdict == "not_a_digit" else result.verdict
    sentence = f"{verdict}: {result.digit}, confidence {percent:.2f} %."
    write_caption(sheet, (GAP_PX, GAP_PX), f"{sentence} Red supports {result.digit}, blue opposes it.")
    top = CAPTION_PX + GAP_PX
    for row in rows:
        sheet.paste(row, (0, top))
        top += row.height
    return sheet


def draw_row(tiles: Sequence[tuple[str, Image.Image]]) -> Image.Image:
    """Images in a row over the width of the sheet, each below its caption."""
    row = Image.new("RGB", (WIDTH_PX, CAPTION_PX + max(tile.height for _, tile in tiles) + GAP_PX), PAPER)
    free = WIDTH_PX - 2 * GAP_PX - sum(tile.width for _, tile in tiles)
    left = GAP_PX
    for caption, tile in tiles:
        write_caption(row, (left, 0), caption)
        row.paste(tile, (left, CAPTION_PX))
        left += tile.width + free // max(len(tiles) - 1, 1)
    return row


def write_caption(sheet: Image.Image, corner: tuple[int, int], text: str) -> None:
    ImageDraw.Draw(sheet).text(corner, text, font=ImageFont.load_default(0.65 * CAPTION_PX), fill=INK)


def fit_to_tile(pixels: NDArray[Any]) -> Image.Image:
    """The image, reduced to fit a tile or, if it is small, enlarged without smoothing."""
    image = convert_to_image(reduce_to_8_bit(pixels), FORMATS["png"])
    larger = TILE_PX // max(image.size)
    if larger > 1:
        image = image.resize((larger * image.width, larger * image.height), Image.Resampling.NEAREST)
    image.thumbnail((TILE_PX, TILE_PX), Image.Resampling.LANCZOS, reducing_gap=3)
    tile = Image.new("RGB", (TILE_PX, TILE_PX), MAT)
    corner = ((TILE_PX - image.width) // 2, (TILE_PX - image.height) // 2)
    tile.paste(image.convert("RGB"), corner, image.getchannel("A") if image.mode.endswith("A") else None)
    return tile


def draw_layer(stage: StageOutput) -> Image.Image:
    return arrange_maps(draw_maps(stage), MAP_PX // len(stage.values), MAP_GAP_PX)


def count_maps(stage: StageOutput) -> str:
    height, width, maps = stage.values.shape
    return f"{maps} maps of {width}x{height}, 0 black, {stage.values.max():.2f} white"
