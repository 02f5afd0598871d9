"""What becomes of values out of range, which is where half of every edge lies."""

import numpy as np
from numpy.typing import NDArray

from kernels.settings import Response

Planes = NDArray[np.float32]


def respond(values: Planes, response: Response, maximum: float, lowest: float, highest: float) -> Planes:
    """Bring values into 0..maximum, except for `raw`. `lowest` and `highest` are those of the pixels that are seen."""
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
    """Smallest and largest value, and the percentage that `respond` will cut off (by more than rounding does)."""
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
