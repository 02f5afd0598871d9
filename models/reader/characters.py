"""Recognize the characters of a page, and cut wide ones that are several touching digits."""

from dataclasses import dataclass, replace

import numpy as np

from models.reader.binarize import Ink
from models.reader.classifier import FieldClassifier
from models.reader.preprocess import Preparation, prepare_ink
from models.reader.results import Classification
from models.reader.segmentation import Character
from models.reader.touching import find_best_path, list_parts, move
from models.types import Labels

SIMILAR_HEIGHT = 0.55  # of the tallest, at least, for digits of one line
WIDE = 1.15  # width over height, above which a character may be touching digits
WIDE_BESIDE_DIGITS = 0.75  # the same for a doubtful character beside digits of its height
MIN_PART_GOODNESS = 0.5  # of each part of a character beside digits
MIN_GOODNESS_OF_TWO = 0.95  # the same if the character is no wider than a letter
MAX_STROKES = 0.5  # of the parts, for 1s: letters can be cut into strokes that look like them


@dataclass(frozen=True)
class RecognizedCharacter:
    character: Character
    classification: Classification

    @property
    def goodness(self) -> float:
        return self.classification.goodness


def recognize_characters(
    classifier: FieldClassifier, ink: Ink, labels: Labels, characters: list[Character], max_parts: int
) -> list[RecognizedCharacter]:
    """Classify the characters of a page in one batch, then cut touching digits. Characters without ink are dropped.

    At most about `max_parts` parts of touching digits are classified, those of the characters with the most ink.
    """
    found = classify_characters(classifier, ink, labels, characters)
    return split_touching(classifier, ink, labels, found, max_parts) if found else []


def classify_characters(
    classifier: FieldClassifier, ink: Ink, labels: Labels, characters: list[Character]
) -> list[RecognizedCharacter]:
    """Classify the characters of a page in one batch. Characters without ink are dropped."""
    prepared = [(one, prepare_character(ink, labels, one)) for one in characters]
    kept = [(one, preparation) for one, preparation in prepared if preparation is not None]
    if not kept:
        return []
    classified = classifier.classify(np.stack([preparation.field for _, preparation in kept]))
    return [RecognizedCharacter(one, result) for (one, _), result in zip(kept, classified, strict=True)]


def prepare_character(ink: Ink, labels: Labels, character: Character) -> Preparation | None:
    part = cut_out(ink, labels, character)
    return prepare_ink(part, part.mask)


def cut_out(ink: Ink, labels: Labels, character: Character) -> Ink:
    """The ink inside a character's box, with a mask of the character's own pieces."""
    rows, columns = slice(character.top, character.bottom), slice(character.left, character.right)
    return replace(ink, density=ink.density[rows, columns], mask=np.isin(labels[rows, columns], character.labels))


def split_touching(
    classifier: FieldClassifier, ink: Ink, labels: Labels, found: list[RecognizedCharacter], max_parts: int
) -> list[RecognizedCharacter]:
    """Replace wide characters by their parts where these are better digits than the whole."""
    typical = float(np.median([one.character.height for one in found]))
    sure = [one for one in found if one.classification.verdict == "digit"]
    kept: list[RecognizedCharacter] = []
    left = max_parts
    for one in sorted(found, key=lambda one: -one.character.ink):
        character = one.character
        # Beside digits of its height, a wide character may be two digits; alone, it is more likely a letter.
        beside = any(are_similar(character, other.character) for other in sure if other is not one)
        wide = character.width > WIDE * character.height or (
            beside and one.goodness < 0.5 and character.width > WIDE_BESIDE_DIGITS * max(character.height, typical)
        )
        high = character.height >= SIMILAR_HEIGHT * typical  # unlike an infinity sign or a wave
        if wide and high and left > 0:
            parts, tried = split(classifier, cut_out(ink, labels, character), one, typical, beside)
            kept, left = kept + parts, left - tried
        else:
            kept.append(one)
    return kept


def are_similar(one: Character, other: Character) -> bool:
    """Whether two characters have about the same height."""
    return min(one.height, other.height) >= SIMILAR_HEIGHT * max(one.height, other.height)


def split(
    classifier: FieldClassifier, ink: Ink, whole: RecognizedCharacter, typical: float, beside: bool
) -> tuple[list[RecognizedCharacter], int]:
    """(the digits of which a character consists if each of them is likelier than the whole, otherwise the whole;
    the number of parts that were classified).

    `ink` is cut out for the character. With `beside`, a part may be unsure, but it is likelier a digit than not.
    """
    character = whole.character
    digit_height = min(typical, character.height)
    parts, seams = list_parts(ink.density, ink.mask, digit_height, SIMILAR_HEIGHT * digit_height)
    prepared = [prepare_character(ink, part.labels, part.character) for part in parts]
    kept = [(part, one) for part, one in zip(parts, prepared, strict=True) if one is not None]
    classified = classifier.classify(np.stack([one.field for _, one in kept])) if kept else []
    min_goodness = MIN_PART_GOODNESS if beside else classifier.strictness
    if character.width <= WIDE * character.height:
        min_goodness = MIN_GOODNESS_OF_TWO
    valid = [
        (part, RecognizedCharacter(move(part.character, character.left, character.top), result))
        for (part, _), result in zip(kept, classified, strict=True)
        if result.goodness >= min_goodness
    ]
    goodness = [one.goodness for _, one in valid]
    path = find_best_path([part for part, _ in valid], goodness, seams, ink.mask, digit_height)
    digits = [valid[index][1] for index in path]
    strokes = sum(one.classification.digit == 1 for one in digits)
    tallest = max((one.character.height for one in digits), default=0)
    better = bool(digits) and min(one.goodness for one in digits) > whole.goodness
    similar = all(one.character.height >= SIMILAR_HEIGHT * tallest for one in digits)
    return (digits if better and similar and strokes <= MAX_STROKES * len(digits) else [whole]), len(kept)
