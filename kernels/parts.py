"""The parts of a kernel: each slid over the image and divided, then put together."""

from typing import cast

import numpy as np
from numpy.typing import NDArray

from kernels.apply import conv2d as engine
from kernels.apply.separable import Factors
from kernels.chain import Step
from kernels.kernel import Weights

Planes = NDArray[np.float32]


def divide_all(sums: list[Planes], divisor: np.float32) -> list[Planes]:
    return sums if divisor == 1 else [total / divisor for total in sums]


def slide(padded: Planes, weights: Weights, factors: Factors | None, step: Step) -> Planes:
    """In one pass, or with `factors` in passes along y and x."""
    if factors is None:
        return engine.correlate(padded, weights, step.settings.stride, step.settings.dilation)
    return engine.correlate_factors(padded, factors, step.settings.stride, step.settings.dilation)


def combine(answers: list[Planes], how: str) -> Planes:
    """Put the answers of the parts of a kernel together."""
    if how == "magnitude":
        return cast(Planes, np.sqrt(sum(answer**2 for answer in answers)))
    if how == "maximum":
        return np.maximum.reduce(answers)
    return answers[0]
