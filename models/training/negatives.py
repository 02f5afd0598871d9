"""Draw negatives: fields that are not digits.

Letters, signs, scribbles, parts of digits, pairs of digits, lines, textures, noise and empty fields. A network rejects
only what it was trained to reject (Bromley & Denker, Improving Rejection Performance on Handwritten Digits by Training
with Rubbish, Neural Computation 5, 1993).
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from models.mnist_field import fit_to_field
from models.network import FIELD
from models.training.glyphs import OTHER_GLYPHS
from models.training.mnist import LabelledImages
from models.training.synthetic_digits import draw_field, draw_other_glyphs, parse_glyph, smooth_path
from models.types import ByteField, ByteFields

LETTER_SHARE = 0.6  # of the negatives
TURNED_DIGITS: dict[str, tuple[int, ...]] = {
    "quarter left": (2, 3, 4, 5, 6, 7, 9),
    "quarter right": (2, 3, 4, 5, 6, 7, 9),
    "mirrored": (3, 4, 6, 7, 9),
    "upside down": (3, 4, 7),
}
"""The digits that are not digits after each turn: a mirrored 3 is an epsilon, a mirrored 9 a P, a turned 4 an h."""

RINGED_LETTERS = [name for name in OTHER_GLYPHS if len(name) == 1]

DrawNegative = Callable[[LabelledImages, np.random.Generator], ByteField]


def draw_negatives(count: int, digits: LabelledImages, generator: np.random.Generator) -> ByteFields:
    """`count` negatives, some of them made from parts of `digits`."""
    letters = round(count * LETTER_SHARE)
    functions = list(NEGATIVES)
    weights = np.array([NEGATIVES[function] for function in functions], float)
    chosen = generator.choice(len(functions), size=count - letters, p=weights / weights.sum())
    others = np.stack([functions[number](digits, generator) for number in chosen])
    return np.concatenate([draw_other_glyphs(letters, generator), others])


def pick_digit(digits: LabelledImages, generator: np.random.Generator) -> ByteField:
    return digits.images[generator.integers(len(digits.images))]


def draw_turned_digit(digits: LabelledImages, generator: np.random.Generator) -> ByteField:
    turn = list(TURNED_DIGITS)[generator.integers(len(TURNED_DIGITS))]
    while True:
        number = generator.integers(len(digits.images))
        if int(digits.labels[number]) in TURNED_DIGITS[turn]:
            break
    image = digits.images[number]
    if turn == "mirrored":
        return fit(image[:, ::-1])
    return fit(np.rot90(image, {"quarter left": 1, "quarter right": 3, "upside down": 2}[turn]))


def draw_several_digits(digits: LabelledImages, generator: np.random.Generator) -> ByteField:
    """Two or three digits beside or above each other, as after a failed segmentation."""
    parts = [trim(pick_digit(digits, generator)) for _ in range(2 + int(generator.random() < 0.25))]
    axis = int(generator.random() < 0.8)
    return fit(join(parts, int(generator.integers(-3, 6)), axis))


def draw_cut_digits(digits: LabelledImages, generator: np.random.Generator) -> ByteField:
    """The right part of one digit and the left part of the next."""
    left, right = trim(pick_digit(digits, generator)), trim(pick_digit(digits, generator))
    cut = generator.uniform(0.35, 0.65)
    joined = join(
        [left[:, int(left.shape[1] * cut) :], right[:, : max(2, int(right.shape[1] * cut))]],
        int(generator.integers(0, 5)), 1,
    )  # fmt: skip
    return fit(joined)


def draw_scribble(_: LabelledImages, generator: np.random.Generator) -> ByteField:
    """A smooth random walk."""
    steps = generator.normal(0, 1, (int(generator.integers(7, 16)), 2))
    path = np.cumsum(steps, axis=0) * 0.6 + generator.normal(0, 1, steps.shape)
    return draw_field([smooth_path(path)], generator)


def draw_ringed_letter(_: LabelledImages, generator: np.random.Generator) -> ByteField:
    """A small letter in a ring, as in a list or a drawing's label. A network might see only the ring, or a 6."""
    letter = parse_glyph(OTHER_GLYPHS[RINGED_LETTERS[generator.integers(len(RINGED_LETTERS))]])
    size, turn = generator.uniform(0.3, 0.55), generator.uniform(0, 2 * np.pi)
    angles = turn + np.linspace(0, generator.uniform(1.8, 2.3) * np.pi, 24)
    ring = 0.5 + 0.5 * np.column_stack([np.cos(angles), np.sin(angles)])
    centre = generator.normal(0.5, 0.06, 2)
    return draw_field([ring, *(centre + (stroke - 0.5) * size for stroke in letter)], generator)


def draw_lines(_: LabelledImages, generator: np.random.Generator) -> ByteField:
    """Ruled lines, grids and boxes. A single steep line is a 1 and is never drawn."""
    strokes = []
    for _number in range(int(generator.integers(1, 4))):
        y0, y1 = generator.uniform(0, 1) + generator.normal(0, 0.1, 2)
        strokes.append(np.array([[0, y0], [1, y1]]))
    if generator.random() < 0.5:
        for _number in range(int(generator.integers(2, 4))):
            x0, x1 = generator.uniform(0, 1) + generator.normal(0, 0.1, 2)
            strokes.append(np.array([[x0, 0], [x1, 1]]))
    return draw_field(strokes, generator, 0.3)


def draw_texture(_: LabelledImages, generator: np.random.Generator) -> ByteField:
    """Noise of random coarseness and contrast: paper, clouds, blobs."""
    noise = generator.normal(0, 1, (FIELD, FIELD)).astype(np.float32)
    coarse = np.exp(generator.uniform(np.log(0.4), np.log(6), 2))
    noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), float(coarse[0]), sigmaY=float(coarse[1])), np.float32)
    noise = (noise - noise.mean()) / max(float(noise.std()), 1e-6)
    gain = np.exp(generator.uniform(np.log(0.2), np.log(6)))
    return convert_to_bytes(np.clip(generator.uniform(-0.5, 0.6) + gain * noise * 0.4, 0, 1))


def draw_blobs(_: LabelledImages, generator: np.random.Generator) -> ByteField:
    """One or more filled shapes."""
    ink = np.zeros((96, 96), np.uint8)
    for _number in range(int(generator.integers(1, 5))):
        centre = generator.integers(24, 72, 2)
        if generator.random() < 0.5:
            axes = generator.integers(8, 26, 2)
            cv2.ellipse(ink, centre.tolist(), axes.tolist(), float(generator.uniform(0, 180)), 0, 360, 255, -1)
        else:
            corners = centre + generator.integers(-26, 26, (int(generator.integers(3, 7)), 2))
            cv2.fillPoly(ink, [corners.astype(np.int32)], 255)
    return fit(ink)


def draw_edge(_: LabelledImages, generator: np.random.Generator) -> ByteField:
    """A half-plane, a gradient or stripes over the whole field: shadows and edges of the paper."""
    angle = generator.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0:FIELD, 0:FIELD] / FIELD - 0.5
    distance = x * np.cos(angle) + y * np.sin(angle) - generator.uniform(-0.35, 0.35)
    soft = np.exp(generator.uniform(np.log(0.01), np.log(0.5)))
    field = 1 / (1 + np.exp(-np.clip(distance / soft, -30, 30)))
    if generator.random() < 0.3:
        wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * generator.uniform(10, 60))
        field = 0.5 + 0.5 * wave * generator.uniform(0.3, 1)
    return convert_to_bytes(field * generator.uniform(0.3, 1))


def draw_noise(_: LabelledImages, generator: np.random.Generator) -> ByteField:
    if generator.random() < 0.5:
        return convert_to_bytes(generator.random((FIELD, FIELD)) * generator.uniform(0.3, 1))
    return convert_to_bytes((generator.random((FIELD, FIELD)) < np.exp(generator.uniform(-5, -0.7))).astype(float))


def draw_specks(_: LabelledImages, generator: np.random.Generator) -> ByteField:
    """A few dots and dashes."""
    strokes = []
    for _number in range(int(generator.integers(2, 8))):
        start = generator.uniform(0, 1, 2)
        strokes.append(np.vstack([start, start + generator.normal(0, 0.06, 2)]))
    return draw_field(strokes, generator, 0.3)


def draw_blank(_: LabelledImages, generator: np.random.Generator) -> ByteField:
    return convert_to_bytes(np.abs(generator.normal(0, generator.uniform(0, 0.06), (FIELD, FIELD))))


NEGATIVES: dict[DrawNegative, float] = {
    draw_turned_digit: 5,
    draw_several_digits: 4,
    draw_cut_digits: 2,
    draw_scribble: 5,
    draw_ringed_letter: 1,
    draw_lines: 2,
    draw_texture: 3,
    draw_blobs: 3,
    draw_edge: 1.5,
    draw_noise: 1,
    draw_specks: 1,
    draw_blank: 0.5,
}
"""Relative frequency of each function, among the negatives that are not letters or signs."""


def trim(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    if not rows.size:
        return image
    return image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def join(parts: list[NDArray[np.uint8]], gap: int, axis: int) -> NDArray[np.uint8]:
    """Parts in a row along an axis, `gap` pixels apart; a negative gap overlaps them."""
    if axis == 0:
        return join([part.T for part in parts], gap, 1).T
    height = max(part.shape[0] for part in parts)
    width = sum(part.shape[1] for part in parts) + max(gap, 0) * (len(parts) - 1)
    joined = np.zeros((height, width), np.uint8)
    left = 0
    for part in parts:
        top = (height - part.shape[0]) // 2
        target = joined[top : top + part.shape[0], left : left + part.shape[1]]
        np.maximum(target, part[:, : target.shape[1]], out=target)
        left = max(left + part.shape[1] + gap, 0)
    return joined


def fit(image: NDArray[np.uint8]) -> ByteField:
    return convert_to_bytes(fit_to_field(np.ascontiguousarray(image, np.float32) / np.float32(255)))


def convert_to_bytes(field: NDArray[np.floating]) -> ByteField:
    return np.round(np.clip(field, 0, 1) * 255).astype(np.uint8)
