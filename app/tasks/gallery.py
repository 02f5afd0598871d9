"""One contact sheet of an image under many kernels: the lecture's figure."""

import base64
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from app.context import timed
from app.images.decode import decode_image
from app.images.encode import convert_to_image, encode_image, pick_profile, reduce_to_8_bit
from app.images.formats import FORMATS
from app.images.image import DecodedImage
from app.images.limits import ImageLimits
from app.images.png import encode_png
from app.settings import Settings
from app.tasks.catalogue import LEARNED
from kernels.apply.filter import apply_steps
from kernels.catalogue import Catalogue
from kernels.chain import Step, resolve_step
from kernels.errors import KernelParameterError
from kernels.settings import FilterSettings

CAPTION_PX = 20
GAP_PX = 8
PAPER = (255, 255, 255)
INK = (24, 24, 24)


def choose_steps(kernels: str | None, catalogue: Catalogue, max_kernels: int) -> list[Step]:
    """The named kernels or, without names, all but the learned ones, with their default parameters."""
    if kernels:
        names = [name for name in kernels.split(",") if name.strip()]
    else:
        # Half of the sheet would be small variations on a theme; by name they can be had.
        names = [entry.name for entry in catalogue.values() if entry.source != LEARNED]
    if not names:
        raise KernelParameterError(
            "kernels", f"'{kernels}' names no kernel: give names with commas, or nothing for all."
        )
    if len(names) > max_kernels:
        raise KernelParameterError(
            "kernels", f"{len(names)} kernels; the limit is {max_kernels} (CONVSERVE_MAX_GALLERY_KERNELS)."
        )
    return [make_visible(resolve_step(name, FilterSettings(), catalogue)) for name in names]


def make_visible(step: Step) -> Step:
    """Raw numbers are no image: they are shown from the smallest, black, to the largest, white."""
    if step.response != "raw":
        return step
    return replace(step, settings=step.settings.model_copy(update={"response": "rescale"}))


def make_contact_sheet(data: bytes, steps: Sequence[Step], side_px: int, settings: Settings) -> bytes:
    """The first frame, reduced to fit `side_px`, as it is and under each step, with captions, as a PNG.

    The kernels work on the reduced image, so that what they do can be seen. Raises ImageError or KernelError.
    """
    decoded = decode_image(data, ImageLimits.from_settings(settings), "first")
    sheet = Image.fromarray(arrange(draw_tiles(decoded, steps, side_px)))
    result = decoded.with_pixels([np.asarray(sheet)])
    return encode_image(result, FORMATS["png"]).data if pick_profile(result) else save_png(sheet)


def make_tiles(data: bytes, steps: Sequence[Step], side_px: int, settings: Settings) -> list[tuple[str, bytes]]:
    """The images of the contact sheet one by one: (name, PNG), `input` first. Raises as `make_contact_sheet`."""
    decoded = decode_image(data, ImageLimits.from_settings(settings), "first")
    png = FORMATS["png"]
    return [
        (
            name,
            encode_image(decoded.with_pixels([np.atleast_3d(np.asarray(tile))]), png).data
            if pick_profile(decoded)
            else save_png(tile),
        )
        for name, tile in draw_tiles(decoded, steps, side_px)
    ]


@timed("convolve")
def draw_tiles(decoded: DecodedImage, steps: Sequence[Step], side_px: int) -> list[tuple[str, Image.Image]]:
    png = FORMATS["png"]
    original = convert_to_image(reduce_to_8_bit(decoded.frames[0].pixels), png)
    original.thumbnail((side_px, side_px), Image.Resampling.LANCZOS, reducing_gap=3)
    pixels = np.asarray(original)
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels

    tiles = [("input", original)]
    for step in steps:
        tiles.append((step.kernel.name, convert_to_image(apply_steps(pixels, [step]).image, png)))
    return tiles


def arrange(tiles: Sequence[tuple[str, Image.Image]]) -> "np.typing.NDArray[np.uint8]":
    """Put captioned images of one size into a grid about as wide as it is high. (height, width, 3) uint8."""
    width, height = tiles[0][1].size
    cell = (max(width, 8 * CAPTION_PX) + GAP_PX, height + CAPTION_PX + GAP_PX)
    columns = max(1, min(len(tiles), round(math.sqrt(len(tiles) * cell[1] / cell[0] * 4 / 3))))
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


def encode_data_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()


def save_png(image: Image.Image) -> bytes:
    """Of an image in grey or colour, with or without alpha, which is taken for sRGB."""
    pixels = np.asarray(image)
    return encode_png(pixels if pixels.ndim == 3 else pixels[:, :, None], None)
