"""Read an image with several digits: find and recognize its characters, and arrange the digits in lines."""

import contextlib
from dataclasses import replace

import cv2
import numpy as np

from models.reader.binarize import Ink
from models.reader.characters import (
    SIMILAR_HEIGHT,
    RecognizedCharacter,
    classify_characters,
    recognize_characters,
)
from models.reader.classifier import FieldClassifier
from models.reader.illumination import flatten_illumination
from models.reader.numbers import MIN_DIGIT_SHARE, change_verdict, choose_digits, place_marks
from models.reader.preprocess import MIN_SIDE, list_polarities, reduce_to_grey
from models.reader.results import PageDigit, PageReading, Reading
from models.reader.segmentation import Character, extract_page_ink, find_characters, sort_to_lines
from models.types import Box, Grey, Labels, Pixels

PAGE_SIDE = 1400  # pixels: the longer side during reading
MAX_CHARACTERS = 400  # on a page; a texture has thousands
SURVEY = 32  # characters: of a page with more of them, this many are classified first
MIN_SURVEYED_DIGITS = 0.5  # of the surveyed characters; in print and textures fewer look like digits
SURVEY_STRICTNESS = 0.97  # whatever the request's, which must not make a page of print cost seconds
SEVERAL = 2  # digits, at least: a character alone is what `classify` has read already
GLANCE_SIDE = 700  # pixels: enough to see whether there are several digits
MAX_PARTS_UPRIGHT, MAX_PARTS_TURNED = 250, 60  # parts of touching digits to classify, for each polarity
GOOD_PAGE = 0.6  # mean goodness from which no rotation is tried
TURN_GAIN = 0.15  # of mean goodness, at least, for a rotation to be preferred
COLUMN_GAIN = 0.05  # the same if the characters form a column
MIN_TURNED = 3  # sure digits on a rotated page, at least
SMALL_PAGE = 300  # pixels: smaller pages are enlarged, so that strokes are wider than a pixel or two
MAX_ENLARGEMENT = 6


class TextLikeError(Exception):
    """The page has many characters, and most of them are not digits: print, a drawing or a texture."""


def read_page(classifier: FieldClassifier, image: Pixels, model: str, polarity: str = "auto") -> PageReading:
    """Read all digits of an image; see DigitReader.read. The page is also tried on its side if it reads badly."""
    grey, scale = reduce_to_grey(image, PAGE_SIDE)
    grey, scale = enlarge_small(grey, scale)
    grey = flatten_illumination(grey)
    try:
        upright = find_digits(classifier, grey, polarity, MAX_PARTS_UPRIGHT)
    except TextLikeError:
        return PageReading("", (), (), 0, model, "text_like")
    rated = {0: (rate(upright) + (COLUMN_GAIN if is_column(upright) else TURN_GAIN), upright)}
    if upright and (rate(upright) < GOOD_PAGE or is_column(upright)):
        for turn in (90, 270):
            turned = np.ascontiguousarray(np.rot90(grey, -turn // 90))
            with contextlib.suppress(TextLikeError):
                found = find_digits(classifier, turned, polarity, MAX_PARTS_TURNED)
                sure = count_sure(found)
                if sure >= MIN_TURNED and sure > 0.6 * len(found):
                    rated[turn] = (rate(found), found)
    turn = max(rated, key=lambda turn: rated[turn][0])
    found = rated[turn][1]
    return arrange(
        choose_digits(found, classifier.reject_score, max(grey.shape)), found, turn, scale, image.shape, model
    )


def count_digits(classifier: FieldClassifier, image: Pixels, polarity: str = "auto") -> int:
    """The number of digits on an upright page, in a fraction of the time of `read_page`; 0 unless two are sure.

    Touching digits are cut only beside a sure one: cutting all letters would take longer than the rest.
    """
    grey, _scale = enlarge_small(*reduce_to_grey(image, GLANCE_SIDE))
    grey = flatten_illumination(grey)
    try:
        found = find_digits(classifier, grey, polarity, max_parts=0, min_characters=SEVERAL)
        if count_sure(found) == 1:
            found = find_digits(classifier, grey, polarity, MAX_PARTS_TURNED, min_characters=SEVERAL)
    except TextLikeError:
        return 0
    digits = choose_digits(found, classifier.reject_score, max(grey.shape))
    sure = [one for one in digits if one.classification.verdict == "digit"]
    only_strokes = {one.classification.digit for one in sure} == {1}
    return 0 if len(sure) < SEVERAL or only_strokes or len(digits) < MIN_DIGIT_SHARE * len(found) else len(digits)


def enlarge_small(grey: Grey, scale: float) -> tuple[Grey, float]:
    """(the page with enough pixels to distinguish strokes from specks, its scale relative to the original)."""
    longest = max(grey.shape)
    times = min(SMALL_PAGE / longest, MAX_ENLARGEMENT)
    if times <= 1 or longest < MIN_SIDE:
        return grey, scale
    size = (max(1, round(grey.shape[1] * times)), max(1, round(grey.shape[0] * times)))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_CUBIC), np.float32), scale * times


def count_sure(found: list[RecognizedCharacter]) -> int:
    return sum(one.classification.verdict == "digit" for one in found)


def find_digits(
    classifier: FieldClassifier, grey: Grey, polarity: str, max_parts: int, min_characters: int = 1
) -> list[RecognizedCharacter]:
    """The characters of a page, for the polarity of which more can be read.

    The other polarity is not tried if the likelier one shows several characters and nearly all are digits.
    `max_parts` limits the parts of touching digits that are tried. A page with fewer than `min_characters` has none.
    Raises TextLikeError.
    """
    best: list[RecognizedCharacter] = []
    text_like = 0
    for chosen, _odds in list_polarities(grey, polarity):
        ink = extract_page_ink(grey, chosen)
        if ink.is_blank:
            continue
        characters, labels = find_characters(ink)
        if len(characters) < min_characters:
            continue
        characters = sorted(characters, key=lambda one: -one.ink)[:MAX_CHARACTERS]
        if len(characters) > SURVEY and not has_digits(classifier, ink, labels, characters):
            text_like += 1
            continue
        best = max(best, recognize_characters(classifier, ink, labels, characters, max_parts), key=rate_readable)
        if len(best) > 1 and rate(best) > GOOD_PAGE:
            break
    if text_like and rate(best) < GOOD_PAGE:
        raise TextLikeError
    return best


def has_digits(classifier: FieldClassifier, ink: Ink, labels: Labels, characters: list[Character]) -> bool:
    """Whether a sample of a page's many characters are mostly digits, and not letters or a texture."""
    rows = np.linspace(0, len(characters) - 1, SURVEY).round().astype(int)
    strict = classifier.with_strictness(SURVEY_STRICTNESS)
    found = classify_characters(strict, ink, labels, [characters[row] for row in rows])
    return count_sure(found) >= MIN_SURVEYED_DIGITS * SURVEY


def rate_readable(found: list[RecognizedCharacter]) -> float:
    """The sum of goodness times its mean: nine digits count for more than the grain of paper, hundreds of pieces."""
    return rate(found) ** 2 * len(found)


def rate(found: list[RecognizedCharacter]) -> float:
    return float(np.mean([one.goodness for one in found])) if found else 0.0


def is_column(found: list[RecognizedCharacter]) -> bool:
    """Whether the characters are below each other, as those of a line are on a page that lies on its side."""
    lines = sort_to_lines([one.character for one in found])
    return len(found) > 2 and len(lines) > 0.6 * len(found)


def arrange(
    selected: list[RecognizedCharacter], found: list[RecognizedCharacter], turn: int, scale: float,
    shape: tuple[int, ...], model: str,
) -> PageReading:  # fmt: skip
    """The selected digits in lines with the marks among them, then the other characters.

    `shape` is that of the original image.
    """
    digits = {one.character: one for one in selected}
    marks = {one.character: change_verdict(one, "not_a_digit") for one in found if one.character not in digits}
    lines = sort_to_lines(list(digits))
    arranged = []
    for number, line in enumerate(place_marks(lines, list(marks))):
        for character in line:
            one = digits[character] if character in digits else marks.pop(character)
            arranged.append(describe(one, number, turn, scale, shape))
    texts = tuple("".join(str(digits[character].classification.digit) for character in line) for line in lines)
    rest = [describe(one, None, turn, scale, shape) for one in marks.values()]
    return PageReading("\n".join(texts), texts, (*arranged, *rest), turn, model)


def describe(one: RecognizedCharacter, line: int | None, turn: int, scale: float, shape: tuple[int, ...]) -> PageDigit:
    character, classified = one.character, one.classification
    box = (character.left, character.top, character.width, character.height)
    return PageDigit(
        classified.digit,
        classified.verdict,
        classified.confidence,
        classified.probabilities,
        classified.not_a_digit,
        map_to_image(box, turn, scale, shape),
        line,
    )


def map_to_image(box: Box, turn: int, scale: float, shape: tuple[int, ...]) -> Box:
    """A box of the turned and scaled page, in pixels of the original image."""
    left, top, width, height = (round(length / scale) for length in box)
    if turn == 90:
        left, top, width, height = top, shape[0] - left - width, height, width
    elif turn == 270:
        left, top, width, height = shape[1] - top - height, left, height, width
    return left, top, max(1, width), max(1, height)


def prefer_single_digit(single: Reading, page: PageReading) -> PageReading:
    """The page, or `single` (the image read as one digit) if the image has only one character."""
    if single.other_pieces:
        return page
    read = [one for one in page.digits if one.line is not None and one.verdict != "not_a_digit"]
    if single.box is None:
        # Only upright strokes on a blank image: edges and folds of the paper.
        return page if {one.digit for one in read} != {1} else reject_all(page)
    one_digit = single.verdict in ("digit", "unsure")
    min_height = SIMILAR_HEIGHT * single.box[3] if one_digit else 0
    several = [one for one in read if one.box[3] >= min_height and one.verdict == "digit"]
    if len(several) > 1 and (one_digit or {one.digit for one in several} != {1}):
        return page
    if several and len(read) > 2 and not one_digit and {one.digit for one in read} != {1}:
        return page  # as a whole it is no digit, and a sure digit supports its neighbours
    if one_digit and single.digit is not None:
        digit = PageDigit(
            single.digit, single.verdict, single.confidence, single.probabilities, single.not_a_digit, single.box, 0
        )
        text = str(single.digit)
        return PageReading(text, (text,), (digit,), 0, page.model)
    return reject_all(page)


def reject_all(page: PageReading) -> PageReading:
    others = tuple(replace(one, verdict="not_a_digit", line=None) for one in page.digits)
    return replace(page, text="", lines=(), digits=others)
