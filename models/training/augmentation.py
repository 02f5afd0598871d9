"""Augment training fields with the variations of pens, cameras and screens.

Fields are uint8 as input and float32 in 0..1 as output. Affine and elastic distortions and changes of stroke width,
blur and contrast keep a field close to MNIST's form. One field in four is degraded as well, like an image whose
preprocessing failed: off centre, striped, with lines, noise or outlines. All random numbers of a batch come from one
generator.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from models.network import FIELD
from models.types import ByteFields, Field, Fields, Mask

FINE = 2 * FIELD  # pixels: stroke width changes at twice the size, where a step is half a pixel of the field
DISPLACEMENTS = 1024  # elastic displacement maps to choose from


@dataclass(frozen=True)
class Augmentation:
    """The strength of the changes. Angles in degrees, lengths in pixels of the field, shares in 0..1."""

    rotation: float = 9.0  # standard deviation
    shear: float = 0.13  # standard deviation, as a slope
    scale: float = 0.09  # standard deviation of the logarithm, for each axis
    shift: float = 1.2  # standard deviation
    elastic: float = 0.9  # standard deviation of the largest displacement
    width_share: float = 0.5  # of fields with a changed stroke width
    blur_share: float = 0.25
    contrast_share: float = 0.4
    degraded_share: float = 0.25


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
    if ink_share > 0.22:
        return fine  # thicker strokes would close the loops
    return cv2.dilate(fine, element, iterations=int(generator.integers(1, 4 if ink_share < 0.09 else 3)))


def blur(field: Field, sigma: float) -> Field:
    return np.asarray(cv2.GaussianBlur(field, (0, 0), sigma), np.float32)


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


def invert_stripes(field: Field, generator: np.random.Generator) -> Field:
    """Invert bands of the field."""
    field = field.copy()
    width = int(generator.integers(4, 9))
    turned = field if generator.random() < 0.6 else field.T  # a view: writing to it writes to the field
    turned[:, :width] = 1 - turned[:, :width]
    if generator.random() < 0.8:
        turned[:, -width:] = 1 - turned[:, -width:]
    return field


def add_fog(field: Field, generator: np.random.Generator) -> Field:
    """Add uneven illumination, as a failed background subtraction leaves it."""
    noise = generator.normal(0, 1, (FIELD, FIELD)).astype(np.float32)
    cloud = blur(noise, float(generator.uniform(2, 8)))
    cloud = (cloud - cloud.min()) / max(float(np.ptp(cloud)), 1e-6)
    strength = float(generator.uniform(0.2, 1.2))
    return np.asarray((field + cloud * strength) / (1 + strength), np.float32)


def brighten(field: Field, generator: np.random.Generator) -> Field:
    return np.asarray(np.clip(field + generator.uniform(0.05, 0.5), 0, 1), np.float32)


def add_grain(field: Field, generator: np.random.Generator) -> Field:
    noise = generator.normal(0, generator.uniform(0.05, 0.3), field.shape)
    if generator.random() < 0.4:
        noise *= np.sqrt(field + 0.05) * 2  # shot noise grows with brightness
    return np.asarray(np.clip(field + noise, 0, 1), np.float32)


def add_salt_and_pepper(field: Field, generator: np.random.Generator) -> Field:
    mask = generator.random(field.shape)
    share = generator.uniform(0.02, 0.2)
    return np.where(mask < share / 2, np.float32(1), np.where(mask > 1 - share / 2, np.float32(0), field))


def draw_polyline(field: Field, points: NDArray[np.float64], strength: float) -> Field:
    ink = np.zeros((FIELD, FIELD), np.uint8)
    cv2.polylines(ink, [np.round(points * 8).astype(np.int32)], False, 255, 1, cv2.LINE_AA, 3)
    return np.maximum(field, ink.astype(np.float32) / np.float32(255) * np.float32(strength))


def draw_ruled_lines(field: Field, generator: np.random.Generator) -> Field:
    """Draw one or two ruled lines, through the digit or beside it."""
    for _ in range(int(generator.integers(1, 3))):
        y, slope = generator.uniform(0, FIELD), generator.normal(0, 2)
        line = np.array([[-1, y - slope], [FIELD, y + slope]])
        if generator.random() < 0.25:
            line = line[:, ::-1]
        field = draw_polyline(field, line, float(generator.uniform(0.3, 1)))
    return field


def draw_zigzag(field: Field, generator: np.random.Generator) -> Field:
    x = np.arange(0, FIELD + 4, 3.0)
    start, end = generator.uniform(0, FIELD, 2)
    y = np.linspace(start, end, len(x)) + np.where(np.arange(len(x)) % 2, 1.5, -1.5)
    points = np.stack([x, y], axis=1)
    return draw_polyline(field, points if generator.random() < 0.5 else points[:, ::-1], 1)


def draw_dotted_line(field: Field, generator: np.random.Generator) -> Field:
    start, end = generator.uniform(0, FIELD, (2, 2))
    field = field.copy()
    for t in np.linspace(0, 1, int(generator.integers(6, 14))):
        x, y = np.clip(start + (end - start) * t, 0, FIELD - 1).astype(int)
        field[y : y + 1 + int(generator.random() < 0.3), x] = 1
    return field


def spatter(field: Field, generator: np.random.Generator) -> Field:
    noise = blur(generator.normal(0, 1, (FIELD, FIELD)).astype(np.float32), float(generator.uniform(0.7, 1.6)))
    drops = noise > np.quantile(noise, generator.uniform(0.9, 0.98))
    return np.maximum(field, np.where(drops, np.float32(generator.uniform(0.3, 0.9)), np.float32(0)))


def keep_outline(field: Field, _: np.random.Generator) -> Field:
    """Keep only the edges of the strokes (Canny)."""
    return np.asarray(cv2.Canny(np.round(field * 255).astype(np.uint8), 60, 160), np.float32) / np.float32(255)


def blur_by_motion(field: Field, generator: np.random.Generator) -> Field:
    length = int(generator.integers(3, 9))
    kernel = np.zeros((9, 9), np.float32)
    angle = generator.uniform(0, np.pi)
    for t in np.linspace(-length / 2, length / 2, 17):
        kernel[round(4 + t * np.sin(angle) * 0.9), round(4 + t * np.cos(angle) * 0.9)] = 1
    return np.asarray(cv2.filter2D(field, -1, kernel / kernel.sum()), np.float32)


def blur_by_frosted_glass(field: Field, generator: np.random.Generator) -> Field:
    y, x = np.mgrid[0:FIELD, 0:FIELD].astype(np.float32)
    jitter = generator.normal(0, generator.uniform(0.5, 1.2), (2, FIELD, FIELD)).astype(np.float32)
    moved = np.asarray(cv2.remap(field, x + jitter[0], y + jitter[1], cv2.INTER_NEAREST), np.float32)
    return blur(moved, 0.7)


def draw_frame(field: Field, generator: np.random.Generator) -> Field:
    """Draw the edge of the paper or of a form's cell along some of the sides."""
    field = field.copy()
    for side in range(4):
        if generator.random() < 0.4:
            edge = np.rot90(field, side)  # a view: writing to it writes to the field
            edge[: int(generator.integers(1, 4))] = generator.uniform(0.4, 1)
    return field


def break_strokes(field: Field, generator: np.random.Generator) -> Field:
    """Make gaps in the strokes, as a dry pen or a hard threshold does."""
    noise = blur(generator.normal(0, 1, (FIELD, FIELD)).astype(np.float32), float(generator.uniform(0.5, 1.2)))
    return np.where(noise > np.quantile(noise, generator.uniform(0.75, 0.95)), np.float32(0), field)


def keep_unchanged(field: Field, _: np.random.Generator) -> Field:
    return field


DEGRADATIONS: tuple[Callable[[Field, np.random.Generator], Field], ...] = (
    invert_stripes, add_fog, brighten, add_grain, add_grain, add_salt_and_pepper, draw_ruled_lines, draw_ruled_lines,
    draw_zigzag, draw_dotted_line, spatter, keep_outline, blur_by_motion, blur_by_frosted_glass, draw_frame,
    break_strokes, keep_unchanged, keep_unchanged,
)  # fmt: skip
"""A degraded field gets one of them; those listed twice are twice as frequent."""
