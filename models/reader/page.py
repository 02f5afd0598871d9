"""Read an image with several digits: find and recognize its characters, and arrange the digits in lines."""

import itertools
from dataclasses import replace

import cv2
import numpy as np

from models.reader.characters import SIMILAR_HEIGHT, RecognizedCharacter, recognize_characters
from models.reader.classifier import FieldClassifier
from models.reader.illumination import flatten_illumination
from models.reader.preprocess import MIN_SIDE, list_polarities, reduce_to_grey
from models.reader.results import PageDigit, PageReading, Reading
from models.reader.segmentation import Character, extract_page_ink, find_characters, sort_to_lines
from models.types import Box, Grey, Pixels

PAGE_SIDE = 1400  # pixels: the longer side during reading
MAX_CHARACTERS = 400  # on a page; a texture has thousands
GOOD_PAGE = 0.6  # mean goodness from which no rotation is tried
TURN_GAIN = 0.15  # of mean goodness, at least, for a rotation to be preferred
COLUMN_GAIN = 0.05  # the same if the characters form a column
LINE_ODDS = 3.0  # log odds for a digit that a position in a line of digits adds
TYPICAL_HEIGHTS = (0.6, 1.6)  # of the median height, for a doubtful character in a line of digits
MIN_TURNED = 3  # sure digits on a rotated page, at least
MIN_LONE_HEIGHT = 0.03  # of the page's longer side, for a digit on its own; smaller ones are specks
MIN_RUN = 3  # consecutive digits in a line of other characters
SMALL_PAGE = 300  # pixels: smaller pages are enlarged, so that strokes are wider than a pixel or two
MAX_ENLARGEMENT = 6


def read_page(classifier: FieldClassifier, image: Pixels, model: str, polarity: str = "auto") -> PageReading:
    """Read all digits of an image; see DigitReader.read. The page is also tried on its side if it reads badly."""
    grey, scale = reduce_to_grey(image, PAGE_SIDE)
    grey, scale = enlarge_small(grey, scale)
    grey = flatten_illumination(grey)
    upright = find_digits(classifier, grey, polarity)
    rated = {0: (rate(upright) + (COLUMN_GAIN if is_column(upright) else TURN_GAIN), upright)}
    if upright and (rate(upright) < GOOD_PAGE or is_column(upright)):
        for turn in (90, 270):
            found = find_digits(classifier, np.ascontiguousarray(np.rot90(grey, -turn // 90)), polarity)
            sure = sum(one.classification.verdict == "digit" for one in found)
            if sure >= MIN_TURNED and sure > 0.6 * len(found):
                rated[turn] = (rate(found), found)
    turn = max(rated, key=lambda turn: rated[turn][0])
    found = rated[turn][1]
    digits = drop_strays(select_digits(found, classifier.reject_score), found, max(grey.shape))
    return arrange(digits, found, turn, scale, image.shape, model)


def enlarge_small(grey: Grey, scale: float) -> tuple[Grey, float]:
    """(the page with enough pixels to distinguish strokes from specks, its scale relative to the original)."""
    longest = max(grey.shape)
    times = min(SMALL_PAGE / longest, MAX_ENLARGEMENT)
    if times <= 1 or longest < MIN_SIDE:
        return grey, scale
    size = (max(1, round(grey.shape[1] * times)), max(1, round(grey.shape[0] * times)))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_CUBIC), np.float32), scale * times


def find_digits(classifier: FieldClassifier, grey: Grey, polarity: str) -> list[RecognizedCharacter]:
    """The characters of a page, for the polarity of which more can be read.

    The other polarity is not tried if the likelier one shows several characters and nearly all are digits.
    """
    best: list[RecognizedCharacter] = []
    for chosen, _odds in list_polarities(grey, polarity):
        ink = extract_page_ink(grey, chosen)
        if ink.is_blank:
            continue
        characters, labels = find_characters(ink)
        characters = sorted(characters, key=lambda one: -one.ink)[:MAX_CHARACTERS]
        best = max(best, recognize_characters(classifier, ink, labels, characters), key=rate_readable)
        if len(best) > 1 and rate(best) > GOOD_PAGE:
            break
    return best


def rate_readable(found: list[RecognizedCharacter]) -> float:
    """The sum of goodness times its mean: nine digits count for more than the grain of paper, hundreds of pieces."""
    return rate(found) ** 2 * len(found)


def rate(found: list[RecognizedCharacter]) -> float:
    return float(np.mean([one.goodness for one in found])) if found else 0.0


def is_column(found: list[RecognizedCharacter]) -> bool:
    """Whether the characters are below each other, as those of a line are on a page that lies on its side."""
    lines = sort_to_lines([one.character for one in found])
    return len(found) > 2 and len(lines) > 0.6 * len(found)


def select_digits(found: list[RecognizedCharacter], reject_score: float) -> list[RecognizedCharacter]:
    """The digits, and the doubtful characters in a line with two or more digits."""
    digits = [one for one in found if one.classification.verdict != "not_a_digit"]
    if len(digits) < 2:
        return digits
    typical = float(np.median([one.character.height for one in digits]))
    low, high = TYPICAL_HEIGHTS
    doubtful = {
        one.character: one
        for one in found
        if one.classification.verdict == "not_a_digit"
        and one.classification.not_a_digit_score < reject_score + LINE_ODDS
        and low < one.character.height / typical < high
    }
    selected = list(digits)
    for line in sort_to_lines([*(one.character for one in digits), *doubtful]):
        if sum(character not in doubtful for character in line) >= 2:
            selected += [change_verdict(doubtful[character], "unsure") for character in line if character in doubtful]
    return selected


def drop_strays(
    selected: list[RecognizedCharacter], found: list[RecognizedCharacter], side: int
) -> list[RecognizedCharacter]:
    """The selected digits without isolated specks, and without short runs in a line of other characters.

    `side` is the page's longer side in pixels.
    """
    digits = {one.character: one.classification.digit for one in selected}
    dropped: set[Character] = set()
    for line in sort_to_lines([one.character for one in found]):
        runs = [list(run) for is_digit, run in itertools.groupby(line, key=digits.__contains__) if is_digit]
        among_words = sum(map(len, runs)) < 0.6 * len(line)
        for run in runs:
            # Specks look like 1s: alone, or in a run of 1s only.
            may_be_specks = len(run) < 2 or {digits[one] for one in run} == {1}
            small = may_be_specks and max(one.height for one in run) < MIN_LONE_HEIGHT * side
            if small or (among_words and len(run) < MIN_RUN):
                dropped.update(run)
    # A lone digit among several other characters is a coincidence.
    if len(digits.keys() - dropped) < 2 and len(found) > 3:
        return []
    return [one for one in selected if one.character not in dropped]


def arrange(
    selected: list[RecognizedCharacter], found: list[RecognizedCharacter], turn: int, scale: float,
    shape: tuple[int, ...], model: str,
) -> PageReading:  # fmt: skip
    """The selected digits in lines, followed by the other characters. `shape` is that of the original image."""
    digits = {one.character: one for one in selected}
    others = [change_verdict(one, "not_a_digit") for one in found if one.character not in digits]
    lines = sort_to_lines(list(digits))
    arranged = [
        describe(digits[character], number, turn, scale, shape)
        for number, line in enumerate(lines)
        for character in line
    ]
    texts = tuple("".join(str(digits[character].classification.digit) for character in line) for line in lines)
    rest = [describe(one, None, turn, scale, shape) for one in others]
    return PageReading("\n".join(texts), texts, (*arranged, *rest), turn, model)


def change_verdict(one: RecognizedCharacter, verdict: str) -> RecognizedCharacter:
    return replace(one, classification=replace(one.classification, verdict=verdict))


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
    read = [one for one in page.digits if one.line is not None]
    if single.box is None:
        # Only upright strokes on a blank image: edges and folds of the paper.
        return page if {one.digit for one in read} != {1} else reject_all(page)
    one_digit = single.verdict in ("digit", "unsure")
    min_height = SIMILAR_HEIGHT * single.box[3] if one_digit else 0
    several = [one for one in read if one.box[3] >= min_height and one.verdict == "digit"]
    if len(several) > 1 and (one_digit or {one.digit for one in several} != {1}):
        return page
    if one_digit and single.digit is not None:
        digit = PageDigit(
            single.digit, single.verdict, single.confidence, single.probabilities, single.not_a_digit, single.box, 0
        )
        text = str(single.digit)
        return PageReading(text, (text,), (digit,), 0, page.model)
    return reject_all(page)


def reject_all(page: PageReading) -> PageReading:
    others = tuple(replace(one, verdict="not_a_digit", line=None) for one in page.digits)
    return PageReading("", (), others, page.turned, page.model)
