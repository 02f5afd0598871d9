"""What the reader returns: classifications of fields, readings of single digits and of pages."""

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.types import Box, Field


@dataclass(frozen=True)
class Alternative:
    """Another digit that the image may show."""

    digit: int
    probability: float


@dataclass(frozen=True)
class Classification:
    """The network's answer for one field."""

    verdict: str  # "digit", "unsure" or "not_a_digit"
    digit: int
    confidence: float  # calibrated: of the digits with confidence 0.9, nine in ten are right
    probabilities: tuple[float, ...]  # of the ten digits, given that the field is a digit
    not_a_digit_score: float  # log odds of "not a digit" against the ten digits together

    @property
    def not_a_digit(self) -> float:
        """The probability of the network's eleventh output, 0..1."""
        return 1 / (1 + math.exp(min(max(-self.not_a_digit_score, -700.0), 700.0)))

    @property
    def goodness(self) -> float:
        """The probability that the field shows `digit`, 0..1."""
        return self.confidence * (1 - self.not_a_digit)


@dataclass(frozen=True)
class PreprocessingSteps:
    """What preprocessing found and did. Lengths are in pixels of the image unless stated otherwise."""

    polarity: str  # of the ink: "dark" or "light"
    contrast: float  # between full ink and paper, 0..1
    ink_share: float  # of the image's pixels, 0..1
    box: Box
    stroke_width: float  # in pixels of the 20-pixel box, before thickening
    as_is: bool = False  # the image was a normalized MNIST field already


@dataclass(frozen=True)
class Reading:
    """The answer for an image of one digit. `digit`, `box` and `steps` are None if the image is blank."""

    verdict: str  # "digit", "unsure", "not_a_digit" or "blank"
    digit: int | None
    confidence: float
    probabilities: tuple[float, ...]
    alternatives: tuple[Alternative, ...]
    box: Box | None  # in pixels of the image
    steps: PreprocessingSteps | None
    model: str
    seen: Field | None = None  # the network's input
    stages: dict[str, NDArray[np.uint8]] = field(default_factory=dict)  # grey images of the preprocessing
    not_a_digit: float = 1.0  # probability, 0..1
    other_pieces: int = 0  # of a digit's size, beside the digit; if there are any, the verdict is at most "unsure"


@dataclass(frozen=True)
class PageDigit:
    """One character of a page. With the verdict "not_a_digit", `digit` is still the best guess."""

    digit: int
    verdict: str  # "digit", "unsure" or "not_a_digit"
    confidence: float
    probabilities: tuple[float, ...]
    not_a_digit: float  # probability, 0..1
    box: Box  # in pixels of the image
    line: int | None  # line number from 0; None outside the lines of digits


@dataclass(frozen=True)
class PageReading:
    """The answer for an image of several digits. `text` has one line of digits for each line of the page."""

    text: str
    lines: tuple[str, ...]
    digits: tuple[PageDigit, ...]  # in reading order with the marks among them, then those outside the lines
    turned: int  # degrees clockwise by which the page was rotated before reading
    model: str
    reason: Literal["text_like"] | None = (
        None  # why nothing was read: "text_like" if most of many characters are not digits
    )
