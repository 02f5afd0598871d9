"""The tasks `contact-sheet` and `tiles`: an image under many kernels, as one image or as several."""

import math
from collections.abc import Sequence
from dataclasses import replace
from types import NoneType

import msgspec
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from app.images.colour_plan import pick_profile
from app.images.encode import convert_to_image, encode_image, reduce_to_8_bit
from app.images.formats import FORMATS
from app.images.image import DecodedImage
from app.images.limits import ImageLimits
from app.images.png import save_png
from app.pool.ipc import Report
from app.pool.task import Answer, Task
from app.settings import Settings
from app.tasks.catalogue import LEARNED
from app.tasks.codecs import decode
from app.tasks.context import TaskContext
from app.tasks.drawing import GAP_PX, INK, PAPER
from kernels.apply.filter import apply_steps
from kernels.catalogue import Catalogue
from kernels.chain import AnyStep, gives_image, resolve_operation
from kernels.errors import KernelParameterError
from kernels.settings import FilterSettings, Response

CAPTION_PX = 20


def choose_steps(
    kernels: str | None, catalogue: Catalogue, max_kernels: int, signed_response: Response = "abs"
) -> list[AnyStep]:
    """The named kernels, by default all except the learned ones, with their default parameters.

    `signed_response` is the response of kernels that sum to 0, whose default is `abs`. Raises KernelError.
    """
    if kernels:
        names = [name for name in kernels.split(",") if name.strip()]
    else:
        # The learned kernels would be half of the sheet, and are similar to each other.
        names = [entry.name for entry in catalogue.values() if entry.source != LEARNED]
    if not names:
        raise KernelParameterError(
            "kernels",
            f"kernels is '{kernels}', which has no name in it. Give comma-separated names, or leave it out for all.",
        )
    if len(names) > max_kernels:
        raise KernelParameterError(
            "kernels",
            f"kernels has {len(names)} names; the limit is {max_kernels} (CONVSERVE_MAX_GALLERY_KERNELS). "
            "Split them into several requests.",
        )
    return [make_visible(resolve_operation(name, FilterSettings(), catalogue), signed_response) for name in names]


def make_visible(step: AnyStep, signed_response: Response = "abs") -> AnyStep:
    """The step with `rescale` for `raw`, because raw numbers are not an image, and `signed_response` for `abs`.

    Raises KernelParameterError for a layer whose maps are not an image.
    """
    responses: dict[str, Response] = {"raw": "rescale", "abs": signed_response}
    response = responses.get(step.final_response, step.final_response)
    if response != step.final_response:
        step = replace(step, settings=step.settings.model_copy(update={"response": response}))
    if not gives_image([step]):
        raise KernelParameterError(
            "kernels", f"The maps of '{step.name}' are not an image. See them with POST /filter/{step.name}?maps=sheet."
        )
    return step


class GalleryParams(msgspec.Struct, frozen=True):
    """Of the tasks `contact-sheet` and `tiles`."""

    operations: str
    """One kernel for each tile, as JSON (`app/tasks/operations.py`)."""
    side_px: int


def run_contact_sheet(
    context: TaskContext, params: GalleryParams, blobs: Sequence[bytes], report: Report
) -> Answer[None]:
    (data,) = blobs
    steps = context.parse_steps(params.operations)
    return Answer(None, [make_contact_sheet(data, steps, params.side_px, context.settings, report)])


def run_tiles(context: TaskContext, params: GalleryParams, blobs: Sequence[bytes], report: Report) -> Answer[list[str]]:
    """The result of the answer is the names of the tiles, and the blobs are the tiles as PNGs."""
    (data,) = blobs
    steps = context.parse_steps(params.operations)
    tiles = make_tiles(data, steps, params.side_px, context.settings, report)
    return Answer([name for name, _ in tiles], [png for _, png in tiles])


CONTACT_SHEET = Task("contact-sheet", GalleryParams, NoneType, run_contact_sheet)
TILES = Task("tiles", GalleryParams, list[str], run_tiles, blob_count=None)


def make_contact_sheet(
    data: bytes, steps: Sequence[AnyStep], side_px: int, settings: Settings, report: Report
) -> bytes:
    """The first frame, reduced to fit `side_px`, unfiltered and after each step, with captions, as a PNG.

    Filtering the reduced image makes the effect of small kernels visible. Raises ImageError or KernelError.
    """
    image = decode(data, ImageLimits.from_settings(settings), report, "first")
    sheet = Image.fromarray(arrange_tiles(draw_tiles(image, steps, side_px, report)))
    result = image.with_pixels([np.asarray(sheet)])
    return encode_image(result, FORMATS["png"]).data if has_colour_space(result) else save_png(sheet)


def make_tiles(
    data: bytes, steps: Sequence[AnyStep], side_px: int, settings: Settings, report: Report
) -> list[tuple[str, bytes]]:
    """The images of the contact sheet as (name, PNG), `input` first. Raises what `make_contact_sheet` raises."""
    image = decode(data, ImageLimits.from_settings(settings), report, "first")
    return [(name, encode_tile(image, tile)) for name, tile in draw_tiles(image, steps, side_px, report)]


def encode_tile(image: DecodedImage, tile: Image.Image) -> bytes:
    """A PNG with the colour space of the image, if it has one."""
    if not has_colour_space(image):
        return save_png(tile)
    return encode_image(image.with_pixels([np.atleast_3d(np.asarray(tile))]), FORMATS["png"]).data


def has_colour_space(image: DecodedImage) -> bool:
    return pick_profile(image) is not None or image.colour.differs_from_srgb


def draw_tiles(
    image: DecodedImage, steps: Sequence[AnyStep], side_px: int, report: Report
) -> list[tuple[str, Image.Image]]:
    png = FORMATS["png"]
    with report.time("convolve"):
        original = convert_to_image(reduce_to_8_bit(image.frames[0].pixels), png)
        original.thumbnail((side_px, side_px), Image.Resampling.LANCZOS, reducing_gap=3)
        pixels = np.asarray(original)
        pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
        tiles = [("input", original)]
        for step in steps:
            tiles.append((step.name, convert_to_image(apply_steps(pixels, [step]).image, png)))
    return tiles


def arrange_tiles(
    tiles: Sequence[tuple[str, Image.Image]], columns: int | None = None
) -> "np.typing.NDArray[np.uint8]":
    """Captioned images of one size in a grid, by default of about 4:3. (height, width, 3) uint8."""
    width, height = tiles[0][1].size
    cell = (max(width, 8 * CAPTION_PX) + GAP_PX, height + CAPTION_PX + GAP_PX)
    columns = columns or max(1, min(len(tiles), round(math.sqrt(len(tiles) * cell[1] / cell[0] * 4 / 3))))
    rows = math.ceil(len(tiles) / columns)
    sheet = Image.new("RGB", (columns * cell[0] + GAP_PX, rows * cell[1] + GAP_PX), PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(0.7 * CAPTION_PX)
    for index, (caption, image) in enumerate(tiles):
        left, top = GAP_PX + index % columns * cell[0], GAP_PX + index // columns * cell[1]
        draw.text((left, top), caption, font=font, fill=INK)
        mask = image.getchannel("A") if image.mode.endswith("A") else None
        sheet.paste(image.convert("RGB"), (left, top + CAPTION_PX), mask)
    return np.asarray(sheet)
