"""The setting `exact=false`: how far the values of a step may be from the exact ones."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from kernels.chain import AnyStep, Step

TOLERANCE_LEVELS = 0.45
"""Of the half level that is allowed. The rest is for rounding errors of float32."""


def set_tolerances(steps: Sequence[AnyStep], channels: int, dtype: np.dtype[Any], linear: bool) -> list[AnyStep]:
    """The steps with the `tolerance` that each has for images of this kind."""
    adapted: list[AnyStep] = []
    in_range, after_layer = dtype != np.float32, False
    for step in steps:
        if not isinstance(step, Step):
            adapted.append(step)
            after_layer = True
            continue
        tolerates = (
            step.kernel.is_long
            and not step.settings.exact
            and in_range
            and not after_layer  # values between layers are not pixels
            and channels in (1, 3)  # alpha divides the error
            and not linear  # 1 level of dark light is 13 of sRGB
            and step.response != "rescale"
        )
        levels = TOLERANCE_LEVELS * abs(step.divisor) / float(np.iinfo(dtype).max) if tolerates else 0.0
        adapted.append(replace(step, tolerance=levels) if tolerates else step)
        in_range = dtype != np.float32 and step.response != "raw"
    return adapted
