"""Types of options that tasks, routes and commands share."""

from typing import Literal

Polarity = Literal["auto", "dark", "light"]
"""Polarity of the ink."""
MapLayer = Literal["conv1", "pool1", "conv2", "pool2"]
"""A layer of the digit network that has feature maps."""
