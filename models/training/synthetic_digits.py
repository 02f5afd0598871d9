"""Draw synthetic handwriting: glyphs with random warp, slant and pen width, normalized as in MNIST."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from models.mnist_field import fit_to_field
from models.training.glyphs import DIGIT_GLYPHS, OTHER_GLYPHS, OTHER_LETTERS
from models.types import ByteField, ByteFields, Grey

CANVAS = 96  # pixels a side while drawing
MARGIN = 20  # pixels of the canvas around the glyph, for the pen and the warp
POINTS_PER_SEGMENT = 8
FRACTION_BITS = 3  # of OpenCV's fixed-point coordinates

PRINTED_SHARE = 0.12  # of the digits and letters
TYPEFACES = ("sans", "italic")  # included in OpenCV
DIGIT_STRENGTHS = (0.8, 1.5)  # of the warp, for digits
OTHER_STRENGTH = 1.2  # the same for letters and signs

Strokes = list[NDArray[np.float64]]  # each (points, 2) as x, y in 0..1


def parse_glyph(text: str) -> Strokes:
    """The strokes of a glyph (see `models.training.glyphs`), sampled."""
    strokes = []
    for stroke in text.split("|"):
        smooth = stroke.strip().startswith("~")
        points = [[float(number) for number in pair.split(",")] for pair in stroke.strip().removeprefix("~").split()]
        path = np.array(points) / 100
        strokes.append(smooth_path(path) if smooth else subdivide(path))
    return strokes


def smooth_path(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """A Catmull-Rom curve through the points (n, 2)."""
    before = np.vstack([2 * points[:1] - points[1:2], points[:-2]])
    start, end = points[:-1], points[1:]
    after = np.vstack([points[2:], 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0, 1, POINTS_PER_SEGMENT, endpoint=False)[None, :, None]
    p0, p1, p2, p3 = (array[:, None, :] for array in (before, start, end, after))
    curve = 0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3)
    return np.vstack([curve.reshape(-1, 2), points[-1:]])


def subdivide(points: NDArray[np.float64]) -> NDArray[np.float64]:
    t = np.linspace(0, 1, POINTS_PER_SEGMENT, endpoint=False)[None, :, None]
    line = points[:-1, None, :] * (1 - t) + points[1:, None, :] * t
    return np.vstack([line.reshape(-1, 2), points[-1:]])


def warp_strokes(strokes: Strokes, generator: np.random.Generator, strength: float = 1.0) -> Strokes:
    """Vary a glyph as another writer would: proportions, slant, rotation and a smooth bend."""
    turn, slant = generator.normal(0, 0.07 * strength), generator.normal(0, 0.16 * strength)
    wide, high = np.exp(generator.normal(0, 0.17 * strength, 2))
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ np.array(
        [[wide, -slant], [0, high]]
    )
    waves = generator.normal(0, 0.022 * strength, (3, 2))
    frequencies = generator.uniform(1.5, 7, (3, 2))
    phases = generator.uniform(0, 2 * np.pi, 3)
    warped = []
    for stroke in strokes:
        bend = np.sin(stroke @ frequencies.T + phases) @ waves
        shift = generator.normal(0, 0.012 * strength, 2)  # the pen is lifted between strokes
        warped.append((stroke - 0.5 + bend + shift) @ matrix.T)
    return warped


def draw_strokes(strokes: Strokes, width: float, canvas: int = CANVAS) -> Grey:
    """Ink (canvas, canvas) in 0..1 of strokes of any extent, `width` pixels wide with round ends."""
    points = np.vstack(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    extent = canvas - 2 * MARGIN
    scale = extent / max(float((high - low).max()), 1e-6)
    shift = (canvas - (low + high) * scale) / 2
    ink = np.zeros((canvas, canvas), np.uint8)
    fixed = [np.round((stroke * scale + shift) * 2**FRACTION_BITS).astype(np.int32) for stroke in strokes]
    cv2.polylines(ink, fixed, False, 255, max(1, round(width)), cv2.LINE_AA, FRACTION_BITS)
    return ink.astype(np.float32) / np.float32(255)


def choose_width(generator: np.random.Generator) -> float:
    """A random pen width in pixels of the canvas, from a hairline to a marker."""
    return float(np.clip(np.exp(generator.normal(1.85, 0.42)), 2, 16))


def draw_digits(labels: Sequence[int] | NDArray[np.integer], generator: np.random.Generator) -> ByteFields:
    """Synthetic digits, most of them handwritten, the rest printed."""
    glyphs = {digit: [parse_glyph(text) for text in texts] for digit, texts in DIGIT_GLYPHS.items()}
    fields = np.empty((len(labels), 28, 28), np.uint8)
    for number, label in enumerate(labels):
        if generator.random() < PRINTED_SHARE:
            fields[number] = print_field(str(label), generator)
        else:
            choice = glyphs[int(label)]
            strength = float(generator.uniform(*DIGIT_STRENGTHS))
            fields[number] = draw_field(choice[generator.integers(len(choice))], generator, strength)
    return fields


def draw_other_glyphs(count: int, generator: np.random.Generator) -> ByteFields:
    """`count` letters and signs that are not digits, most of them handwritten, the rest printed."""
    glyphs = [parse_glyph(text) for text in OTHER_GLYPHS.values()]
    fields = np.empty((count, 28, 28), np.uint8)
    for number in range(count):
        if generator.random() < PRINTED_SHARE:
            fields[number] = print_field(OTHER_LETTERS[generator.integers(len(OTHER_LETTERS))], generator)
        else:
            fields[number] = draw_field(glyphs[generator.integers(len(glyphs))], generator, OTHER_STRENGTH)
    return fields


def print_field(character: str, generator: np.random.Generator) -> ByteField:
    """A printed character."""
    ink = np.zeros((2 * CANVAS, 2 * CANVAS), np.uint8)
    face = cv2.FontFace(TYPEFACES[generator.integers(len(TYPEFACES))])
    cv2.putText(ink, character, (40, 130), (255,), face, 90, int(generator.integers(200, 900)))
    return np.round(fit_to_field(ink.astype(np.float32) / np.float32(255)) * 255).astype(np.uint8)


def draw_field(strokes: Strokes, generator: np.random.Generator, strength: float = 1.0) -> ByteField:
    """A glyph in a random handwriting, with a random pen."""
    warped = warp_strokes(strokes, generator, strength)
    ink = draw_strokes(warped, choose_width(generator))
    if generator.random() < 0.3:
        ink = cv2.GaussianBlur(ink, (0, 0), float(generator.uniform(0.8, 2.5)))  # type: ignore[assignment]
    return np.round(fit_to_field(ink) * 255).astype(np.uint8)
