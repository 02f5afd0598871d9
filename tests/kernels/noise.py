"""Images of noise."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def draw_noise(seed: int, *shape: int, dtype: Any = np.uint8) -> NDArray[Any]:
    """Uniform over the range of uint8 or uint16; float32 is 0..255."""
    generator = np.random.default_rng(seed)
    if dtype == np.float32:
        return generator.uniform(0, 255, shape).astype(np.float32)
    return generator.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)
