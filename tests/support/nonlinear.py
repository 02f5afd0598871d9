"""Operations that no single kernel gives, by OpenCV and NumPy, and a reference for the layers that learn them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from scipy import ndimage

from tests.support.images import Pixels

SHARPEN = np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])


def measure_magnitude(image: Pixels) -> Pixels:
    """The magnitude of the gradient, by Sobel's kernels."""
    plane = image.astype(np.float64)
    gradient = np.hypot(cv2.Sobel(plane, -1, 1, 0), cv2.Sobel(plane, -1, 0, 1))
    return np.clip(np.rint(gradient / 4), 0, 255).astype(np.uint8)


def sharpen_within_limits(image: Pixels) -> Pixels:
    """Sharpened, and clipped to 16..235, the range of studio video (ITU-R BT.601)."""
    sharp = cv2.filter2D(image.astype(np.float64), -1, SHARPEN)
    return np.clip(np.rint(sharp), 16, 235).astype(np.uint8)


NONLINEAR: Mapping[str, Callable[[Pixels], Pixels]] = {
    "gradient magnitude": measure_magnitude,
    "median": lambda image: cv2.medianBlur(image, 3),
    "threshold": lambda image: cv2.threshold(image, 127, 255, cv2.THRESH_BINARY)[1],
    "gamma": lambda image: cv2.LUT(image, np.rint(255 * (np.arange(256) / 255) ** 0.45).astype(np.uint8)),
    "clipped sharpening": sharpen_within_limits,
}


def apply_operations(image: Pixels, operations: Sequence[Mapping[str, Any]]) -> Any:
    """The result (height, width, outputs) of a document of conv and relu, in float64 by SciPy.

    Not rounded, and not clipped.
    """
    maps = image.reshape(*image.shape[:2], -1).astype(np.float64)
    for operation in operations:
        if operation["kernel"] == "relu":
            maps = np.maximum(maps, 0)
            continue
        assert operation["kernel"] == "conv"
        weights = np.array(operation["weights"], np.float64)
        if weights.ndim == 2:
            maps = maps @ weights.T + operation["bias"]
            continue
        assert operation["layout"] == "oihw"
        assert operation["border"] == "edge"
        # For an even side SciPy's middle is the one after the middle.
        origin = [0 if side % 2 else -1 for side in weights.shape[2:]]
        maps = np.stack(
            [
                bias
                + sum(
                    ndimage.correlate(maps[..., number], kernel, mode="nearest", origin=origin)
                    for number, kernel in enumerate(kernels)
                )
                for kernels, bias in zip(weights, operation["bias"], strict=True)
            ],
            axis=2,
        )
    return maps


def find_held_out(height: int, width: int, size: int, tile: int) -> Any:
    """The pixels (height, width) that docs/explanation/learning.md calls held out, as a mask."""
    anchor = (size - 1) // 2
    held_out = np.zeros((height, width), np.bool_)
    for row in range((height - size + 1) // tile):
        for column in range((width - size + 1) // tile):
            if (row + column) % 4 == 3:
                top, left = anchor + row * tile, anchor + column * tile
                held_out[top : top + tile, left : left + tile] = True
    return held_out


def measure_psnr(result: Any, wanted: Pixels, where: Any, maximum: float = 255) -> float:
    """In dB, of the pixels in a mask; the result is clipped and rounded."""
    rounded = np.rint(np.clip(result, 0, maximum))
    error = np.mean((rounded - wanted.reshape(rounded.shape))[where] ** 2)
    return float(10 * np.log10(maximum**2 / max(error, 1e-9)))
