"""Array types of the package. A NumPy type carries only the dtype; these names carry shape and range."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[Any]  # (height, width[, 1..4]): bool, uint8, uint16 or float in 0..1
Grey = NDArray[np.float32]  # (height, width) in 0..1
Mask = NDArray[np.bool_]  # (height, width)
Labels = NDArray[np.int32]  # (height, width): the connected component of each pixel, 0 for the background

Field = NDArray[np.float32]  # (28, 28) in 0..1, 1 is full ink
Fields = NDArray[np.float32]  # (n, 28, 28) in 0..1
ByteField = NDArray[np.uint8]  # (28, 28), 255 is full ink
ByteFields = NDArray[np.uint8]  # (n, 28, 28)

Values = NDArray[np.float32]  # any shape and range: weights, logits, feature maps
Weights = list[NDArray[np.floating]]  # of a network, in the order of its layers

Box = tuple[int, int, int, int]  # left, top, width, height in pixels
