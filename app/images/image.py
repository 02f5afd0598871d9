"""An image in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from app.images.colour_tags import UNTAGGED, ColourTags
from app.images.formats import Format

Mask = NDArray[np.bool_]
Pixels = NDArray[Any]
JpegSampling = Literal["4:4:4", "4:2:2", "4:2:0"]


@dataclass(frozen=True)
class Frame:
    """Pixels of shape (height, width, channels), uint8, uint16 or (raw results) float32; channels: 1 grey,
    2 grey + alpha, 3 RGB, 4 RGBA (straight)."""

    pixels: Pixels
    duration_ms: float = 0.0


@dataclass(frozen=True)
class DecodedImage:
    """One or more upright frames of the same shape and dtype."""

    frames: tuple[Frame, ...]
    format: Format
    """The format of the file."""
    profile: bytes | None = None
    """ICC profile of the pixels; None means sRGB, or what `colour` states."""
    jpeg_sampling: JpegSampling | None = None
    """Chroma subsampling of a JPEG; None for other formats and for grey."""
    plays: int = 0
    """Number of times an animation is shown; 0 is forever."""
    is_lossless: bool = False
    """Whether the file is a lossless one of a format that can also be lossy, as far as its structure tells."""
    reduced: int = 1
    """Divisor of both sides, if the image was decoded at a reduced size."""
    backend: str = "pillow"
    """The library that decoded the image: `libheif`, `libjpeg-turbo`, `libtiff`, `numpy`, `pillow` or `tensorflow`."""
    colour: ColourTags = UNTAGGED
    """What the file says about the colour of the pixels, apart from the profile. Its code points have priority."""

    @property
    def pixel_count(self) -> int:
        """Width × height × frames."""
        return len(self.frames) * self.width * self.height

    @property
    def height(self) -> int:
        return int(self.frames[0].pixels.shape[0])

    @property
    def width(self) -> int:
        return int(self.frames[0].pixels.shape[1])

    @property
    def channels(self) -> int:
        return int(self.frames[0].pixels.shape[2])

    @property
    def is_16_bit(self) -> bool:
        return self.frames[0].pixels.dtype == np.uint16

    def with_pixels(self, pixels: Sequence[Pixels]) -> "DecodedImage":
        """A copy of the image with other pixels in its frames."""
        frames = [replace(frame, pixels=new) for frame, new in zip(self.frames, pixels, strict=True)]
        return replace(self, frames=tuple(frames))
