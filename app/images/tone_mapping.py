"""Curves of high dynamic range, and their reduction to the range of sRGB.

Pixels in PQ and HLG can be brighter than the white of a page. They are reduced like in Chromium: by the tone mapping
for files without instructions of their own in SMPTE ST 2094-50, annex C. Light up to reference white (203 cd/m²,
ITU-R BT.2408) is halved, brighter light is compressed along a Bézier curve that ends at the peak of the content.
"""

import numpy as np
from numpy.typing import NDArray

Light = NDArray[np.float32]

REFERENCE_WHITE_NITS = 203.0
FULL_HEADROOM = np.log2(1000.0 / REFERENCE_WHITE_NITS)
"""log2 of the peak at which all of the reduction applies."""
BEND = 0.65
"""Position of the middle control point between the knee and the corner; ST 2094-50 calls it kappa."""
HLG_PEAK_NITS, HLG_GAMMA = 1000.0, 1.2


def linearize_pq(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Light relative to reference white, for 0..1. Source: ITU-R BT.2100-3, table 4 (SMPTE ST 2084)."""
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    power = values ** (1 / m2)
    return (10_000 / REFERENCE_WHITE_NITS) * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)


def linearize_hlg(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Light of the scene, 0..1. Source: ITU-R BT.2100-3, table 5."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(values <= 0.5, values * values / 3, (np.exp((values - c) / a) + b) / 12)


def display_hlg(scene: Light, luminance_weights: NDArray[np.float64]) -> Light:
    """Light of a display with a peak of 1000 cd/m² relative to reference white, for (pixels, channels).

    Source: ITU-R BT.2100-3, table 5, HLG OOTF.
    """
    luminance = sum_columns(scene, luminance_weights)
    gain = np.float32(HLG_PEAK_NITS / REFERENCE_WHITE_NITS) * luminance ** np.float32(HLG_GAMMA - 1)
    return scene * gain[..., None]


def sum_columns(light: Light, weights: NDArray[np.float64]) -> Light:
    """The weighted sum of the channels of (pixels, channels)."""
    total = light[:, 0] * np.float32(weights[0])
    for column in range(1, light.shape[1]):
        total += light[:, column] * np.float32(weights[column])
    return total


def map_tones(light: Light, peak_nits: float) -> Light:
    """Reduce light relative to reference white, (pixels, channels), to at most 1. Keeps the ratios of the channels."""
    headroom = np.log2(max(peak_nits, REFERENCE_WHITE_NITS) / REFERENCE_WHITE_NITS)
    if headroom == 0:
        return light
    white = 1 - 0.5 * min(headroom / FULL_HEADROOM, 1)
    peak = 2**headroom
    middle_x = (1 - BEND) + BEND / white
    middle_y = (1 - BEND) * white + BEND
    brightest = np.maximum.reduce(list(light.T))[:, None]
    # The parameter 0..1 of the quadratic curve (1, white), (middle_x, middle_y), (peak, 1) at `brightest`.
    a, b = 1 - 2 * middle_x + peak, 2 * (middle_x - 1)
    c = np.minimum(1 - np.minimum(brightest, np.float32(peak)), 0)
    t = -2 * c / (b + np.sqrt(b * b - 4 * a * c))
    mapped = (1 - t) ** 2 * white + 2 * t * (1 - t) * middle_y + t * t
    gain = np.where(brightest <= 1, np.float32(white), mapped / np.maximum(brightest, 1))
    return light * gain.astype(np.float32)
