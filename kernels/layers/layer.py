"""What a layer computes: a convolution over all maps, a ReLU, or pooling.

A map is one channel between two layers. Sides and strides are in pixels, as (y, x).
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kernels.errors import KernelParameterError
from kernels.kernel import MAX_SIDE

LayerWeights = NDArray[np.float32]
"""(height, width, inputs, outputs), as written: the order of `tf.nn.conv2d`, which does not flip them."""
PoolingKind = Literal["max", "average", "min"]

MAX_LAYER_WEIGHTS = 100_000


@dataclass(frozen=True, eq=False)
class Convolution:
    """`tf.nn.conv2d`: each output is a weighted sum over the window and over all inputs, plus a bias."""

    weights: LayerWeights
    bias: tuple[float | str, ...] = (0.0,)
    """One for all outputs or one for each, in pixel units or as a percentage of the range."""
    is_rectified: bool = False
    """Whether a ReLU follows."""
    linear_weights: LayerWeights | None = None
    """The weights for linear light, if they differ."""

    def __post_init__(self) -> None:
        if len(self.bias) not in (1, self.outputs):
            raise KernelParameterError(
                "bias",
                f"bias has {len(self.bias)} numbers and the layer {self.outputs} outputs; use one number, or "
                f"{self.outputs}.",
            )

    @property
    def inputs(self) -> int:
        return int(self.weights.shape[2])

    @property
    def outputs(self) -> int:
        return int(self.weights.shape[3])

    @property
    def size(self) -> tuple[int, int]:
        return int(self.weights.shape[0]), int(self.weights.shape[1])

    @property
    def parameters(self) -> int:
        """Weights and biases, as the lecture counts them."""
        return int(self.weights.size) + (self.outputs if self.has_bias else 0)

    @property
    def has_bias(self) -> bool:
        return any(bias not in (0.0, "0%") for bias in self.bias)


@dataclass(frozen=True)
class Rectifier:
    """`tf.nn.relu`: negative values become 0."""

    parameters = 0
    size = (1, 1)


@dataclass(frozen=True)
class Pooling:
    """`tf.nn.max_pool2d`, `tf.nn.avg_pool2d`, or the smallest value of each window. Each map on its own."""

    kind: PoolingKind
    size: tuple[int, int]
    stride: tuple[int, int]
    parameters = 0

    def __post_init__(self) -> None:
        if not all(1 <= side <= MAX_SIDE for side in self.size):
            raise KernelParameterError(
                "size", f"The window is {self.size[0]}x{self.size[1]} (y,x); each side may be 1 to {MAX_SIDE}."
            )


@dataclass(frozen=True)
class Selection:
    """Some of the maps, by their numbers from 0, in this order."""

    maps: tuple[int, ...]
    parameters = 0
    size = (1, 1)

    @property
    def outputs(self) -> int:
        return len(self.maps)

    def check(self, count: int) -> None:
        """Raise KernelParameterError if a number is not one of `count` maps."""
        if max(self.maps) >= count:
            raise KernelParameterError(
                "maps", f"maps has the number {max(self.maps)}; the result has {count} maps, 0 to {count - 1}."
            )


Layer = Convolution | Rectifier | Pooling | Selection


def describe_kind(layer: Layer) -> str:
    """`conv`, `relu`, `max-pool`, `average-pool`, `min-pool` or `select`."""
    if isinstance(layer, Pooling):
        return f"{layer.kind}-pool"
    return {Convolution: "conv", Rectifier: "relu", Selection: "select"}[type(layer)]


def make_convolution(weights: Any, **fields: Any) -> Convolution:
    """A convolution with (height, width, inputs, outputs) of any dtype."""
    return Convolution(np.ascontiguousarray(weights, np.float32), **fields)
