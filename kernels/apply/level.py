"""A constant that is subtracted before a result is stretched, so that its rounding errors are not stretched with it.

`rescale` divides by the range of the results. For a uniform image under a kernel that sums to 0 this range is rounding
error alone. Correlation is linear, so a constant level can be subtracted from the image and, times the sum of the
weights, added to the result: a uniform image becomes exactly 0. What all channels have in common need not be added, as
`rescale` subtracts it again.
"""

import numpy as np

from kernels.chain import Step
from kernels.types import Planes

NOISE = 2.0**-18
"""Relative to the largest value: 32 units in the last place of float32, which earlier steps of a chain can leave."""


def find_level(colours: Planes, alpha: Planes | None, step: Step) -> Planes | None:
    """A visible colour (1, 1, channels) of the image, or None if the step is not linear or does not need it.

    With the border `zero` the edges of a uniform image are results of their own.
    """
    if step.response != "rescale" or step.settings.border == "zero":
        return None
    is_linear = step.kernel.combine == "single" or all(abs(part.sum()) < 1e-9 for part in step.weights)
    divides_by_coverage = alpha is not None and step.settings.alpha == "filter" and step.sum != 1
    if not is_linear or divides_by_coverage:
        return None
    row, column = (0, 0) if alpha is None else np.unravel_index(int(alpha.argmax()), alpha.shape[:2])
    return colours[row, column][None, None]


def subtract_level(colours: Planes, alpha: Planes | None, level: Planes) -> Planes:
    """The differences from the level; 0 if those of visible colours are no larger than rounding errors."""
    differences = colours - level
    visible = differences if alpha is None else differences[alpha[:, :, 0] > 0]
    if visible.size == 0 or np.abs(visible).max() <= NOISE * np.abs(level).max():
        return np.zeros_like(differences)
    return differences
