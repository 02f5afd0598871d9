"""Array types. The name tells the shape and the range of the values; NumPy checks the dtype."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[Any]
"""(height, width, channels) uint8 (0..255), uint16 (0..65535) or float32 (0..255).

The channels are 1 grey, 2 grey + alpha, 3 RGB or 4 RGBA. Alpha is straight, not premultiplied.
"""
Planes = NDArray[np.float32]
"""(height, width, channels) in pixel units: 0..255, or 0..65535 for a 16-bit image. Values may be out of range."""
Mask = NDArray[np.bool_]
Weights = NDArray[np.float64]
"""(rows, columns)."""
Patches = NDArray[np.float64]
"""(n, size²): what a kernel of size × size covers at n positions, row by row."""
Vector = NDArray[np.float64]
"""(n,)."""
Matrix = NDArray[np.float64]
"""(m, n)."""
