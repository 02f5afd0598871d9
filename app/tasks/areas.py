"""The part of an image that a filter request names: regions and a mask, which is a second image."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from app.images.decode import decode_image
from app.images.errors import ImageError
from app.images.image import DecodedImage
from app.images.limits import ImageLimits
from app.pool.ipc import Report
from kernels import colour
from kernels.apply.regions import Area, make_area
from kernels.errors import KernelParameterError
from kernels.regions import Reads, place_region
from kernels.types import Planes


@dataclass(frozen=True)
class AreaRequest:
    """What a request says. Without regions and mask the whole image is filtered."""

    regions: tuple[str, ...] = ()
    """As `kernels.regions.parse_regions` returns them."""
    mask: bytes | None = None
    """An image file."""
    reads: Reads | None = None

    @property
    def is_whole(self) -> bool:
        return not self.regions and self.mask is None


WHOLE = AreaRequest()


def check_reads(request: AreaRequest) -> None:
    """Raise KernelParameterError if `reads` is given and the whole image is filtered."""
    if request.is_whole and request.reads is not None:
        raise KernelParameterError(
            "reads", f"reads is '{request.reads}', which says what a region reads. Send region or mask, too."
        )


def read_area(request: AreaRequest, image: DecodedImage, limits: ImageLimits, report: Report) -> Area | None:
    """The area in an image; None for all of it. Raises ImageError for the mask, or KernelParameterError."""
    check_reads(request)
    if request.is_whole:
        return None
    rectangles = [place_region(region, image.width, image.height) for region in request.regions]
    mask = None if request.mask is None else read_mask(request.mask, limits, report)
    return make_area(rectangles, mask, request.reads or "image", image.height, image.width)


def read_mask(data: bytes, limits: ImageLimits, report: Report) -> Planes:
    """The brightness of the first frame times its alpha, (height, width) 0..1. Raises ImageError."""
    try:
        with report.time("decode"):
            image = decode_image(data, limits, "first")
    except ImageError as error:
        raise type(error)(f"The mask cannot be used. {error}") from error
    report.pixels += image.pixel_count
    pixels = image.frames[0].pixels
    planes = pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)
    has_alpha = image.channels % 2 == 0
    colours = planes[:, :, : image.channels - has_alpha]
    is_grey = (colours == colours[:, :, :1]).all()  # their weighted sum can differ from them by rounding
    brightness = colours[:, :, 0] if is_grey else colour.measure_brightness(colours, False)[:, :, 0]
    return np.clip(brightness * planes[:, :, -1] if has_alpha else brightness, 0, 1)


def describe_area(area: Area) -> dict[str, Any]:
    """For `explain=json`."""
    return {
        "regions": [{"x": one.left, "y": one.top, "width": one.width, "height": one.height} for one in area.rectangles],
        "mask": area.mask is not None,
        "reads": area.reads,
        "pixels": area.pixel_count if area.rectangles else 0,
    }
