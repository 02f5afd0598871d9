"""Decoding of an opened image with Pillow."""

import numpy as np
from PIL import Image, JpegImagePlugin

from app.images import avif
from app.images.decode_16_bit import decode_16_bit_png
from app.images.file_facts import FileFacts
from app.images.image import Frame, JpegSampling
from app.images.jpeg_damage import reject_damaged_jpeg
from app.images.orientation import read_orientation, turn_upright
from app.images.true_colour import convert_to_true_colour, scale_transparent_grey
from app.images.webp_alpha import settle_alpha


def decode_with_pillow(image: Image.Image, data: bytes, facts: FileFacts, end: int) -> list[Frame]:
    """Decode the first `end` frames, or 16-bit images with another decoder after Pillow found no damage."""
    if facts.format and facts.format.name == "jpeg":
        reject_damaged_jpeg(data)
    scale_transparent_grey(image, facts.png_bit_depth)
    if facts.png_bit_depth == 16 and end == 1:
        return [Frame(decode_16_bit_png(image, data, facts))]
    decoded = [decode_frame(image, facts, index) for index in range(end)]
    if facts.is_alpha_hidden:
        return [Frame(settle_alpha(frame.pixels), frame.duration_ms) for frame in decoded]
    return decoded


def decode_frame(image: Image.Image, facts: FileFacts, index: int) -> Frame:
    if index != image.tell():
        image.seek(index)
    image.load()
    orientation = read_orientation(image, facts)
    pixels = np.asarray(convert_to_true_colour(image))
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    if facts.visible_size:
        width, height = facts.visible_size
        pixels = pixels[:height, :width]
    return Frame(turn_upright(pixels, orientation), float(image.info.get("duration", 0) or 0))


def reduce_jpeg(image: Image.Image, enough_px: int) -> int:
    """Make the decoder divide both sides by 8, 4 or 2, if the longer one keeps `enough_px`. Returns the divisor."""
    longer = max(image.size)
    reduced = next((divisor for divisor in (8, 4, 2) if longer >= divisor * enough_px), 1)
    if reduced == 1 or image.format not in ("JPEG", "MPO"):
        return 1
    image.draft(None, (image.width // reduced, image.height // reduced))
    return reduced


def count_frames(image: Image.Image) -> int:
    """The frames or pages to decode. Of an MPO, viewers show the first; animated PNG is not counted here."""
    return 1 if image.format in ("MPO", "PNG") else getattr(image, "n_frames", 1)


def read_jpeg_sampling(image: Image.Image) -> JpegSampling | None:
    if not isinstance(image, JpegImagePlugin.JpegImageFile):
        return None
    samplings: dict[int, JpegSampling] = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}
    return samplings.get(JpegImagePlugin.get_sampling(image))


def read_plays(image: Image.Image, data: bytes) -> int:
    """Number of times an animation is shown; 0 is forever."""
    if image.format == "AVIF":
        return avif.read_plays(data)
    return int(image.info.get("loop") or 0)
