"""Types of options that tasks, routes and commands share."""

from typing import Literal

import msgspec

Polarity = Literal["auto", "dark", "light"]
"""Polarity of the ink."""
MapLayer = Literal["conv1", "pool1", "conv2", "pool2"]
"""A layer of the digit network that has feature maps."""


class ReadingOptions(msgspec.Struct, frozen=True):
    """How digits are read, one or a page of them."""

    polarity: Polarity = "auto"
    strictness: float | None = None
    """The probability that a digit needs to be accepted, 0..1; None: that of the model's card."""


AS_USUAL = ReadingOptions()


class ClassifyParams(msgspec.Struct, frozen=True):
    """Of the task `classify`."""

    reading: ReadingOptions = AS_USUAL
    preview: bool = False
    features: bool = False
    classes: str | None = None
    """A class file (`models.class_head`) as JSON."""
