"""What is no digit: letters, signs, scribbles, pieces, pairs, lines, textures, noise and empty fields.

A network that is to refuse has to be trained with what it is to refuse (Bromley & Denker, Improving
Rejection Performance on Handwritten Digits by Training with Rubbish, Neural Computation 5, 1993).
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from models.mnist_field import fit_to_field
from models.network import FIELD
from models.training.mnist import LabelledImages
from models.training.synthetic_digits import draw_field, draw_other_glyphs, smooth_path

Fields = NDArray[np.uint8]  # (n, 28, 28)
Maker = Callable[[LabelledImages, np.random.Generator], NDArray[np.uint8]]

# Digits that no longer are one after the turn: a mirrored 3 is an epsilon, a mirrored 9 a P, a 4 upside
# down an h. The turns of 0, 1, 8 and of 2 and 5 (which become each other) are left out.
TURNED: dict[str, tuple[int, ...]] = {
    "quarter left": (2, 3, 4, 5, 6, 7, 9),
    "quarter right": (2, 3, 4, 5, 6, 7, 9),
    "mirrored": (3, 4, 6, 7, 9),
    "upside down": (3, 4, 7),
}
LETTER_SHARE = 0.6


def make_rubbish(count: int, digits: LabelledImages, generator: np.random.Generator) -> Fields:
    """Fields (count, 28, 28) of non-digits; `digits` are the ones that pieces and pairs are cut from."""
    letters = round(count * LETTER_SHARE)
    makers = list(MAKERS)
    weights = np.array([MAKERS[maker] for maker in makers], float)
    chosen = generator.choice(len(makers), size=count - letters, p=weights / weights.sum())
    others = np.stack([makers[number](digits, generator) for number in chosen])
    return np.concatenate([draw_other_glyphs(letters, generator), others])


def _pick(digits: LabelledImages, generator: np.random.Generator) -> NDArray[np.uint8]:
    return digits.images[generator.integers(len(digits.images))]


def _turned_digit(digits: LabelledImages, generator: np.random.Generator) -> NDArray[np.uint8]:
    turn = list(TURNED)[generator.integers(len(TURNED))]
    while True:
        number = generator.integers(len(digits.images))
        if int(digits.labels[number]) in TURNED[turn]:
            break
    image = digits.images[number]
    if turn == "mirrored":
        return _fit(image[:, ::-1])
    return _fit(np.rot90(image, {"quarter left": 1, "quarter right": 3, "upside down": 2}[turn]))


def _pair(digits: LabelledImages, generator: np.random.Generator) -> NDArray[np.uint8]:
    """Two or three digits side by side, or one over the other, as a failed segmentation gives them."""
    parts = [_trim(_pick(digits, generator)) for _ in range(2 + int(generator.random() < 0.25))]
    axis = int(generator.random() < 0.8)
    return _fit(_join(parts, int(generator.integers(-3, 6)), axis))


def _mis_cut(digits: LabelledImages, generator: np.random.Generator) -> NDArray[np.uint8]:
    """The right part of one digit and the left part of the next."""
    left, right = _trim(_pick(digits, generator)), _trim(_pick(digits, generator))
    cut = generator.uniform(0.35, 0.65)
    joined = _join(
        [left[:, int(left.shape[1] * cut) :], right[:, : max(2, int(right.shape[1] * cut))]],
        int(generator.integers(0, 5)), 1,
    )  # fmt: skip
    return _fit(joined)


def _scribble(_: LabelledImages, generator: np.random.Generator) -> NDArray[np.uint8]:
    """A line that goes on turning."""
    steps = generator.normal(0, 1, (int(generator.integers(7, 16)), 2))
    path = np.cumsum(steps, axis=0) * 0.6 + generator.normal(0, 1, steps.shape)
    return draw_field([smooth_path(path)], generator)


def _lines(_: LabelledImages, generator: np.random.Generator) -> NDArray[np.uint8]:
    """Ruled lines, grids and boxes; never one steep line alone, which is a 1."""
    strokes = []
    for _number in range(int(generator.integers(1, 4))):
        y0, y1 = generator.uniform(0, 1) + generator.normal(0, 0.1, 2)
        strokes.append(np.array([[0, y0], [1, y1]]))
    if generator.random() < 0.5:
        for _number in range(int(generator.integers(2, 4))):
            x0, x1 = generator.uniform(0, 1) + generator.normal(0, 0.1, 2)
            strokes.append(np.array([[x0, 0], [x1, 1]]))
    return draw_field(strokes, generator, 0.3)


def _texture(_: LabelledImages, generator: np.random.Generator) -> NDArray[np.uint8]:
    """Noise of some coarseness: paper, cloud, or thresholded to blobs."""
    noise = generator.normal(0, 1, (FIELD, FIELD)).astype(np.float32)
    coarse = np.exp(generator.uniform(np.log(0.4), np.log(6), 2))
    noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), float(coarse[0]), sigmaY=float(coarse[1])), np.float32)
    noise = (noise - noise.mean()) / max(float(noise.std()), 1e-6)
    gain = np.exp(generator.uniform(np.log(0.2), np.log(6)))
    return _to_bytes(np.clip(generator.uniform(-0.5, 0.6) + gain * noise * 0.4, 0, 1))


def _blobs(_: LabelledImages, generator: np.random.Generator) -> NDArray[np.uint8]:
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
    return _fit(ink)


def _edge(_: LabelledImages, generator: np.random.Generator) -> NDArray[np.uint8]:
    """A half-plane, a stripe or a gradient over the whole field: shadows and edges of the paper."""
    angle = generator.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0:FIELD, 0:FIELD] / FIELD - 0.5
    distance = x * np.cos(angle) + y * np.sin(angle) - generator.uniform(-0.35, 0.35)
    soft = np.exp(generator.uniform(np.log(0.01), np.log(0.5)))
    field = 1 / (1 + np.exp(-np.clip(distance / soft, -30, 30)))
    if generator.random() < 0.3:
        wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * generator.uniform(10, 60))
        field = 0.5 + 0.5 * wave * generator.uniform(0.3, 1)
    return _to_bytes(field * generator.uniform(0.3, 1))


def _noise(_: LabelledImages, generator: np.random.Generator) -> NDArray[np.uint8]:
    if generator.random() < 0.5:
        return _to_bytes(generator.random((FIELD, FIELD)) * generator.uniform(0.3, 1))
    return _to_bytes((generator.random((FIELD, FIELD)) < np.exp(generator.uniform(-5, -0.7))).astype(float))


def _specks(_: LabelledImages, generator: np.random.Generator) -> NDArray[np.uint8]:
    """A few dots and dashes."""
    strokes = []
    for _number in range(int(generator.integers(2, 8))):
        place = generator.uniform(0, 1, 2)
        strokes.append(np.vstack([place, place + generator.normal(0, 0.06, 2)]))
    return draw_field(strokes, generator, 0.3)


def _blank(_: LabelledImages, generator: np.random.Generator) -> NDArray[np.uint8]:
    return _to_bytes(np.abs(generator.normal(0, generator.uniform(0, 0.06), (FIELD, FIELD))))


# Shares of what is not a letter or sign.
MAKERS: dict[Maker, float] = {
    _turned_digit: 5,
    _pair: 4,
    _mis_cut: 2,
    _scribble: 5,
    _lines: 2,
    _texture: 3,
    _blobs: 3,
    _edge: 1.5,
    _noise: 1,
    _specks: 1,
    _blank: 0.5,
}


def _trim(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    if not rows.size:
        return image
    return image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _join(parts: list[NDArray[np.uint8]], gap: int, axis: int) -> NDArray[np.uint8]:
    """Parts one after another along an axis, `gap` pixels apart (less than 0: overlapping)."""
    if axis == 0:
        return _join([part.T for part in parts], gap, 1).T
    height = max(part.shape[0] for part in parts)
    width = sum(part.shape[1] for part in parts) + max(gap, 0) * (len(parts) - 1)
    joined = np.zeros((height, width), np.uint8)
    left = 0
    for part in parts:
        top = (height - part.shape[0]) // 2
        place = joined[top : top + part.shape[0], left : left + part.shape[1]]
        np.maximum(place, part[:, : place.shape[1]], out=place)
        left = max(left + part.shape[1] + gap, 0)
    return joined


def _fit(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return _to_bytes(fit_to_field(np.ascontiguousarray(image, np.float32) / np.float32(255)))


def _to_bytes(field: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.round(np.clip(field, 0, 1) * 255).astype(np.uint8)
