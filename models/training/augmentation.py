"""Augment training fields with the variations of pens, cameras and screens.

Fields are uint8 as input and float32 in 0..1 as output. Affine and elastic distortions and changes of stroke width,
blur and contrast keep a field close to MNIST's form. Three fields in ten are degraded as well, like an image that is
small, compressed or badly lit, or whose preprocessing failed: off centre, cut off, striped, with lines, borders or
noise. All random numbers of a batch come from one generator.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from models.network import FIELD
from models.training.degradations import DEGRADATIONS, FINE, blur
from models.types import ByteFields, Field, Fields, Mask

DISPLACEMENTS = 1024  # elastic displacement maps to choose from


@dataclass(frozen=True)
class Augmentation:
    """The strength of the changes. Angles in degrees, lengths in pixels of the field, shares in 0..1."""

    rotation: float = 10.0  # standard deviation
    shear: float = 0.16  # standard deviation, as a slope
    scale: float = 0.11  # standard deviation of the logarithm, for each axis
    shift: float = 1.2  # standard deviation
    elastic: float = 0.9  # standard deviation of the largest displacement
    width_share: float = 0.5  # of fields with a changed stroke width
    blur_share: float = 0.25
    contrast_share: float = 0.4
    degraded_share: float = 0.3


def augment_fields(
    fields: ByteFields, generator: np.random.Generator, augmentation: Augmentation | None = None
) -> Fields:
    """Changed copies of fields."""
    augmentation = augmentation or Augmentation()
    count = len(fields)
    degraded = generator.random(count) < augmentation.degraded_share
    across, down = draw_distortions(count, degraded, generator, augmentation)
    resized = generator.random(count) < augmentation.width_share
    blurred = generator.random(count) < augmentation.blur_share
    contrasted = generator.random(count) < augmentation.contrast_share
    changed = np.empty((count, FIELD, FIELD), np.float32)
    for number in range(count):
        fine = cv2.remap(fields[number], across[number], down[number], cv2.INTER_LINEAR)
        if resized[number]:
            fine = change_stroke_width(fine, generator)
        field = np.asarray(cv2.resize(fine, (FIELD, FIELD), interpolation=cv2.INTER_AREA), np.float32) / np.float32(255)
        if blurred[number]:
            field = blur(field, float(generator.uniform(0.4, 1.3)))
        if contrasted[number]:
            field = change_contrast(field, generator)
        if degraded[number]:
            field = DEGRADATIONS[int(generator.integers(len(DEGRADATIONS)))](field, generator)
        changed[number] = field
    return np.clip(changed, 0, 1, out=changed)


def change_stroke_width(fine: cv2.typing.MatLike, generator: np.random.Generator) -> cv2.typing.MatLike:
    """Thin or thicken the strokes of a (56, 56) field by up to 2 pixels of the 28x28 field."""
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    ink_share = float(np.mean(fine)) / 255
    # Thick strokes are more often thinned, thin ones thickened; a hairline is never erased.
    if generator.random() < np.clip((ink_share - 0.06) / 0.16, 0, 0.8):
        thinned = cv2.erode(fine, element, iterations=int(generator.integers(1, 3)))
        return thinned if np.mean(thinned) > 0.35 * np.mean(fine) else cv2.addWeighted(fine, 0.7, thinned, 0.3, 0)
    if ink_share > 0.25:
        return fine  # thicker strokes would close the loops
    return cv2.dilate(fine, element, iterations=int(generator.integers(1, 5 if ink_share < 0.09 else 3)))


def change_contrast(field: Field, generator: np.random.Generator) -> Field:
    """Make ink faint or bold by gamma and gain, and in some fields by a soft or hard threshold."""
    field = field ** np.float32(np.exp(generator.normal(0, 0.4)))
    if generator.random() < 0.3:
        gain, threshold = generator.uniform(2, 12), generator.uniform(0.25, 0.6)
        field = np.clip((field - threshold) * gain + 0.5, 0, 1)
    return np.asarray(field * generator.uniform(0.55, 1.1), np.float32)


def draw_distortions(
    count: int, degraded: Mask, generator: np.random.Generator, augmentation: Augmentation
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The source x and y, each (count, 56, 56), of every fine pixel: an affine map plus an elastic displacement."""
    wide = np.where(degraded, 1.8, 1.0)
    angle = np.deg2rad(np.clip(generator.normal(0, augmentation.rotation, count) * wide, -35, 35))
    shear = np.clip(generator.normal(0, augmentation.shear, count) * wide, -0.6, 0.6)
    scale_x, scale_y = np.exp(np.clip(generator.normal(0, augmentation.scale, (2, count)), -0.3, 0.3))
    small = np.where(degraded & (generator.random(count) < 0.25), generator.uniform(1.2, 1.9, count), 1)
    shift_x, shift_y = generator.normal(0, augmentation.shift, (2, count)) * wide
    matrix = np.empty((count, 2, 2))
    matrix[:, 0, 0] = np.cos(angle) * scale_x * small
    matrix[:, 0, 1] = (np.cos(angle) * shear - np.sin(angle)) * scale_x * small
    matrix[:, 1, 0] = np.sin(angle) * scale_y * small
    matrix[:, 1, 1] = (np.sin(angle) * shear + np.cos(angle)) * scale_y * small
    grid = (np.arange(FINE, dtype=np.float32) + 0.5) * (FIELD / FINE) - 0.5 - FIELD / 2
    m = matrix.astype(np.float32)[..., None, None]
    y, x = grid[:, None], grid[None, :]
    maps = make_displacements()
    strength = np.abs(generator.normal(0, augmentation.elastic, (2, count))).astype(np.float32)[..., None, None]
    chosen = generator.integers(DISPLACEMENTS, size=(2, count))
    centre = FIELD / 2
    across = m[:, 0, 0] * x + m[:, 0, 1] * y + maps[chosen[0]] * strength[0]
    down = m[:, 1, 0] * x + m[:, 1, 1] * y + maps[chosen[1]] * strength[1]
    across += (centre + shift_x).astype(np.float32)[:, None, None]
    down += (centre + shift_y).astype(np.float32)[:, None, None]
    return across, down


@cache
def make_displacements() -> NDArray[np.float32]:
    """Smooth random displacements (1024, 56, 56) with a maximum of 1."""
    generator = np.random.default_rng(28)
    maps = []
    for _ in range(DISPLACEMENTS):
        coarse = generator.normal(0, 1, (FINE, FINE)).astype(np.float32)
        smooth = cv2.GaussianBlur(coarse, (0, 0), float(generator.uniform(7, 13)))
        maps.append(smooth / np.abs(smooth).max())
    return np.asarray(maps, np.float32)
