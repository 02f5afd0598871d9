"""Draw images as people send them: photographs, drawings, form cells, scans in black and white, and lines of digits.

They calibrate a trained model: what the network reads in them has passed through the whole reader, and the handwriting
varies more than MNIST's. Ink is (28, 28) in 0..1 as in MNIST; images are grey uint8 of any size.
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from models.mnist_field import INK_FLOOR, find_ink_box
from models.training.augmentation import Augmentation, augment_fields
from models.training.mnist import LabelledImages
from models.training.negatives import draw_negatives
from models.training.synthetic_digits import draw_digits
from models.types import Field, Fields, Grey, Labels

Image = NDArray[np.uint8]  # (height, width)
DrawImage = Callable[[Field, np.random.Generator], Image]

SYNTHETIC_SHARE = 0.2  # of the digits; the others are MNIST's
VARIED_HANDS = Augmentation(
    rotation=7, shear=0.15, scale=0.11, elastic=1.0, blur_share=0, contrast_share=0, degraded_share=0
)
"""About as hard to read as real photographs, drawings and form cells: 1 to 3 % of them are misread."""
LINE_LENGTHS = (2, 7)  # digits in a line


def vary_digits(pool: LabelledImages, count: int, generator: np.random.Generator) -> tuple[Labels, Fields]:
    """(labels (count,), inks) of digits of `pool` in other hands, some of them replaced by synthetic digits."""
    rows = generator.choice(len(pool.images), count, replace=count > len(pool.images))
    labels, images = pool.labels[rows].astype(np.int32), pool.images[rows].copy()
    drawn = generator.random(count) < SYNTHETIC_SHARE
    if drawn.any():
        images[drawn] = draw_digits(labels[drawn], generator)
    return labels, augment_fields(images, generator, VARIED_HANDS)


def vary_non_digits(digits: LabelledImages, count: int, generator: np.random.Generator) -> Fields:
    """Inks of letters, signs, scribbles and parts of digits. Fields without ink are left out, so there may be fewer."""
    fields = draw_negatives(count, digits, generator).astype(np.float32) / np.float32(255)
    return fields[[find_ink_box(field, 0.5) is not None for field in fields]]


def enlarge(ink: Field, height: int) -> Grey:
    """Ink cut out and enlarged to `height` pixels, or to that width if it is wider than high, with a pen's edges."""
    left, top, across, down = find_ink_box(ink, 0.3) or find_ink_box(ink, INK_FLOOR) or (0, 0, *ink.shape)
    scale = height / max(across, down)
    padded = np.pad(ink[top : top + down, left : left + across], 1)
    size = (max(2, round(padded.shape[1] * scale)), max(2, round(padded.shape[0] * scale)))
    large = cv2.resize(padded, size, interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip((large / max(float(ink.max()), 0.1) - 0.4) * max(1.0, scale / 2) + 0.5, 0, 1), np.float32)


def make_paper(height: int, width: int, generator: np.random.Generator) -> Grey:
    """Paper with grain, and light from one side or from the middle."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / max(height, width)
    turn = generator.uniform(0, 2 * np.pi)
    light = 1 - generator.uniform(0, 0.4) * (0.5 + (x - 0.5) * np.cos(turn) + (y - 0.5) * np.sin(turn)) ** 2
    light -= generator.uniform(0, 0.5) * np.clip(np.hypot(x - 0.5, y - 0.5) - 0.3, 0, None) ** 2
    grain = generator.normal(0, generator.uniform(0.002, 0.02), (height, width))
    return np.asarray(np.clip(generator.uniform(0.5, 0.97) * light + grain, 0, 1), np.float32)


def darken(paper: Grey, ink: Grey, left: int, top: int, strength: float) -> None:
    """Darken paper by ink, in place. Ink outside of it is cut off."""
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + ink.shape[1], paper.shape[1]), min(top + ink.shape[0], paper.shape[0])
    if x0 < x1 and y0 < y1:
        paper[y0:y1, x0:x1] *= 1 - strength * ink[y0 - top : y1 - top, x0 - left : x1 - left]


def finish(paper: Grey, generator: np.random.Generator, blur: float) -> Image:
    """Blur, noise of the camera, 8 bits, and the artefacts of JPEG in most images."""
    soft = cv2.GaussianBlur(paper, (0, 0), max(blur, 0.1))
    noisy = soft + generator.normal(0, generator.uniform(0, 0.015), paper.shape)
    image = np.asarray(np.round(np.clip(noisy, 0, 1) * 255), np.uint8)
    if generator.random() < 0.3:
        return image
    _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(generator.integers(25, 95))])
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE), np.uint8)


def photograph(ink: Field, generator: np.random.Generator) -> Image:
    """A digit on a sheet of paper, sharp or blurred, in good or bad light."""
    side = int(generator.integers(100, 420))
    paper = make_paper(side, round(side * generator.uniform(0.75, 1.33)), generator)
    digit = enlarge(ink, round(side * generator.uniform(0.2, 0.75)))
    left = round((paper.shape[1] - digit.shape[1]) * generator.uniform(0.2, 0.8))
    top = round((side - digit.shape[0]) * generator.uniform(0.2, 0.8))
    darken(paper, digit, left, top, generator.uniform(0.3, 0.9))
    return finish(paper, generator, side * generator.uniform(0.001, 0.008))


def draw_on_canvas(ink: Field, generator: np.random.Generator) -> Image:
    """A digit of one colour anywhere on a plain canvas, in either polarity, with pens up to a thick brush."""
    side = int(generator.choice([28, 56, 112, 200, 280]))
    digit = enlarge(ink, round(side * generator.uniform(0.4, 0.9)))
    if generator.random() < 0.4:
        width = max(1, round(digit.shape[0] * generator.uniform(0.02, 0.08)))
        digit = np.asarray(cv2.dilate(digit, np.ones((width, width), np.uint8)), np.float32)
    if generator.random() < 0.3:
        digit = np.asarray(digit > 0.5, np.float32)
    canvas = np.ones((side, side), np.float32)
    left = round((side - digit.shape[1]) * generator.uniform(0, 1))
    darken(canvas, digit, left, round((side - digit.shape[0]) * generator.uniform(0, 1)), generator.uniform(0.7, 1))
    image = np.asarray(np.round(canvas * 255), np.uint8)
    return image if generator.random() < 0.5 else np.asarray(255 - image, np.uint8)


def write_in_cell(ink: Field, generator: np.random.Generator) -> Image:
    """A small scan of a form's cell: borders on some sides, thin, thick or double, and a digit that may touch them."""
    side = int(generator.integers(28, 110))
    width = round(side * generator.uniform(0.7, 1.1))
    paper = make_paper(side, width, generator)
    strength, thickness = generator.uniform(0.2, 0.8), max(1, round(side * generator.uniform(0.01, 0.06)))
    for turn in np.flatnonzero(generator.random(4) < 0.35):
        edge = np.rot90(paper, int(turn))  # a view: writing to it writes to the paper
        start = int(generator.integers(0, max(2, side // 12)))
        edge[start : start + thickness] *= 1 - strength
        if generator.random() < 0.2:
            edge[start + 2 * thickness : start + 3 * thickness] *= 1 - strength
    digit = enlarge(ink, round(min(side, width) * generator.uniform(0.45, 0.85)))
    left = round((width - digit.shape[1]) * generator.uniform(0.1, 0.9))
    darken(
        paper, digit, left, round((side - digit.shape[0]) * generator.uniform(0.1, 0.9)), generator.uniform(0.4, 0.9)
    )
    return finish(paper, generator, generator.uniform(0.3, 0.8))


def scan_in_black_and_white(ink: Field, generator: np.random.Generator) -> Image:
    """A bilevel scan: ragged edges, gaps and specks."""
    side = int(generator.integers(24, 130))
    digit = enlarge(ink, round(side * generator.uniform(0.6, 0.95)))
    width = max(digit.shape[1] + 2, round(side * generator.uniform(0.7, 1)))
    page = np.zeros((side, width), np.float32)
    left, top = (width - digit.shape[1]) // 2, (side - digit.shape[0]) // 2
    page[max(top, 0) : max(top, 0) + digit.shape[0], left : left + digit.shape[1]] = digit[:side]
    rough = cv2.GaussianBlur(generator.normal(0, 1, (side, width)), (0, 0), generator.uniform(0.6, 1.5))
    rough = np.asarray(rough) * generator.uniform(0.05, 0.22) / max(float(np.std(rough)), 1e-6)
    soft = np.asarray(cv2.GaussianBlur(page, (0, 0), 0.8)) + rough
    black = (soft > generator.uniform(0.35, 0.6)) ^ (generator.random(page.shape) < generator.uniform(0, 0.006))
    return np.asarray(np.where(black, 0, 255), np.uint8)


def write_line(inks: Sequence[Field], generator: np.random.Generator) -> Image:
    """Several digits in a line."""
    height = int(generator.integers(28, 80))
    digits = [enlarge(ink, round(height * generator.uniform(0.85, 1.1))) for ink in inks]
    gaps = [round(height * generator.uniform(0.12, 0.5)) for _ in inks]
    paper = make_paper(
        round(height * generator.uniform(1.8, 3)), sum(one.shape[1] for one in digits) + sum(gaps) + height, generator
    )
    strength, left, slope = generator.uniform(0.4, 0.9), height // 2, generator.normal(0, 0.03)
    middle = paper.shape[0] / 2 - slope * paper.shape[1] / 2
    for digit, gap in zip(digits, gaps, strict=True):
        top = middle + slope * left - digit.shape[0] / 2 + generator.normal(0, 0.04) * height
        darken(paper, digit, left, round(top), strength)
        left += digit.shape[1] + gap
    return finish(paper, generator, height * generator.uniform(0.004, 0.015))


SINGLE_IMAGES: dict[str, DrawImage] = {
    "photographs": photograph,
    "drawings": draw_on_canvas,
    "form cells": write_in_cell,
    "black and white": scan_in_black_and_white,
}
"""Images of one digit, or of one character that is not a digit."""
