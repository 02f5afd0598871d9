"""Preprocess an image of one digit to the 28x28 field that the network reads.

An image can have several interpretations: dark or light ink, a line of the paper or a stroke. Each one becomes a
`Preparation`. The reader classifies them all and chooses the most plausible one.
"""

import dataclasses
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from models.mnist_field import BOX, CENTRE, find_ink_box, fit_to_field
from models.network import FIELD
from models.reader.binarize import Ink, extract_ink, guess_polarity
from models.reader.components import choose_digit_ink, is_not_paper
from models.reader.grayscale import check_shape, convert_to_float, convert_to_grey, flatten_transparency, reduce_image
from models.reader.illumination import flatten_illumination
from models.reader.results import PreprocessingSteps
from models.reader.ruled_lines import find_ruled_lines
from models.types import Field, Grey, Mask, Pixels

WORK_SIDE = 400  # pixels: the longer side during the search for ink
MIN_SIDE = 6  # pixels: smaller images are blank
SURE_POLARITY = 3.0  # log odds from which the other polarity is not tried
MIN_BESIDE_EDGE = 0.3  # of an edge's contrast, at least, for ink of the other polarity
CROP_SIDE = 100  # pixels: smaller crops are enlarged before thickening, for steps finer than a pixel of the field
MAX_RADIUS = 10  # pixels by which a stroke is thickened; larger crops are reduced first
MIN_STROKE = 2.4  # pixels of the 20-pixel box; MNIST's strokes are 2.5 to 4 wide
MIN_DENSITY = 0.12  # of full ink: fainter pixels are paper
RAW_FIELD_PRIOR = 0.5  # log odds for a 28x28 image without changes, against its preparation
LINES_PRIOR = -1.0  # log odds that a line across the image belongs to the paper
EACH_LINE_PRIOR = 0.7  # log odds added for each further line
MAX_LINES_PRIOR = 2.0  # log odds
SPECK_STEP = 0.35  # of full white: a pixel's difference from its surroundings, for a speck or a frayed edge
SPECKLED_SHARE = 0.006  # of the image's pixels
SMOOTHED_PRIOR = -0.5  # log odds that the specks are dirt


@dataclass(frozen=True)
class Preparation:
    """One interpretation of an image: the field, and `prior`, the log odds of the interpretation."""

    field: Field
    steps: PreprocessingSteps
    prior: float = 0.0
    stages: dict[str, NDArray[np.uint8]] = dataclasses.field(default_factory=dict)
    other_pieces: int = 0  # of a digit's size, beside the digit
    is_texture: bool = False  # the image has no ink, but it is not blank: noise, or a picture


def prepare_image(image: Pixels, polarity: str = "auto", keep_stages: bool = False) -> list[Preparation]:
    """The interpretations of an image, the most likely first; an empty list if the image is blank.

    `polarity` is "auto", "dark" or "light" (of the ink). `keep_stages` keeps grey images of the steps.
    Raises InvalidImageError.
    """
    grey, scale = reduce_to_grey(image)
    if max(grey.shape) < MIN_SIDE:
        return []
    as_is = recognize_field(grey) if scale == 1 else None
    if as_is is not None and polarity in ("auto", as_is.steps.polarity):
        return [as_is]
    flat = flatten_illumination(grey)
    odds = list_polarities(flat, polarity)
    preparations, edge_contrast = prepare_polarity(flat, *odds[0], keep_stages)
    # The other polarity is tried if the first one is not sure, or shows nothing.
    if len(odds) > 1 and (all(one.is_texture for one in preparations) or abs(odds[0][1]) < SURE_POLARITY / 2):
        others, _ = prepare_polarity(flat, *odds[1], keep_stages)
        # Beside the edge of a shadow or a sheet, the paper itself is faint ink of the other polarity.
        preparations += [one for one in others if one.steps.contrast >= MIN_BESIDE_EDGE * edge_contrast]
    preparations = [one for one in preparations if not one.is_texture] or preparations[:1]
    if keep_stages:
        preparations = [replace(one, stages={"grey": convert_to_bytes(grey), **one.stages}) for one in preparations]
    preparations = [replace(one, steps=rescale_box(one.steps, scale)) for one in preparations]
    return sorted(preparations, key=lambda one: -one.prior)


def prepare_polarity(grey: Grey, polarity: str, prior: float, keep_stages: bool) -> tuple[list[Preparation], float]:
    """(the interpretations of an evenly lit image for one polarity, which has the log odds `prior`; the contrast of the
    edge of a sheet or a shadow if there is one, otherwise 0).
    """
    ink = extract_ink(grey, polarity)
    if ink.is_texture:
        prepared = prepare_ink(ink, ink.mask, keep_stages)
        return [] if prepared is None else [replace(prepared, prior=prior, is_texture=True)], 0.0
    if ink.is_blank:
        return [], 0.0
    preparations, edge_contrast = [], 0.0
    if grey.shape == (FIELD, FIELD):
        preparations.append(prepare_raw_field(grey, ink, prior + RAW_FIELD_PRIOR))
    masks = [(ink, *mask) for mask in list_masks(ink)]
    smooth = smooth_specks(grey)
    if smooth is not None:
        ink = extract_ink(smooth, polarity)
        if ink.mask.any():
            masks.append((ink, *choose_digit_ink(ink.mask, ink.density), SMOOTHED_PRIOR))
    for ink, mask, others, mask_prior in masks:
        if is_not_paper(mask, grey, ink.contrast):
            edge_contrast = ink.contrast
            continue
        prepared = prepare_ink(ink, mask, keep_stages)
        if prepared is not None:
            preparations.append(replace(prepared, prior=prior + mask_prior, other_pieces=others))
    return preparations, edge_contrast


def reduce_to_grey(image: Pixels, longest: int = WORK_SIDE) -> tuple[Grey, float]:
    """(grey image with at most `longest` pixels a side, its scale relative to the original)."""
    check_shape(image)
    reduced = reduce_image(image, longest)
    scale = max(reduced.shape[:2]) / max(image.shape[:2])
    return convert_to_grey(flatten_transparency(convert_to_float(reduced))), scale


def list_polarities(grey: Grey, polarity: str) -> list[tuple[str, float]]:
    """(polarity, log odds) of the polarities to try, the likelier first."""
    if polarity != "auto":
        return [(polarity, 0.0)]
    odds = guess_polarity(grey)
    return sorted([("dark", odds / 2), ("light", -odds / 2)], key=lambda one: -one[1])


def recognize_field(grey: Grey) -> Preparation | None:
    """The image itself if it is a normalized MNIST field, in either polarity."""
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
            steps = PreprocessingSteps(polarity, float(ink.max()), float((ink > 0.5).mean()), box, stroke, as_is=True)
            return Preparation(np.ascontiguousarray(ink, np.float32), steps, stages={"ink": convert_to_bytes(ink)})
    return None


def find_centre_of_mass(ink: Grey) -> tuple[float, float]:
    """(x, y) as pixel indices."""
    mass = max(float(ink.sum()), 1e-6)
    height, width = ink.shape
    return float(ink.sum(axis=0) @ np.arange(width)) / mass, float(ink.sum(axis=1) @ np.arange(height)) / mass


def measure_stroke_width(mask: Mask) -> float:
    """The typical width of the strokes in pixels: twice the distance from their middle to their edge."""
    padded = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, 5)
    ridge = (distance > 0) & (distance >= cv2.dilate(distance, np.ones((3, 3), np.uint8)) - 1e-3)
    if not ridge.any():
        return 0.0
    # The median is weighted by width: the edge of a shadow has many slivers, which are not the stroke.
    distances = np.sort(distance[ridge].astype(np.float64))
    half = np.searchsorted(distances.cumsum(), distances.sum() / 2)
    return float(2 * distances[half] - 1)


def prepare_ink(ink: Ink, mask: Mask, keep_stages: bool = False) -> Preparation | None:
    """The field of the part of `ink` inside `mask`, which has the same size; None if the mask is empty."""
    box = find_ink_box(mask.astype(np.float32))
    if box is None:
        return None
    left, top, width, height = box
    side = max(width, height)
    stroke = max(measure_stroke_width(mask[top : top + height, left : left + width]), 1.0)
    # The grey edges of a stroke are one pixel outside the mask; anything farther away is paper.
    soft = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.float32)
    kept = ink.density * soft
    margin = 1 + side // 10
    cropped = crop(kept, left - margin, top - margin, width + 2 * margin, height + 2 * margin)
    cropped = cropped * (cropped > MIN_DENSITY)
    thick, stroke_share = thicken_hairlines(cropped, stroke, side)
    steps = PreprocessingSteps(ink.polarity, ink.contrast, float(mask.mean()), box, stroke_share * BOX)
    stages = {}
    if keep_stages:
        images = {"ink": ink.density, "digit": kept, "strokes": thick}
        stages = {name: convert_to_bytes(image) for name, image in images.items()}
    return Preparation(fit_to_field(thick), steps, stages=stages)


def thicken_hairlines(ink: Grey, stroke: float, side: int) -> tuple[Grey, float]:
    """(ink with strokes at least as wide as MNIST's thinnest, original stroke width as a share of the longer side).

    Small images are enlarged first, so that the thickness changes in steps finer than a pixel of the field.
    """
    share = stroke / side
    enlarged = max(1.0, CROP_SIDE / side)
    if enlarged > 1:
        size = (round(ink.shape[1] * enlarged), round(ink.shape[0] * enlarged))
        ink = np.asarray(cv2.resize(ink, size, interpolation=cv2.INTER_LINEAR), np.float32)
    missing = MIN_STROKE / BOX - share
    radius = round(missing * side * enlarged / 2)
    if radius > MAX_RADIUS:  # the time of a dilation grows with the fourth power of the scale
        reduced = MAX_RADIUS / radius
        size = (max(1, round(ink.shape[1] * reduced)), max(1, round(ink.shape[0] * reduced)))
        ink, radius = np.asarray(cv2.resize(ink, size, interpolation=cv2.INTER_AREA), np.float32), MAX_RADIUS
    if radius > 0:
        element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
        ink = np.asarray(cv2.dilate(ink, element), np.float32)
    return ink, share


def smooth_specks(grey: Grey) -> Grey | None:
    """The image without the single dark or light pixels of a bad threshold; None if there are few of them."""
    smooth = np.asarray(cv2.medianBlur(np.ascontiguousarray(grey), 3), np.float32)
    if float((np.abs(grey - smooth) > SPECK_STEP).mean()) < SPECKLED_SHARE:
        return None
    return np.asarray(cv2.medianBlur(smooth, 3), np.float32)


def list_masks(ink: Ink) -> list[tuple[Mask, int, float]]:
    """(mask, number of other pieces, log odds) of each candidate for the digit: with ruled lines, and without."""
    plain, others = choose_digit_ink(ink.mask, ink.density)
    masks = [(plain, others, 0.0)]
    lines, count = find_ruled_lines(ink.mask, ink.density)
    if lines.any():
        without, others = choose_digit_ink(ink.mask & ~lines, ink.density)
        if without.sum() > 0.1 * plain.sum():
            prior = min(LINES_PRIOR + EACH_LINE_PRIOR * (count - 1), MAX_LINES_PRIOR)
            masks.append((without, others, prior))
    return masks


def prepare_raw_field(grey: Grey, ink: Ink, prior: float) -> Preparation:
    """A 28x28 image, inverted if its ink is dark and otherwise unchanged."""
    plain = grey if ink.polarity == "light" else 1 - grey
    box = find_ink_box(ink.mask.astype(np.float32)) or (0, 0, FIELD, FIELD)
    stroke = measure_stroke_width(ink.mask) * BOX / max(box[2:])
    steps = PreprocessingSteps(ink.polarity, ink.contrast, float(ink.mask.mean()), box, stroke)
    return Preparation(np.ascontiguousarray(plain, np.float32), steps, prior)


def rescale_box(steps: PreprocessingSteps, scale: float) -> PreprocessingSteps:
    left, top, width, height = (round(length / scale) for length in steps.box)
    return replace(steps, box=(left, top, max(1, width), max(1, height)))


def crop(image: Grey, left: int, top: int, width: int, height: int) -> Grey:
    """A part of the image; pixels outside the image are 0."""
    part = np.zeros((height, width), np.float32)
    y0, y1 = max(top, 0), min(top + height, image.shape[0])
    x0, x1 = max(left, 0), min(left + width, image.shape[1])
    part[y0 - top : y1 - top, x0 - left : x1 - left] = image[y0:y1, x0:x1]
    return part


def convert_to_bytes(image: Grey) -> NDArray[np.uint8]:
    return np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)
