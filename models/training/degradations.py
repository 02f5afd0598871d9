"""Degrade training fields, as small, compressed and badly lit images and failures of the preprocessing do.

Each function maps a field (28, 28) in 0..1 to a new one; values may leave 0..1.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from models.network import FIELD
from models.types import Field

FINE = 2 * FIELD  # pixels: at twice the size, a pixel is half a pixel of the field


def blur(field: Field, sigma: float) -> Field:
    return np.asarray(cv2.GaussianBlur(field, (0, 0), sigma), np.float32)


def invert_stripes(field: Field, generator: np.random.Generator) -> Field:
    """Invert bands at two sides of the field, or the part between them: the polarity of such an image is open."""
    field = field.copy()
    width = int(generator.integers(4, 9))
    turned = field if generator.random() < 0.6 else field.T  # a view: writing to it writes to the field
    turned[:, :width] = 1 - turned[:, :width]
    if generator.random() < 0.8:
        turned[:, -width:] = 1 - turned[:, -width:]
    return np.asarray(1 - field, np.float32) if generator.random() < 0.4 else field


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
    """Draw a zigzag between two places of the field."""
    start, end = generator.uniform(-2, FIELD + 2, (2, 2))
    length = max(float(np.hypot(*(end - start))), 1.0)
    across = np.array([end[1] - start[1], start[0] - end[0]]) / length
    shares = np.linspace(0, 1, max(4, round(length / generator.uniform(1.5, 4))))[:, None]
    points = start + (end - start) * shares
    points[1::2] += across * generator.uniform(1, 4)
    return draw_polyline(field, points, float(generator.uniform(0.6, 1)))


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
    """Draw the edge of the paper or of a form's cell along some of the sides: thin, thick or double."""
    field = field.copy()
    for side in range(4):
        if generator.random() < 0.4:
            edge = np.rot90(field, side)  # a view: writing to it writes to the field
            start, width = int(generator.integers(0, 4)), int(generator.integers(1, 4))
            strength = np.float32(generator.uniform(0.4, 1))
            edge[start : start + width] = np.maximum(edge[start : start + width], strength)
            if generator.random() < 0.25:
                edge[start + width + 1 : start + width + 2] = strength
    return field


def add_neighbour(field: Field, generator: np.random.Generator) -> Field:
    """Draw the edge of a neighbouring character at one side: columns of the turned field stand for it."""
    turned = np.rot90(field, int(generator.choice([0, 0, 1, 2, 2, 3])))  # beside the digit more often than above it
    reach = FIELD - int(generator.integers(5, 9))  # the box of a digit is 4 pixels from the edge
    neighbour = np.zeros_like(field)
    neighbour[:, reach:] = np.roll(turned[::-1], int(generator.integers(-5, 6)), axis=0)[:, 4 : 4 + FIELD - reach]
    side = int(generator.choice([0, 0, 1, 2, 2, 3]))
    return np.maximum(field, np.rot90(neighbour, side) * np.float32(generator.uniform(0.6, 1)))


def cut_off(field: Field, generator: np.random.Generator) -> Field:
    """Cut off a pixel or two of the digit, less than a stroke, at one or two sides, as a tight crop does."""
    field = field.copy()
    for side in generator.choice(4, int(generator.integers(1, 3)), replace=False):
        turned = np.rot90(field, int(side))  # a view: writing to it writes to the field
        inked = np.flatnonzero((turned > 0.3).any(axis=1))
        if inked.size > 8:
            turned[: inked[0] + int(generator.integers(1, 3))] = 0
    return field


def lower_resolution(field: Field, generator: np.random.Generator) -> Field:
    """Reduce to a digit of 7 to 13 pixels, and enlarge again."""
    side = int(generator.integers(10, 19))
    small = cv2.resize(field, (side, side), interpolation=cv2.INTER_AREA)
    way = (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC)[int(generator.integers(3))]
    return np.asarray(cv2.resize(small, (FIELD, FIELD), interpolation=way), np.float32)


def threshold_roughly(field: Field, generator: np.random.Generator) -> Field:
    """Ink or no ink, with ragged edges, as in a bad black-and-white scan."""
    fine = cv2.resize(field, (FINE, FINE), interpolation=cv2.INTER_LINEAR)
    noise = cv2.GaussianBlur(generator.normal(0, 1, (FINE, FINE)).astype(np.float32), (0, 0), 1.2)
    rough = fine + np.float32(generator.uniform(0.1, 0.9)) * noise > generator.uniform(0.3, 0.65)
    return np.asarray(cv2.resize(rough.astype(np.float32), (FIELD, FIELD), interpolation=cv2.INTER_AREA), np.float32)


def compress(field: Field, generator: np.random.Generator) -> Field:
    """The artefacts of JPEG, at twice the size."""
    fine = cv2.resize(np.round(np.clip(field, 0, 1) * 255).astype(np.uint8), (FINE, FINE))
    _, encoded = cv2.imencode(".jpg", fine, [cv2.IMWRITE_JPEG_QUALITY, int(generator.integers(5, 45))])
    decoded = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE), np.uint8)
    reduced = cv2.resize(decoded, (FIELD, FIELD), interpolation=cv2.INTER_AREA)
    return np.asarray(reduced, np.float32) / np.float32(255)


def dim(field: Field, generator: np.random.Generator) -> Field:
    """Little light: faint ink, with noise that is as coarse as a camera's noise reduction leaves it."""
    noise = blur(generator.normal(0, 1, (FIELD, FIELD)).astype(np.float32), float(generator.uniform(0.4, 1.2)))
    faint = field * generator.uniform(0.25, 0.6) + noise * generator.uniform(0.03, 0.15)
    return np.asarray(np.clip(faint * generator.uniform(1, 2), 0, 1), np.float32)


def break_strokes(field: Field, generator: np.random.Generator) -> Field:
    """Make gaps in the strokes, as a dry pen or a hard threshold does."""
    noise = blur(generator.normal(0, 1, (FIELD, FIELD)).astype(np.float32), float(generator.uniform(0.5, 1.2)))
    return np.where(noise > np.quantile(noise, generator.uniform(0.75, 0.95)), np.float32(0), field)


def keep_unchanged(field: Field, _: np.random.Generator) -> Field:
    return field


DEGRADATIONS: tuple[Callable[[Field, np.random.Generator], Field], ...] = (
    invert_stripes, invert_stripes, add_fog, brighten, add_grain, add_salt_and_pepper, draw_ruled_lines,
    draw_ruled_lines, draw_zigzag, draw_zigzag, draw_dotted_line, spatter, keep_outline, blur_by_motion,
    blur_by_frosted_glass, draw_frame, draw_frame, add_neighbour, add_neighbour, break_strokes, cut_off, cut_off,
    lower_resolution, lower_resolution, threshold_roughly, threshold_roughly, compress, dim, keep_unchanged,
    keep_unchanged,
)  # fmt: skip
"""A degraded field gets one of them; those listed twice are twice as frequent."""
