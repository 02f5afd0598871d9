"""Brightness and linear light of float32 planes of shape (height, width, 3)."""

import numpy as np

from kernels.types import Planes

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Of gamma-encoded red, green and blue. Source: ITU-R BT.601, 2.5.1; JPEG and Pillow use it."""
LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Of linear light. Source: IEC 61966-2-1 (sRGB), annex F; ITU-R BT.709."""


def measure_brightness(planes: Planes, linear: bool) -> Planes:
    """One plane (height, width, 1): luma, or luminance if the values are linear light."""
    return planes @ (LUMINANCE if linear else LUMA)[:, None]


def decode_srgb(planes: Planes, maximum: float) -> Planes:
    """Convert sRGB values 0..maximum to linear light 0..maximum. Source: IEC 61966-2-1."""
    encoded = planes / np.float32(maximum)
    return np.float32(maximum) * np.where(
        encoded <= 0.04045, encoded / 12.92, ((np.maximum(encoded, 0) + 0.055) / 1.055) ** 2.4
    )


def encode_srgb(planes: Planes, maximum: float) -> Planes:
    """Convert linear light to sRGB values, clipped to 0..maximum."""
    light = np.clip(planes / np.float32(maximum), 0, 1)
    return np.float32(maximum) * np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
