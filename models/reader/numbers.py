"""Choose, line by line, which characters of a page are digits and which are marks: operators, letters, specks."""

import itertools
from dataclasses import replace

import numpy as np

from models.reader.characters import RecognizedCharacter
from models.reader.segmentation import Character, sort_to_lines

LINE_ODDS = 4.0  # log odds for a digit that a position in a line of digits adds
TYPICAL_HEIGHTS = (0.6, 1.6)  # of the median height, for a doubtful character in a line of digits
MIN_LONE_HEIGHT = 0.03  # of the page's longer side, for a digit on its own; smaller ones are specks
MIN_RUN = 3  # consecutive digits in a line of other characters
STROKES = {1, 7}  # digits that strokes of letters look like
MIN_DIGIT_SHARE = 0.5  # of a line's characters; in other lines only runs of digits are read
MARK_GAP = 2.0  # of a digit's height, at most, between a mark and the line of digits that it belongs to


def choose_digits(found: list[RecognizedCharacter], reject_score: float, side: int) -> list[RecognizedCharacter]:
    """The characters of a page that are digits. `side` is the page's longer side in pixels."""
    return drop_strays(select_digits(found, reject_score), found, side)


def select_digits(found: list[RecognizedCharacter], reject_score: float) -> list[RecognizedCharacter]:
    """The digits, and the doubtful characters in a line with digits."""
    digits = [one for one in found if one.classification.verdict != "not_a_digit"]
    if not digits:
        return []
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
        if any(character not in doubtful for character in line):
            selected += [change_verdict(doubtful[character], "unsure") for character in line if character in doubtful]
    return selected


def drop_strays(
    selected: list[RecognizedCharacter], found: list[RecognizedCharacter], side: int
) -> list[RecognizedCharacter]:
    """The selected digits without isolated specks, strokes of letters, and short runs in a line of other characters."""
    digits = {one.character: one.classification.digit for one in selected}
    dropped: set[Character] = set()
    for line in sort_to_lines([one.character for one in found]):
        runs = [list(run) for is_digit, run in itertools.groupby(line, key=digits.__contains__) if is_digit]
        among_words = sum(map(len, runs)) < MIN_DIGIT_SHARE * len(line)
        for run in runs:
            # Specks look like 1s: alone, or in a run of 1s only.
            may_be_specks = len(run) < 2 or {digits[one] for one in run} == {1}
            small = may_be_specks and max(one.height for one in run) < MIN_LONE_HEIGHT * side
            strokes = sum(digits[one] in STROKES for one in run)
            if small or (among_words and (len(run) < MIN_RUN or strokes > len(run) / 2)):
                dropped.update(run)
    # A lone digit among several other characters is a coincidence.
    if len(digits.keys() - dropped) < 2 and len(found) > 3:
        return []
    return [one for one in selected if one.character not in dropped]


def change_verdict(one: RecognizedCharacter, verdict: str) -> RecognizedCharacter:
    return replace(one, classification=replace(one.classification, verdict=verdict))


def place_marks(lines: list[list[Character]], marks: list[Character]) -> list[list[Character]]:
    """The lines with the marks that stand in or beside them, in reading order."""
    placed = [list(line) for line in lines]
    for mark in marks:
        middle = (mark.top + mark.bottom) / 2
        near = []
        for number, line in enumerate(lines):
            digit = min(line, key=lambda one: find_gap(one, mark))
            gap = find_gap(digit, mark)
            if gap <= MARK_GAP * digit.height and digit.top <= middle <= digit.bottom:
                near.append((gap, number))
        if near:
            placed[min(near)[1]].append(mark)
    return [sorted(line, key=lambda one: one.left) for line in placed]


def find_gap(one: Character, other: Character) -> int:
    """The horizontal distance in pixels; 0 if they overlap."""
    return max(one.left - other.right, other.left - one.right, 0)
