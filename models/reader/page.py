"""Read an image with several digits: find them, judge them in one batch, cut those that touch."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.mnist_field import find_ink_box
from models.reader.binarize import Ink
from models.reader.preprocess import LEAST_SIDE, Preparation, list_polarities, prepare_ink, reduce_to_grey
from models.reader.segmentation import (
    WIDE,
    Character,
    Seam,
    extract_page_ink,
    find_characters,
    list_cuts,
    sort_to_lines,
)

if TYPE_CHECKING:
    from models.reader.reader import DigitReader, Judgement, Reading

PAGE_SIDE = 1400  # pixels: the longer side while reading
MOST_CHARACTERS = 400  # on a page; a texture falls into thousands
GOOD_PAGE = 0.6  # mean goodness from which the page is not turned
TURN_GAIN = 0.15  # of mean goodness, that a turned page must be better by
COLUMN_GAIN = 0.05  # the same where the characters stand in a column
LINE_ODDS = 3.0  # log odds for a digit that standing in a line of digits gives
LIKE_HEIGHT = 0.55  # of the tallest: less is no digit of the same line
CUT_INK = 0.45  # of the character's height: digits that touch do so in a little of it
LEAST_TURNED = 3  # digits: fewer say nothing about how the page lies
LEAST_LONE_HEIGHT = 0.03  # of the page's longer side: a speck is smaller than a digit on its own
RUN = 3  # digits beside each other that are read among words
SMALL_PAGE = 300  # pixels: smaller ones are enlarged, for strokes of more than a pixel or two
MOST_ENLARGED = 6  # times

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class PageDigit:
    """One character of a page; `digit` is the best guess also where the verdict is "not_a_digit"."""

    digit: int
    verdict: str  # "digit", "unsure" or "not_a_digit"
    confidence: float
    probabilities: tuple[float, ...]
    not_a_digit: float  # probability, 0..1
    box: Box  # left, top, width, height in pixels of the image
    line: int | None  # number of its line, None for what is not a digit


@dataclass(frozen=True)
class PageReading:
    """`text` has a line of digits for each line of the page; marks that are no digit are not in it."""

    text: str
    lines: tuple[str, ...]
    digits: tuple[PageDigit, ...]  # in reading order, then what is not a digit
    turned: int  # degrees clockwise that the page was turned by to be read
    model: str


@dataclass(frozen=True)
class _Found:
    character: Character
    judged: Judgement

    @property
    def goodness(self) -> float:
        """How much of a digit it is, and which one: 0..1."""
        return self.judged.confidence / (1 + float(np.exp(np.clip(self.judged.rubbish_score, -30, 30))))


def read_page(reader: DigitReader, image: NDArray[Any], polarity: str = "auto") -> PageReading:
    """Read all digits of an image (height, width[, 1..4]); see DigitReader.read."""
    grey, scale = reduce_to_grey(image, PAGE_SIDE)
    grey, scale = _enlarge_small(grey, scale)
    upright = _find_digits(reader, grey, polarity)
    rated = {0: (_rate(upright) + (COLUMN_GAIN if _is_column(upright) else TURN_GAIN), upright)}
    if upright and (_rate(upright) < GOOD_PAGE or _is_column(upright)):
        for turn in (90, 270):
            found = _find_digits(reader, np.ascontiguousarray(np.rot90(grey, -turn // 90)), polarity)
            sure = sum(one.judged.verdict == "digit" for one in found)
            if sure >= LEAST_TURNED and sure > 0.6 * len(found):
                rated[turn] = (_rate(found), found)
    turn = max(rated, key=lambda one: rated[one][0])
    page = _arrange(reader, rated[turn][1], turn, scale, image.shape, max(grey.shape))
    return _agree_on_one(reader.classify([image], polarity)[0], page)


def _enlarge_small(grey: NDArray[np.float32], scale: float) -> tuple[NDArray[np.float32], float]:
    """(the grey page with enough pixels to tell strokes from specks, its scale against the original)."""
    longest = max(grey.shape)
    times = min(SMALL_PAGE / longest, MOST_ENLARGED)
    if times <= 1 or longest < LEAST_SIDE:
        return grey, scale
    size = (max(1, round(grey.shape[1] * times)), max(1, round(grey.shape[0] * times)))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_CUBIC), np.float32), scale * times


def _agree_on_one(single: Reading, page: PageReading) -> PageReading:
    """The page, unless the image has one sign only: that is read as `classify` reads it."""
    if single.other_pieces:
        return page
    read = [one for one in page.digits if one.line is not None]
    if single.box is None:
        # Nothing but upright strokes where there is no ink: edges and folds of the paper.
        return page if {one.digit for one in read} != {1} else _refuse(page)
    one_digit = single.verdict in ("digit", "unsure")
    least = LIKE_HEIGHT * single.box[3] if one_digit else 0
    several = [one for one in read if one.box[3] >= least and one.verdict == "digit"]
    if len(several) > 1 and (one_digit or {one.digit for one in several} != {1}):
        return page
    if one_digit and single.digit is not None:
        one = PageDigit(single.digit, single.verdict, single.confidence, single.probabilities,
                        single.not_a_digit, single.box, 0)  # fmt: skip
        text = str(single.digit)
        return PageReading(text, (text,), (one,), 0, page.model)
    return _refuse(page)


def _refuse(page: PageReading) -> PageReading:
    others = tuple(replace(one, verdict="not_a_digit", line=None) for one in page.digits)
    return PageReading("", (), others, page.turned, page.model)


def _rate(found: list[_Found]) -> float:
    return float(np.mean([one.goodness for one in found])) if found else 0.0


def _is_column(found: list[_Found]) -> bool:
    """Whether the characters stand under each other, as a line does on a page that lies on its side."""
    lines = sort_to_lines([one.character for one in found])
    return len(found) > 2 and len(lines) > 0.6 * len(found)


def _find_digits(reader: DigitReader, grey: NDArray[np.float32], polarity: str) -> list[_Found]:
    readings = []
    for chosen, _odds in list_polarities(grey, polarity):
        ink = extract_page_ink(grey, chosen)
        if ink.is_blank:
            continue
        characters, labels = find_characters(ink)
        characters = sorted(characters, key=lambda one: -one.ink)[:MOST_CHARACTERS]
        found = _judge(reader, ink, labels, characters)
        found = _split_touching(reader, ink, labels, found)
        readings.append(found)
    return max(readings, key=lambda found: sum(one.goodness for one in found), default=[])


def _judge(reader: DigitReader, ink: Ink, labels: NDArray[np.int32], characters: list[Character]) -> list[_Found]:
    prepared = [(one, _prepare_character(ink, labels, one)) for one in characters]
    kept = [(one, preparation) for one, preparation in prepared if preparation is not None]
    if not kept:
        return []
    judged = reader.judge_fields(np.stack([preparation.field for _, preparation in kept]))
    return [_Found(one, word) for (one, _), word in zip(kept, judged, strict=True)]


def _prepare_character(ink: Ink, labels: NDArray[np.int32], one: Character) -> Preparation | None:
    rows, columns = slice(one.top, one.bottom), slice(one.left, one.right)
    mask = np.isin(labels[rows, columns], one.labels)
    return prepare_ink(replace(ink, density=ink.density[rows, columns], mask=mask), mask)


def _split_touching(reader: DigitReader, ink: Ink, labels: NDArray[np.int32], found: list[_Found]) -> list[_Found]:
    """Cut characters where the parts are surer than the whole."""
    if not found:
        return found
    usual = float(np.median([one.character.height for one in found]))
    kept: list[_Found] = []
    sure = [one for one in found if one.judged.verdict == "digit"]
    for one in found:
        character = one.character
        # Beside digits of its height it may well be two of them; on its own it is a letter.
        beside = any(_is_like(one.character, other.character) for other in sure if other is not one)
        wide = character.width > WIDE * character.height or (
            beside and one.goodness < 0.5 and character.width > 0.75 * max(character.height, usual)
        )
        kept.extend(_split(reader, ink, labels, one, usual, beside) if wide else [one])
    return kept


def _is_like(one: Character, other: Character) -> bool:
    return min(one.height, other.height) >= LIKE_HEIGHT * max(one.height, other.height)


def _split(
    reader: DigitReader, ink: Ink, labels: NDArray[np.int32], whole: _Found, usual: float, beside: bool
) -> list[_Found]:
    """The parts of a character, if a cut is well placed and every part is a digit; else the whole.

    `beside` digits the parts need not be sure, only surer than the whole.
    """
    one = whole.character
    rows, columns = slice(one.top, one.bottom), slice(one.left, one.right)
    mask = np.isin(labels[rows, columns], one.labels)
    part_of_ink = replace(ink, density=ink.density[rows, columns], mask=mask)
    most = int(np.clip(round(one.width / (0.55 * min(usual, one.height))), 2, 8))
    cuts = [cut for parts in range(2, most + 1) for cut in list_cuts(part_of_ink.density * mask, parts)]
    cut_apart = [_cut_apart(mask, cut) for cut in cuts if max(one.ink for one in cut) <= CUT_INK * one.height]
    places = [(number, part) for number, (_, parts) in enumerate(cut_apart) for part in parts]
    prepared = [_prepare_character(part_of_ink, cut_apart[number][0], part) for number, part in places]
    fields = [preparation.field for preparation in prepared if preparation is not None]
    judged = iter(reader.judge_fields(np.stack(fields)) if fields else [])
    tried: list[list[_Found]] = [[] for _ in cut_apart]
    for (number, part), preparation in zip(places, prepared, strict=True):
        if preparation is not None:
            tried[number].append(_Found(_move(part, one.left, one.top), next(judged)))
    best = [whole]
    for found, (_, parts) in zip(tried, cut_apart, strict=True):
        tallest = max((part.character.height for part in found), default=0)
        good = len(found) == len(parts) > 1 and all(
            (beside or part.judged.verdict == "digit") and part.character.height >= LIKE_HEIGHT * tallest
            for part in found
        )
        if good and min(part.goodness for part in found) > min(part.goodness for part in best):
            best = found
    return best


def _cut_apart(mask: NDArray[np.bool_], seams: tuple[Seam, ...]) -> tuple[NDArray[np.int32], list[Character]]:
    """(labels (height, width) of the parts from 1, the parts with ink) of a character's mask."""
    columns = np.arange(mask.shape[1])[None, :]
    number = np.sum([columns >= seam.columns[:, None] for seam in seams], axis=0) + 1
    labels = np.asarray(number * mask, np.int32)
    parts = []
    for label in range(1, len(seams) + 2):
        box = find_ink_box((labels == label).astype(np.float32))
        if box is not None:
            left, top, width, height = box
            ink = float((labels == label).sum())
            parts.append(Character(left, top, left + width, top + height, (label,), ink))
    return labels, parts


def _move(one: Character, left: int, top: int) -> Character:
    return replace(one, left=one.left + left, right=one.right + left, top=one.top + top, bottom=one.bottom + top)


def _take_digits(reader: DigitReader, found: list[_Found]) -> list[_Found]:
    """The characters that are digits, and those that may be and stand in a line with two or more."""
    sure = [one for one in found if one.judged.verdict != "not_a_digit"]
    if len(sure) < 2:
        return sure
    usual = float(np.median([one.character.height for one in sure]))
    doubtful = {
        one.character: one
        for one in found
        if one.judged.verdict == "not_a_digit"
        and one.judged.rubbish_score < reader.rubbish_score + LINE_ODDS
        and 0.6 < one.character.height / usual < 1.6
    }
    taken = list(sure)
    for line in sort_to_lines([*(one.character for one in sure), *doubtful]):
        if sum(character not in doubtful for character in line) >= 2:
            taken += [
                replace(doubtful[character], judged=replace(doubtful[character].judged, verdict="unsure"))
                for character in line
                if character in doubtful
            ]
    return taken


def _drop_strays(taken: list[_Found], found: list[_Found], side: int) -> list[_Found]:
    """Without specks and letters that pass for a digit: small ones alone, and few of them among other signs.

    `side` is the page's longer one in pixels.
    """
    digits = {one.character: one.judged.digit for one in taken}
    everything = [one.character for one in found]
    dropped: set[Character] = set()
    for line in sort_to_lines(everything):
        runs = [list(run) for is_digit, run in itertools.groupby(line, key=digits.__contains__) if is_digit]
        among_words = sum(map(len, runs)) < 0.6 * len(line)
        for run in runs:
            # Specks are short strokes: on their own, or in a row of nothing but 1s.
            strokes = len(run) < 2 or {digits[one] for one in run} == {1}
            small = strokes and max(one.height for one in run) < LEAST_LONE_HEIGHT * side
            if small or (among_words and len(run) < RUN):
                dropped.update(run)
    # A page of which little can be read has marks, not digits.
    if len(digits.keys() - dropped) < 2 and len(found) > 3:
        return []
    return [one for one in taken if one.character not in dropped]


def _arrange(
    reader: DigitReader, found: list[_Found], turn: int, scale: float, shape: tuple[int, ...], side: int
) -> PageReading:
    digits = {one.character: one for one in _drop_strays(_take_digits(reader, found), found, side)}
    marks = [replace(one, judged=replace(one.judged, verdict="not_a_digit")) for one in found
             if one.character not in digits]  # fmt: skip
    lines = sort_to_lines(list(digits))
    arranged = [
        _describe(digits[character], number, turn, scale, shape)
        for number, line in enumerate(lines)
        for character in line
    ]
    texts = tuple("".join(str(digits[character].judged.digit) for character in line) for line in lines)
    others = [_describe(one, None, turn, scale, shape) for one in marks]
    return PageReading("\n".join(texts), texts, (*arranged, *others), turn, reader.model)


def _describe(one: _Found, line: int | None, turn: int, scale: float, shape: tuple[int, ...]) -> PageDigit:
    character, judged = one.character, one.judged
    box = (character.left, character.top, character.width, character.height)
    left, top, width, height = (round(length / scale) for length in box)
    # Back to the image as it was given.
    if turn == 90:
        left, top, width, height = top, shape[0] - left - width, height, width
    elif turn == 270:
        left, top, width, height = shape[1] - top - height, left, height, width
    return PageDigit(judged.digit, judged.verdict, judged.confidence, judged.probabilities, judged.not_a_digit,
                     (left, top, max(1, width), max(1, height)), line)  # fmt: skip
