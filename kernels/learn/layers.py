"""Two layers that turn one image into another: a convolution, ReLU, and a convolution of 1×1.

Training uses scaled values, in which arithmetic in float32 is well conditioned: (value - CENTRE) / UNIT. The document
for `POST /filter` has pixel units.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.colour import LUMA
from kernels.quiet_tensorflow import import_tensorflow

CENTRE, UNIT = 127.5, 64.0
"""Grey levels."""
SIGNIFICANT_DIGITS = 7
"""Of the numbers of a document: those of float32."""

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Layers:
    """The parameters of both layers, for scaled values or for grey levels of 0..255."""

    filters: Array
    """(rows, columns, inputs, n): the first layer, in TensorFlow's order."""
    biases: Array
    """(n,)."""
    mix: Array
    """(n, outputs): the second layer."""
    offsets: Array
    """(outputs,): the biases of the second layer."""

    @property
    def arrays(self) -> tuple[Array, Array, Array, Array]:
        return self.filters, self.biases, self.mix, self.offsets

    @property
    def parameter_count(self) -> int:
        return sum(array.size for array in self.arrays)


def apply_layers(arrays: Any, inputs: Any) -> Any:
    """The outputs (n, height, width, outputs) for inputs (n, height + rows - 1, width + columns - 1, inputs).

    `arrays`: those of `Layers`, as arrays or tensors. The result is a tensor.
    """
    tf = import_tensorflow()

    filters, biases, mix, offsets = arrays
    hidden = tf.nn.relu(tf.nn.conv2d(inputs, filters, 1, "VALID") + biases)
    return tf.nn.conv2d(hidden, mix[None, None], 1, "VALID") + offsets


def scale_values(levels: NDArray[Any]) -> Array:
    """Convert grey levels of 0..255 to scaled values."""
    return ((levels - CENTRE) / UNIT).astype(np.float32)


def restore_levels(values: NDArray[Any]) -> NDArray[np.float64]:
    """The grey levels of scaled values."""
    return values.astype(np.float64) * UNIT + CENTRE


def convert_to_levels(layers: Layers) -> Layers:
    """The same layers for grey levels, with numbers that are rounded as in a document.

    ReLU(UNIT · h) = UNIT · ReLU(h), so the weights stay the same.
    """
    sums = layers.filters.sum(axis=(0, 1, 2), dtype=np.float64)
    biases = UNIT * layers.biases.astype(np.float64) - CENTRE * sums
    offsets = UNIT * layers.offsets.astype(np.float64) + CENTRE
    return Layers(*(round_numbers(array) for array in (layers.filters, biases, layers.mix, offsets)))


def round_numbers(array: NDArray[Any]) -> Array:
    """Round to SIGNIFICANT_DIGITS."""
    flat = [float(f"{number:.{SIGNIFICANT_DIGITS}g}") for number in array.ravel()]
    return np.array(flat, np.float32).reshape(array.shape)


def describe_operations(layers: Layers, file_channels: tuple[int, int], white: int) -> list[dict[str, Any]]:
    """The steps of `POST /filter` that apply layers for grey levels. Weights are [output][input][row][column].

    `file_channels`: colour channels of the images before and after, 1 or 3. `white`: 255, or 65535 for 16 bits.
    Layers with one input and one output see each channel on its own: for an image in colour, the filters are repeated
    for each channel, with weights of 0 for the other channels.
    """
    weights = np.moveaxis(layers.filters, (2, 3), (1, 0)).astype(np.float64)  # (n, inputs, rows, columns)
    mix = layers.mix.T.astype(np.float64)  # (outputs, n)
    biases = layers.biases.astype(np.float64) * (white / 255)
    offsets = layers.offsets.astype(np.float64) * (white / 255)
    before, after = file_channels
    if weights.shape[1] == 1 and before == after == 3:
        weights = np.concatenate([weights * np.eye(3)[channel][:, None, None] for channel in range(3)])
        biases, offsets = np.tile(biases, 3), np.tile(offsets, 3)
        mix = np.kron(np.eye(3), mix).astype(np.float64)
    elif weights.shape[1] == 1 and before == 3:
        weights = weights * LUMA.astype(np.float64)[:, None, None]
    return [
        {
            "kernel": "conv",
            "weights": list_numbers(weights),
            "layout": "oihw",
            "bias": list_numbers(biases),
            "border": "edge",
        },
        {"kernel": "relu"},
        {"kernel": "conv", "weights": list_numbers(mix), "bias": list_numbers(offsets)},
    ]


def list_numbers(array: NDArray[Any]) -> Any:
    """Nested lists, with numbers of SIGNIFICANT_DIGITS: whole numbers as int."""
    if array.ndim > 1:
        return [list_numbers(part) for part in array]
    rounded = [float(f"{number:.{SIGNIFICANT_DIGITS}g}") + 0.0 for number in array]
    return [int(number) if number == int(number) else number for number in rounded]
