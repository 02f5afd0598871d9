"""Change training fields the way pens, cameras and screens do. All is drawn from one generator a batch.

Fields are (n, 28, 28): uint8 in, float32 in 0..1 out. The common changes (affine, elastic, stroke width, blur,
contrast) keep a field near MNIST's form; one in four is `soiled` too, as an image is that reaches the
network without a preparation that understood it: off centre, striped, lined, noisy, in outline.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from models.network import FIELD

Field = NDArray[np.float32]  # (28, 28) in 0..1

FINE = 2 * FIELD  # strokes are thinned and thickened at twice the size, where a step is half a pixel
BENDS = 1024  # elastic fields to choose from


@dataclass(frozen=True)
class Augmentation:
    """How much is changed. Angles in degrees, lengths in pixels of the field, shares in 0..1."""

    rotation: float = 9.0  # standard deviation
    shear: float = 0.13  # standard deviation, as a slope
    scale: float = 0.09  # standard deviation of the logarithm, each axis
    shift: float = 1.2  # standard deviation
    bend: float = 0.9  # standard deviation of an elastic shift at its largest
    width_share: float = 0.5  # of fields whose stroke is made thinner or thicker
    blur_share: float = 0.25
    contrast_share: float = 0.4
    soiled_share: float = 0.25


def augment_fields(
    fields: NDArray[np.uint8], generator: np.random.Generator, how: Augmentation | None = None
) -> NDArray[np.float32]:
    """Changed copies of fields (n, 28, 28), float32 in 0..1."""
    how = how or Augmentation()
    count = len(fields)
    soiled = generator.random(count) < how.soiled_share
    across, down = _draw_maps(count, soiled, generator, how)
    widths = generator.random(count) < how.width_share
    blurred = generator.random(count) < how.blur_share
    contrasted = generator.random(count) < how.contrast_share
    changed = np.empty((count, FIELD, FIELD), np.float32)
    for number in range(count):
        fine = cv2.remap(fields[number], across[number], down[number], cv2.INTER_LINEAR)
        if widths[number]:
            fine = change_stroke_width(fine, generator)
        field = np.asarray(cv2.resize(fine, (FIELD, FIELD), interpolation=cv2.INTER_AREA), np.float32) / np.float32(255)
        if blurred[number]:
            field = blur(field, float(generator.uniform(0.4, 1.3)))
        if contrasted[number]:
            field = change_contrast(field, generator)
        if soiled[number]:
            field = SOILINGS[int(generator.integers(len(SOILINGS)))](field, generator)
        changed[number] = field
    return np.clip(changed, 0, 1, out=changed)


def change_stroke_width(fine: cv2.typing.MatLike, generator: np.random.Generator) -> cv2.typing.MatLike:
    """Thin or thicken the strokes of a (56, 56) field by up to 2 pixels of the 28x28 one."""
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    ink_share = float(np.mean(fine)) / 255
    # Thick strokes are thinned and thin ones thickened more often; a hairline never is thinned away.
    if generator.random() < np.clip((ink_share - 0.06) / 0.16, 0, 0.8):
        thinned = cv2.erode(fine, element, iterations=int(generator.integers(1, 3)))
        return thinned if np.mean(thinned) > 0.35 * np.mean(fine) else cv2.addWeighted(fine, 0.7, thinned, 0.3, 0)
    if ink_share > 0.22:
        return fine  # thicker still would close the loops
    return cv2.dilate(fine, element, iterations=int(generator.integers(1, 4 if ink_share < 0.09 else 3)))


def blur(field: Field, sigma: float) -> Field:
    return np.asarray(cv2.GaussianBlur(field, (0, 0), sigma), np.float32)


def change_contrast(field: Field, generator: np.random.Generator) -> Field:
    """Faint or bold ink: a gamma, a gain and a threshold that leaves grey edges or none."""
    field = field ** np.float32(np.exp(generator.normal(0, 0.4)))
    if generator.random() < 0.3:
        gain, threshold = generator.uniform(2, 12), generator.uniform(0.25, 0.6)
        field = np.clip((field - threshold) * gain + 0.5, 0, 1)
    return np.asarray(field * generator.uniform(0.55, 1.1), np.float32)


def _draw_maps(
    count: int, soiled: NDArray[np.bool_], generator: np.random.Generator, how: Augmentation
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where each of the (56, 56) fine pixels comes from: x and y, (count, 56, 56) each."""
    wide = np.where(soiled, 1.8, 1.0)
    angle = np.deg2rad(np.clip(generator.normal(0, how.rotation, count) * wide, -35, 35))
    shear = np.clip(generator.normal(0, how.shear, count) * wide, -0.6, 0.6)
    scale_x, scale_y = np.exp(np.clip(generator.normal(0, how.scale, (2, count)), -0.3, 0.3))
    small = np.where(soiled & (generator.random(count) < 0.25), generator.uniform(1.2, 1.9, count), 1)
    shift_x, shift_y = generator.normal(0, how.shift, (2, count)) * wide
    matrix = np.empty((count, 2, 2))
    matrix[:, 0, 0] = np.cos(angle) * scale_x * small
    matrix[:, 0, 1] = (np.cos(angle) * shear - np.sin(angle)) * scale_x * small
    matrix[:, 1, 0] = np.sin(angle) * scale_y * small
    matrix[:, 1, 1] = (np.sin(angle) * shear + np.cos(angle)) * scale_y * small
    grid = (np.arange(FINE, dtype=np.float32) + 0.5) * (FIELD / FINE) - 0.5 - FIELD / 2
    m = matrix.astype(np.float32)[..., None, None]
    y, x = grid[:, None], grid[None, :]
    bends = _bends()
    strength = np.abs(generator.normal(0, how.bend, (2, count))).astype(np.float32)[..., None, None]
    chosen = generator.integers(BENDS, size=(2, count))
    centre = FIELD / 2
    across = m[:, 0, 0] * x + m[:, 0, 1] * y + bends[chosen[0]] * strength[0]
    down = m[:, 1, 0] * x + m[:, 1, 1] * y + bends[chosen[1]] * strength[1]
    across += (centre + shift_x).astype(np.float32)[:, None, None]
    down += (centre + shift_y).astype(np.float32)[:, None, None]
    return across, down


@cache
def _bends() -> NDArray[np.float32]:
    """Smooth shifts (1024, 56, 56) of unit height."""
    generator = np.random.default_rng(28)
    fields = []
    for _ in range(BENDS):
        coarse = generator.normal(0, 1, (FINE, FINE)).astype(np.float32)
        smooth = cv2.GaussianBlur(coarse, (0, 0), float(generator.uniform(7, 13)))
        fields.append(smooth / np.abs(smooth).max())
    return np.asarray(fields, np.float32)


def _stripe(field: Field, generator: np.random.Generator) -> Field:
    """Bands of the field reversed, ink for paper."""
    field = field.copy()
    width = int(generator.integers(4, 9))
    turned = field if generator.random() < 0.6 else field.T
    turned[:, :width] = 1 - turned[:, :width]
    if generator.random() < 0.8:
        turned[:, -width:] = 1 - turned[:, -width:]
    return field


def _fog(field: Field, generator: np.random.Generator) -> Field:
    """Uneven light that the background estimate did not take away."""
    noise = generator.normal(0, 1, (FIELD, FIELD)).astype(np.float32)
    cloud = blur(noise, float(generator.uniform(2, 8)))
    cloud = (cloud - cloud.min()) / max(float(np.ptp(cloud)), 1e-6)
    strength = float(generator.uniform(0.2, 1.2))
    return np.asarray((field + cloud * strength) / (1 + strength), np.float32)


def _brighten(field: Field, generator: np.random.Generator) -> Field:
    return np.asarray(np.clip(field + generator.uniform(0.05, 0.5), 0, 1), np.float32)


def _grain(field: Field, generator: np.random.Generator) -> Field:
    noise = generator.normal(0, generator.uniform(0.05, 0.3), field.shape)
    if generator.random() < 0.4:
        noise *= np.sqrt(field + 0.05) * 2  # light counted in few photons is noisier where there is more of it
    return np.asarray(np.clip(field + noise, 0, 1), np.float32)


def _salt(field: Field, generator: np.random.Generator) -> Field:
    mask = generator.random(field.shape)
    share = generator.uniform(0.02, 0.2)
    return np.where(mask < share / 2, np.float32(1), np.where(mask > 1 - share / 2, np.float32(0), field))


def _draw_polyline(field: Field, points: NDArray[np.float64], strength: float) -> Field:
    ink = np.zeros((FIELD, FIELD), np.uint8)
    cv2.polylines(ink, [np.round(points * 8).astype(np.int32)], False, 255, 1, cv2.LINE_AA, 3)
    return np.maximum(field, ink.astype(np.float32) / np.float32(255) * np.float32(strength))


def _ruled_line(field: Field, generator: np.random.Generator) -> Field:
    """One or two lines of the paper, straight through or beside the digit."""
    for _ in range(int(generator.integers(1, 3))):
        place, slope = generator.uniform(0, FIELD), generator.normal(0, 2)
        line = np.array([[-1, place - slope], [FIELD, place + slope]])
        if generator.random() < 0.25:
            line = line[:, ::-1]
        field = _draw_polyline(field, line, float(generator.uniform(0.3, 1)))
    return field


def _zigzag(field: Field, generator: np.random.Generator) -> Field:
    x = np.arange(0, FIELD + 4, 3.0)
    start, end = generator.uniform(0, FIELD, 2)
    y = np.linspace(start, end, len(x)) + np.where(np.arange(len(x)) % 2, 1.5, -1.5)
    points = np.stack([x, y], axis=1)
    return _draw_polyline(field, points if generator.random() < 0.5 else points[:, ::-1], 1)


def _dotted_line(field: Field, generator: np.random.Generator) -> Field:
    start, end = generator.uniform(0, FIELD, (2, 2))
    field = field.copy()
    for t in np.linspace(0, 1, int(generator.integers(6, 14))):
        x, y = np.clip(start + (end - start) * t, 0, FIELD - 1).astype(int)
        field[y : y + 1 + int(generator.random() < 0.3), x] = 1
    return field


def _spatter(field: Field, generator: np.random.Generator) -> Field:
    noise = blur(generator.normal(0, 1, (FIELD, FIELD)).astype(np.float32), float(generator.uniform(0.7, 1.6)))
    drops = noise > np.quantile(noise, generator.uniform(0.9, 0.98))
    return np.maximum(field, np.where(drops, np.float32(generator.uniform(0.3, 0.9)), np.float32(0)))


def _outline(field: Field, _: np.random.Generator) -> Field:
    """Only the edges of the strokes, as an edge detector leaves them."""
    return np.asarray(cv2.Canny(np.round(field * 255).astype(np.uint8), 60, 160), np.float32) / np.float32(255)


def _motion_blur(field: Field, generator: np.random.Generator) -> Field:
    length = int(generator.integers(3, 9))
    kernel = np.zeros((9, 9), np.float32)
    angle = generator.uniform(0, np.pi)
    for t in np.linspace(-length / 2, length / 2, 17):
        kernel[round(4 + t * np.sin(angle) * 0.9), round(4 + t * np.cos(angle) * 0.9)] = 1
    return np.asarray(cv2.filter2D(field, -1, kernel / kernel.sum()), np.float32)


def _frosted_glass(field: Field, generator: np.random.Generator) -> Field:
    y, x = np.mgrid[0:FIELD, 0:FIELD].astype(np.float32)
    jitter = generator.normal(0, generator.uniform(0.5, 1.2), (2, FIELD, FIELD)).astype(np.float32)
    moved = np.asarray(cv2.remap(field, x + jitter[0], y + jitter[1], cv2.INTER_NEAREST), np.float32)
    return blur(moved, 0.7)


def _frame(field: Field, generator: np.random.Generator) -> Field:
    """The edge of the paper or of a form's cell along one or more sides."""
    field = field.copy()
    for side in range(4):
        if generator.random() < 0.4:
            edge = np.rot90(field, side)  # a view: writing to it writes to the field
            edge[: int(generator.integers(1, 4))] = generator.uniform(0.4, 1)
    return field


def _pepper_strokes(field: Field, generator: np.random.Generator) -> Field:
    """Gaps in the stroke, as a dry pen or a hard threshold leaves them."""
    noise = blur(generator.normal(0, 1, (FIELD, FIELD)).astype(np.float32), float(generator.uniform(0.5, 1.2)))
    return np.where(noise > np.quantile(noise, generator.uniform(0.75, 0.95)), np.float32(0), field)


def _nothing(field: Field, _: np.random.Generator) -> Field:
    return field


SOILINGS: tuple[Callable[[Field, np.random.Generator], Field], ...] = (
    _stripe, _fog, _brighten, _grain, _grain, _salt, _ruled_line, _ruled_line, _zigzag, _dotted_line, _spatter,
    _outline, _motion_blur, _frosted_glass, _frame, _pepper_strokes, _nothing, _nothing,
)  # fmt: skip
