"""Conversion of pixels with colour tags to sRGB: transfer curve, tone mapping, matrix, curve of sRGB."""

import functools

import numpy as np
from numpy.typing import NDArray

from app.images.colour_tags import BT709, BT2020, CHROMATICITIES, HLG, PQ, VIDEO_CURVES, ColourTags
from app.images.image import Pixels
from app.images.tone_mapping import Light, display_hlg, linearize_hlg, linearize_pq, map_tones

STRIP_PIXELS = 1 << 16
"""Converted at a time, which fits the caches."""
CURVE_STEPS = 1 << 18
"""Entries of the table of the sRGB curve, over the square root of light: at most 0.2 of 65,535 levels apart."""
DISPLAY_GAMMA = 2.4
"""Of a display for video, whose curve is not the inverse of the camera's. Source: ITU-R BT.1886."""
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
"""Cone responses for the adaptation to another white. Source: ICC.1:2022, annex E."""


def convert_to_srgb(pixels: Pixels, tags: ColourTags) -> Pixels:
    """Convert (height, width, 1..4) uint8 or uint16; alpha stays. The tags must be known (`ColourTags.is_known`)."""
    channels = pixels.shape[2]
    colours = channels - 1 if channels % 2 == 0 else channels
    levels = np.iinfo(pixels.dtype).max
    light_of, value_of = tabulate_curve(tags, levels), tabulate_srgb(levels)
    flat = pixels.reshape(-1, channels)
    result = flat.copy()
    for start in range(0, len(flat), STRIP_PIXELS):
        light = light_of.take(flat[start : start + STRIP_PIXELS, :colours])
        roots = np.sqrt(np.clip(convert_light(light, tags), 0, 1)) * np.float32(CURVE_STEPS - 1)
        result[start : start + STRIP_PIXELS, :colours] = value_of.take(np.rint(roots).astype(np.int32))
    return result.reshape(pixels.shape)


def convert_light(light: Light, tags: ColourTags) -> Light:
    """Convert (pixels, 1 or 3) from the primaries and range of the tags to linear sRGB, which may exceed 0..1."""
    is_grey = light.shape[1] == 1
    srgb, bt2020 = derive_xyz_matrix(CHROMATICITIES[BT709]), derive_xyz_matrix(CHROMATICITIES[BT2020])
    transfer = tags.cicp[1] if tags.cicp else None
    if transfer not in (PQ, HLG):
        return light if is_grey else multiply(light, build_matrix(derive_primaries(tags), srgb))
    if not is_grey:
        light = np.maximum(multiply(light, build_matrix(derive_primaries(tags), bt2020)), 0)
    if transfer == HLG:
        light = display_hlg(light, np.ones(1) if is_grey else bt2020[1])
    light = map_tones(light, tags.peak_nits)
    return light if is_grey else multiply(light, build_matrix(bt2020, srgb))


def multiply(light: Light, matrix: NDArray[np.float32]) -> Light:
    """Multiply a 3×3 matrix with each pixel of (pixels, 3). NumPy's product takes thirty times as long."""
    import cv2

    return np.asarray(cv2.transform(light[None], matrix))[0]


def tabulate_curve(tags: ColourTags, levels: int) -> NDArray[np.float32]:
    """Light for each value 0..levels: 1 is white, or reference white for PQ."""
    values = np.arange(levels + 1) / levels
    power = 100_000 / (tags.gamma or 100_000)
    light = values**power if tags.cicp is None else linearize(values, tags.cicp[1])
    return light.astype(np.float32)


def linearize(values: NDArray[np.float64], transfer: int) -> NDArray[np.float64]:
    """Light for values 0..1. Source: ITU-T H.273, table 3."""
    powers = {4: 2.2, 5: 2.8, 8: 1.0} | dict.fromkeys((*VIDEO_CURVES, 11), DISPLAY_GAMMA)
    if transfer in powers:
        return values ** powers[transfer]
    if transfer == PQ:
        return linearize_pq(values)
    if transfer == HLG:
        return linearize_hlg(values)
    if transfer == 7:
        alpha, beta = 1.111572195921731, 0.022821585529445
        return np.where(values < 4 * beta, values / 4, ((values + alpha - 1) / alpha) ** (1 / 0.45))
    if transfer == 17:
        return 52.37 / 48 * values**2.6
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


@functools.cache
def tabulate_srgb(levels: int) -> NDArray[np.uint16]:
    """Values 0..levels for equal steps of the square root of light, 0..1. Source: IEC 61966-2-1."""
    light = np.linspace(0, 1, CURVE_STEPS) ** 2
    values = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(levels * values).astype(np.uint16)


def build_matrix(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float32]:
    """3×3 that multiplies linear RGB to change the primaries and adapt the white.

    `source` and `target` convert linear RGB to XYZ.
    """
    cones_from, cones_to = BRADFORD @ source.sum(axis=1), BRADFORD @ target.sum(axis=1)
    adaptation = np.linalg.inv(BRADFORD) @ np.diag(cones_to / cones_from) @ BRADFORD
    return np.asarray(np.linalg.inv(target) @ adaptation @ source, np.float32)


def derive_primaries(tags: ColourTags) -> NDArray[np.float64]:
    """`derive_xyz_matrix` of the chromaticities of the tags; of sRGB if they state none."""
    if tags.cicp is not None:
        return derive_xyz_matrix(CHROMATICITIES[tags.cicp[0]])
    if tags.chromaticities is not None:
        white, colours = tags.chromaticities[:2], tags.chromaticities[2:]
        return derive_xyz_matrix(tuple(value / 100_000 for value in (*colours, *white)))
    return derive_xyz_matrix(CHROMATICITIES[BT709])


@functools.cache
def derive_xyz_matrix(chromaticities: tuple[float, ...]) -> NDArray[np.float64]:
    """3×3 from linear RGB to XYZ, from x and y of red, green, blue and white. Its second row is the luminance.

    Source: SMPTE RP 177, 3.3.
    """
    x, y = np.array(chromaticities).reshape(4, 2).T
    columns = np.array([x, y, 1 - x - y])
    scales = np.linalg.solve(columns[:, :3], columns[:, 3] / y[3])
    return np.asarray(columns[:, :3] * scales)
