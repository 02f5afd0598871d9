"""Convert an image of any supported shape and dtype to the grey channel that best separates ink from paper."""

import cv2
import numpy as np
from numpy.typing import NDArray

from models.errors import InvalidImageError
from models.types import Grey, Pixels

FULL_SCALE = {"uint8": 255.0, "uint16": 65535.0, "bool": 1.0}
AXIS_SIDE = 160  # pixels: enough to find the colour of the ink
COLOURFUL = 0.015  # mean difference of the channels above which colour matters


def convert_to_float(image: Pixels) -> NDArray[np.float32]:
    """The image as (height, width, 1..4) float32 in 0..1. Raises InvalidImageError.

    Accepts uint8, uint16, bool, and floats in 0..1; floats outside are clipped.
    """
    check_shape(image)
    if image.ndim == 2:
        image = image[..., None]
    if image.dtype.name in FULL_SCALE:
        return image.astype(np.float32) / np.float32(FULL_SCALE[image.dtype.name])
    if not np.issubdtype(image.dtype, np.floating):
        raise InvalidImageError(f"an image is uint8, uint16 or float in 0..1, not {image.dtype}")
    return np.clip(np.nan_to_num(image.astype(np.float32)), 0, 1)


def check_shape(image: Pixels) -> None:
    """Raise InvalidImageError unless the shape is (height, width[, 1..4]) with at least one pixel."""
    if image.ndim not in (2, 3) or (image.ndim == 3 and not 1 <= image.shape[2] <= 4):
        raise InvalidImageError(f"an image is (height, width, 1 to 4 channels), not {image.shape}")
    if image.shape[0] < 1 or image.shape[1] < 1:
        raise InvalidImageError(f"an image has at least 1x1 pixels; this one is {image.shape[1]}x{image.shape[0]}")


def reduce_image(image: Pixels, longest: int) -> Pixels:
    """The image with its longer side at most `longest` pixels, by area averaging. Small images are returned as is."""
    height, width = image.shape[:2]
    if max(height, width) <= longest:
        return image
    scale = longest / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if image.dtype == np.bool_:
        image = image.astype(np.uint8) * 255
    reduced = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return reduced if reduced.ndim == image.ndim else reduced[..., None]


def flatten_transparency(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """The image without alpha, over white; over black if light ink would disappear on white."""
    if image.shape[2] not in (2, 4):
        return image
    colour, alpha = image[..., :-1], image[..., -1:]
    if float(alpha.min()) > 0.99:
        return colour
    weight = float(alpha.sum())
    brightness = float((colour * alpha).sum()) / max(weight * colour.shape[2], 1e-6)
    paper = 0.0 if brightness > 0.8 and float((alpha < 0.5).mean()) > 0.3 else 1.0
    return colour * alpha + np.float32(paper) * (1 - alpha)


def convert_to_grey(colour: NDArray[np.float32]) -> Grey:
    """(height, width) of (height, width, 1 or 3), along the colour axis with the most variation.

    For grey ink this is the mean of the channels, for a yellow pen the blue channel, for blue ink on pink paper the
    red one. Brighter pixels stay brighter.
    """
    if colour.shape[2] == 1:
        return colour[..., 0]
    small = reduce_image(colour, AXIS_SIDE)
    spread = np.abs(small - small.mean(axis=2, keepdims=True)).mean()
    if spread < COLOURFUL:
        return np.asarray(colour @ np.array([0.299, 0.587, 0.114], np.float32), np.float32)
    sigma = max(small.shape[:2]) / 8
    local = small - cv2.GaussianBlur(small, (0, 0), sigma)
    pixels = local.reshape(-1, 3).astype(np.float64)
    axis = np.linalg.eigh(pixels.T @ pixels)[1][:, -1]
    axis *= np.sign(axis.sum()) or 1.0
    axis /= np.abs(axis).sum()
    grey = colour @ axis.astype(np.float32)
    return np.asarray(grey - np.minimum(axis, 0).sum(), np.float32)
