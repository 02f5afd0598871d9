"""Decoding of TIFF pages to upright true-colour pixels."""

import numpy as np

from app.images.complexity import check_frame_count
from app.images.errors import ImageTooLargeError, UnreadableFormatError
from app.images.formats import Frames
from app.images.image import Frame
from app.images.limits import ImageLimits, describe_limit
from app.images.orientation import ORIENTATION_TAG, turn_upright
from app.images.tiff.colour import convert_samples
from app.images.tiff.directory import Directory, read_pages
from app.images.tiff.layout import CONVERTED_TO_SRGB, Layout, read_layout
from app.images.tiff.segments import read_samples

ICC_PROFILE = 34675
MAX_BITS_PER_PIXEL = 80
"""Of RGBA in 16 bits, and a quarter more for tiles that extend beyond the edges."""


def decode_tiff(data: bytes, limits: ImageLimits, frames: Frames) -> tuple[list[Frame], bytes | None]:
    """Decode the pages, or the first one. Returns them with the ICC profile of the first page.

    Raises ImageError, or what Pillow or NumPy raise for a damaged file.
    """
    pages = read_pages(data)[: 1 if frames == "first" else None]
    check_frame_count(len(pages), limits)
    layouts = [read_layout(page) for page in pages]
    check_sizes(layouts, limits)
    profile = pages[0].read_bytes(ICC_PROFILE)
    decoded = [decode_page(page, layout) for page, layout in zip(pages, layouts, strict=True)]
    if len({frame.pixels.dtype for frame in decoded}) > 1:
        raise UnreadableFormatError("The pages of this file have different depths. Send them one by one.")
    return decoded, None if layouts[0].photometric in CONVERTED_TO_SRGB else profile


def check_sizes(layouts: list[Layout], limits: ImageLimits) -> None:
    """Limit the sum of the pages, which can differ in size, and what their tiles add beyond the edges."""
    pixels = 0
    for index, layout in enumerate(layouts):
        pixels += layout.width * layout.height
        if pixels > limits.max_pixels:
            size = f"{layout.width}×{layout.height} pixels" if not index else f"{pixels} pixels in {index + 1} pages"
            raise ImageTooLargeError(describe_limit(size, limits))
        stored_bits = layout.stored_pixels * layout.samples * layout.bits
        if stored_bits > MAX_BITS_PER_PIXEL * limits.max_pixels:
            size = f"{layout.stored_pixels} pixels of {layout.samples} samples in its strips or tiles"
            raise ImageTooLargeError(describe_limit(size, limits))


def decode_page(page: Directory, layout: Layout) -> Frame:
    samples = read_samples(page, layout)
    pixels = convert_samples(samples, page, layout, page.read_bytes(ICC_PROFILE))
    orientation = page.read_number(ORIENTATION_TAG, 1)
    return Frame(np.ascontiguousarray(turn_upright(pixels, orientation if 1 <= orientation <= 8 else 1)))
