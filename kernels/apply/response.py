"""From the sums of a kernel to pixel values: divide them, combine the parts and bring the values into range."""

from typing import cast

import numpy as np

from kernels.kernel import Combine
from kernels.settings import Response
from kernels.types import Planes


def divide_sums(sums: list[Planes], divisor: np.float32) -> list[Planes]:
    """Divide the sums of each part."""
    return sums if divisor == 1 else [total / divisor for total in sums]


def combine_parts(results: list[Planes], combine: Combine) -> Planes:
    """Combine the results of the parts of a kernel."""
    if combine == "magnitude":
        return cast(Planes, np.sqrt(sum(result**2 for result in results)))
    if combine == "maximum":
        return np.maximum.reduce(results)
    return results[0]


def apply_response(values: Planes, response: Response, maximum: float, lowest: float, highest: float) -> Planes:
    """Bring values into 0..maximum, except for `raw`.

    `lowest` and `highest` are the range of the values of visible pixels.
    """
    if response == "raw":
        return values
    if response == "abs":
        values = np.abs(values)
    elif response == "offset":
        values = np.float32(0.5) * values + np.float32((maximum + 1) / 2)
    elif response == "rescale":
        spread = highest - lowest
        return (values - lowest) * (np.float32(maximum / spread)) if spread > 0 else np.zeros_like(values)
    if lowest >= 0 and highest <= maximum and response == "clip":
        return values
    return np.clip(values, 0, np.float32(maximum))


def measure_range(values: Planes, response: Response, maximum: float) -> tuple[float, float, float]:
    """The smallest and the largest value, and the percentage that `apply_response` clips by more than rounding does."""
    if values.size == 0:
        return 0.0, 0.0, 0.0
    lowest, highest = float(values.min()), float(values.max())
    if response in ("raw", "rescale"):
        return lowest, highest, 0.0
    floor, ceiling = -0.5, maximum + 0.5
    if response == "abs":
        floor = -ceiling
    elif response == "offset":
        floor, ceiling = -(maximum + 1) - 1, maximum
    clipped = np.count_nonzero(values < floor) if lowest < floor else 0
    clipped += np.count_nonzero(values >= ceiling) if highest >= ceiling else 0
    return lowest, highest, 100 * clipped / values.size
