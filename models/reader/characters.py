"""Recognize the characters of a page, and cut wide ones that are several touching digits."""

from dataclasses import dataclass, replace

import numpy as np

from models.mnist_field import find_ink_box
from models.reader.binarize import Ink
from models.reader.classifier import FieldClassifier
from models.reader.preprocess import Preparation, prepare_ink
from models.reader.results import Classification
from models.reader.seams import Seam, list_cuts
from models.reader.segmentation import Character
from models.types import Labels, Mask

SIMILAR_HEIGHT = 0.55  # of the tallest, at least, for digits of one line
MAX_CUT_INK = 0.45  # of the character's height: touching digits share little ink
WIDE = 1.15  # width over height, above which a character may be touching digits
WIDE_BESIDE_DIGITS = 0.75  # the same for a doubtful character beside digits of its height
DIGIT_WIDTH = 0.55  # of its height, for the number of digits that fit in a character
MAX_PARTS = 8
MIN_PART_GOODNESS = 0.5  # of each part of a character beside digits


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
        if wide and left > 0:
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
    """(the parts of a character if a cut goes through little ink and each part is a digit, otherwise the whole;
    the number of parts that were classified).

    `ink` is cut out for the character. With `beside`, a part may be unsure, but it is likelier a digit than not.
    """
    character = whole.character
    most = int(np.clip(round(character.width / (DIGIT_WIDTH * min(typical, character.height))), 2, MAX_PARTS))
    cuts = [cut for parts in range(2, most + 1) for cut in list_cuts(ink.density * ink.mask, parts)]
    clean = [cut for cut in cuts if max(seam.ink for seam in cut) <= MAX_CUT_INK * character.height]
    pieces = [cut_apart(ink.mask, cut) for cut in clean]
    parts = [(number, part) for number, (_, parts) in enumerate(pieces) for part in parts]
    prepared = [prepare_character(ink, pieces[number][0], part) for number, part in parts]
    fields = [preparation.field for preparation in prepared if preparation is not None]
    classified = iter(classifier.classify(np.stack(fields)) if fields else [])
    candidates: list[list[RecognizedCharacter]] = [[] for _ in pieces]
    for (number, part), preparation in zip(parts, prepared, strict=True):
        if preparation is not None:
            moved = move(part, character.left, character.top)
            candidates[number].append(RecognizedCharacter(moved, next(classified)))
    best = [whole]
    for candidate, (_, cut_parts) in zip(candidates, pieces, strict=True):
        tallest = max((part.character.height for part in candidate), default=0)
        valid = len(candidate) == len(cut_parts) > 1 and all(
            (part.classification.verdict == "digit" or (beside and part.goodness >= MIN_PART_GOODNESS))
            and part.character.height >= SIMILAR_HEIGHT * tallest
            for part in candidate
        )
        if valid and min(part.goodness for part in candidate) > min(part.goodness for part in best):
            best = candidate
    return best, len(fields)


def cut_apart(mask: Mask, seams: tuple[Seam, ...]) -> tuple[Labels, list[Character]]:
    """(labels (height, width) of the parts, counted from 1; the parts that have ink) of a character's mask."""
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


def move(one: Character, left: int, top: int) -> Character:
    return replace(one, left=one.left + left, right=one.right + left, top=one.top + top, bottom=one.bottom + top)
