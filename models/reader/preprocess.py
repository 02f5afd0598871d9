"""From an image of one digit to the 28x28 field the network reads, with what was done on the way.

There can be more than one reading of an image: ink dark or light, a line taken for ruled paper or for a
stroke. Each becomes a `Preparation`; the network that comes after says which one looks like a digit.
"""

import dataclasses
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.mnist_field import BOX, CENTRE, find_ink_box, fit_to_field
from models.network import FIELD
from models.reader.binarize import Ink, extract_ink, guess_polarity
from models.reader.components import choose_digit_ink, find_ruled_lines, is_edge
from models.reader.grayscale import Grey, check_image, check_shape, lay_over_paper, reduce_image, take_grey

WORK_SIDE = 400  # pixels: the longer side while looking for the ink
LEAST_SIDE = 6  # pixels: in fewer nothing can be written
SURE_POLARITY = 3.0  # log odds from which the other polarity is not tried
CROP_SIDE = 100  # pixels: strokes are thickened at no less, for steps finer than the field's
THINNEST = 2.4  # pixels of the 20-pixel box; MNIST's strokes are 2.5 to 4 wide
PLAIN_FIELD_PRIOR = 0.5  # log odds for a 28x28 image as it is against its preparation
LINES_PRIOR = -1.0  # log odds that a line through the image is the paper's
EACH_LINE = 0.7  # log odds more for each further line
MOST_LINES_PRIOR = 2.0  # log odds at most
SPECK_STEP = 0.35  # of full white from its surroundings: a speck, or a frayed edge
SPECKLED = 0.006  # of the image's pixels
SMOOTHED_PRIOR = -0.5  # log odds that the specks are dirt


@dataclass(frozen=True)
class Steps:
    """What was found and done. Lengths in pixels of the image, unless they say otherwise."""

    polarity: str  # "dark" or "light" ink
    contrast: float  # of full ink against the paper, 0..1
    ink_share: float  # of the image's pixels, 0..1
    box: tuple[int, int, int, int]  # left, top, width, height
    stroke_width: float  # in pixels of the 20-pixel box, before any thickening
    as_is: bool = False  # already in MNIST's form


@dataclass(frozen=True)
class Preparation:
    """One reading of an image: `field` (28, 28) float32 in 0..1 and `prior`, its log odds beforehand."""

    field: NDArray[np.float32]
    steps: Steps
    prior: float = 0.0
    stages: dict[str, NDArray[np.uint8]] = dataclasses.field(default_factory=dict)
    other_pieces: int = 0  # of a digit's size, beside what was taken for the digit


def prepare_image(image: NDArray[Any], polarity: str = "auto", keep_stages: bool = False) -> list[Preparation]:
    """The readings of an image (height, width[, 1..4]), the likeliest first; none when it is blank.

    uint8, uint16 or float in 0..1, already turned as its EXIF says. Raises ImageError.
    """
    grey, scale = reduce_to_grey(image)
    if max(grey.shape) < LEAST_SIDE:
        return []
    as_is = recognize_field(grey) if scale == 1 else None
    if as_is is not None and polarity in ("auto", as_is.steps.polarity):
        return [as_is]
    readings = []
    for chosen, prior in list_polarities(grey, polarity):
        ink = extract_ink(grey, chosen)
        if ink.is_blank:
            continue
        if grey.shape == (FIELD, FIELD):
            readings.append(_take_plain_field(grey, ink, prior + PLAIN_FIELD_PRIOR))
        masks = [(ink, *one) for one in _list_masks(ink)]
        smooth = _smooth_specks(grey)
        if smooth is not None:
            ink = extract_ink(smooth, chosen)
            mask, others = choose_digit_ink(ink.mask, ink.density)
            masks.append((ink, mask, others, SMOOTHED_PRIOR))
        for ink, mask, others, line_prior in masks:
            if is_edge(mask, grey, ink.contrast):
                continue
            prepared = prepare_ink(ink, mask, keep_stages)
            if prepared is not None:
                readings.append(replace(prepared, prior=prior + line_prior, other_pieces=others))
    if keep_stages:
        readings = [replace(one, stages={"grey": _to_bytes(grey), **one.stages}) for one in readings]
    readings = [replace(one, steps=_rescale_box(one.steps, scale)) for one in readings]
    return sorted(readings, key=lambda one: -one.prior)


def reduce_to_grey(image: NDArray[Any], longest: int = WORK_SIDE) -> tuple[Grey, float]:
    """(grey image of at most `longest` pixels a side, its scale against the original)."""
    check_shape(image)
    reduced = reduce_image(image, longest)
    scale = max(reduced.shape[:2]) / max(image.shape[:2])
    return take_grey(lay_over_paper(check_image(reduced))), scale


def list_polarities(grey: Grey, polarity: str) -> list[tuple[str, float]]:
    """(polarity, log odds) of those to try."""
    if polarity != "auto":
        return [(polarity, 0.0)]
    odds = guess_polarity(grey)
    both = [("dark", odds / 2), ("light", -odds / 2)]
    return [one for one in both if abs(odds) < SURE_POLARITY or one[1] > 0]


def recognize_field(grey: Grey) -> Preparation | None:
    """The image itself where it already is in MNIST's form, in either polarity."""
    if grey.shape != (FIELD, FIELD):
        return None
    for polarity, ink in (("light", grey), ("dark", 1 - grey)):
        box = find_ink_box(ink, floor=0)
        if box is None:
            continue
        _left, _top, width, height = box
        x, y = find_centre_of_mass(ink)
        centred = max(abs(x - CENTRE), abs(y - CENTRE)) <= 0.75
        if centred and abs(max(width, height) - BOX) <= 1 and ink.max() > 0.5:
            stroke = measure_stroke_width(ink > 0.5) * BOX / max(width, height)
            steps = Steps(polarity, float(ink.max()), float((ink > 0.5).mean()), box, stroke, as_is=True)
            return Preparation(np.ascontiguousarray(ink, np.float32), steps, stages={"ink": _to_bytes(ink)})
    return None


def find_centre_of_mass(ink: Grey) -> tuple[float, float]:
    """(x, y) as pixel indices."""
    mass = max(float(ink.sum()), 1e-6)
    height, width = ink.shape
    return float(ink.sum(axis=0) @ np.arange(width)) / mass, float(ink.sum(axis=1) @ np.arange(height)) / mass


def measure_stroke_width(mask: NDArray[np.bool_]) -> float:
    """The typical width of strokes in pixels: twice the distance from their middle to their edge."""
    padded = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, 5)
    ridge = (distance > 0) & (distance >= cv2.dilate(distance, np.ones((3, 3), np.uint8)) - 1e-3)
    if not ridge.any():
        return 0.0
    # Weighted by the width: slivers at the edge of a shadow are many but are not the stroke.
    distances = np.sort(distance[ridge].astype(np.float64))
    half = np.searchsorted(distances.cumsum(), distances.sum() / 2)
    return float(2 * distances[half] - 1)


def prepare_ink(ink: Ink, mask: NDArray[np.bool_], keep_stages: bool = False) -> Preparation | None:
    """The field of what of `ink` lies in `mask` (both of the image's size); None where nothing does."""
    box = find_ink_box(mask.astype(np.float32))
    if box is None:
        return None
    left, top, width, height = box
    side = max(width, height)
    stroke = max(measure_stroke_width(mask[top : top + height, left : left + width]), 1.0)
    # Grey edges of the stroke lie just outside of the mask; anything farther is paper.
    soft = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.float32)
    kept = ink.density * soft
    margin = 1 + side // 10
    crop = _crop(kept, left - margin, top - margin, width + 2 * margin, height + 2 * margin)
    crop = crop * (crop > 0.12)
    thick, stroke_share = thicken_hairlines(crop, stroke, side)
    steps = Steps(ink.polarity, ink.contrast, float(mask.mean()), box, stroke_share * BOX)
    field28 = fit_to_field(thick)
    stages = {}
    if keep_stages:
        stages = {"ink": _to_bytes(ink.density), "digit": _to_bytes(kept), "strokes": _to_bytes(thick)}
    return Preparation(field28, steps, stages=stages)


def thicken_hairlines(crop: Grey, stroke: float, side: int) -> tuple[Grey, float]:
    """(crop with strokes no thinner than MNIST's thinnest, stroke width as a share of the longest side).

    Small crops are enlarged first, so that a step is finer than a pixel of the field.
    """
    share = stroke / side
    enlarged = max(1.0, CROP_SIDE / side)
    if enlarged > 1:
        size = (round(crop.shape[1] * enlarged), round(crop.shape[0] * enlarged))
        crop = np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_LINEAR), np.float32)
    wanted = THINNEST / BOX - share
    radius = round(wanted * side * enlarged / 2)
    if radius > 0:
        element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
        crop = np.asarray(cv2.dilate(crop, element), np.float32)
    return crop, share


def _smooth_specks(grey: Grey) -> Grey | None:
    """The image without single dark or light pixels, as a bad threshold leaves them; None where there are few."""
    smooth = np.asarray(cv2.medianBlur(np.ascontiguousarray(grey), 3), np.float32)
    if float((np.abs(grey - smooth) > SPECK_STEP).mean()) < SPECKLED:
        return None
    return np.asarray(cv2.medianBlur(smooth, 3), np.float32)


def _list_masks(ink: Ink) -> list[tuple[NDArray[np.bool_], int, float]]:
    """(mask, other pieces, log odds) of what may be the digit: as it is, and without ruled lines."""
    plain, others = choose_digit_ink(ink.mask, ink.density)
    masks = [(plain, others, 0.0)]
    lines, count = find_ruled_lines(ink.mask, ink.density)
    if lines.any():
        without, others = choose_digit_ink(ink.mask & ~lines, ink.density)
        if without.sum() > 0.1 * plain.sum():
            masks.append((without, others, min(LINES_PRIOR + EACH_LINE * (count - 1), MOST_LINES_PRIOR)))
    return masks


def _take_plain_field(grey: Grey, ink: Ink, prior: float) -> Preparation:
    """A 28x28 image with nothing changed but its polarity."""
    plain = grey if ink.polarity == "light" else 1 - grey
    box = find_ink_box(ink.mask.astype(np.float32)) or (0, 0, FIELD, FIELD)
    stroke = measure_stroke_width(ink.mask) * BOX / max(box[2:])
    steps = Steps(ink.polarity, ink.contrast, float(ink.mask.mean()), box, stroke)
    return Preparation(np.ascontiguousarray(plain, np.float32), steps, prior)


def _rescale_box(steps: Steps, scale: float) -> Steps:
    left, top, width, height = (round(length / scale) for length in steps.box)
    return replace(steps, box=(left, top, max(1, width), max(1, height)))


def _crop(image: Grey, left: int, top: int, width: int, height: int) -> Grey:
    """A part of the image; what lies outside of it is empty."""
    part = np.zeros((height, width), np.float32)
    y0, y1 = max(top, 0), min(top + height, image.shape[0])
    x0, x1 = max(left, 0), min(left + width, image.shape[1])
    part[y0 - top : y1 - top, x0 - left : x1 - left] = image[y0:y1, x0:x1]
    return part


def _to_bytes(image: Grey) -> NDArray[np.uint8]:
    return np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)
