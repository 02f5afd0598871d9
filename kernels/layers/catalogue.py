"""The table of layers: those that a request describes, pooling, and named colour matrices."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kernels.colour import LUMA, LUMINANCE
from kernels.errors import KernelParameterError
from kernels.layers import colour_matrices
from kernels.layers.colour_matrices import to_filters
from kernels.layers.layer import Layer, Pooling, PoolingKind, Rectifier, Selection, make_convolution
from kernels.layers.weights import parse_layer_weights
from kernels.parameter import Parameter
from kernels.settings import FilterSettings

CONV = "conv"
"""The name of a layer whose weights are in the request."""
CONVOLUTION_SETTINGS = frozenset({"stride", "dilation", "border", "channels", "response"})
POOLING_SETTINGS = frozenset({"size", "stride", "border", "alpha", "response"})


@dataclass(frozen=True)
class LayerEntry:
    """A row of the table: a name, and how a layer is made from settings."""

    name: str
    title: str
    make: Callable[[FilterSettings], Layer]
    accepts: frozenset[str]
    """The settings that the layer has."""
    source: str = "TensorFlow"
    parameters: tuple[Parameter, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """Of settings whose default differs from that of kernels."""


def make_requested(settings: FilterSettings) -> Layer:
    """The convolution of a request. Raises KernelParameterError."""
    bias = settings.bias if isinstance(settings.bias, tuple) else (settings.bias,)
    return make_convolution(parse_layer_weights(settings.weights, settings.layout), bias=bias)


def pooling(name: str, title: str, kind: PoolingKind) -> LayerEntry:
    """A row with a window of 2 × 2 that moves by its own size, as in the lecture."""

    def make(settings: FilterSettings) -> Layer:
        size = choose_window(settings, 2)
        return Pooling(kind, size, settings.stride if "stride" in settings.model_fields_set else size)

    return LayerEntry(name, title, make, POOLING_SETTINGS, defaults={"border": "zero"})


def morphology(name: str, title: str, kind: PoolingKind) -> LayerEntry:
    """A row with a window of 3 × 3 at every pixel."""
    return LayerEntry(
        name,
        title,
        lambda settings: Pooling(kind, choose_window(settings, 3), (1, 1)),
        frozenset({"size", "alpha", "response"}),
        "SciPy, ndimage.grey_dilation" if kind == "max" else "SciPy, ndimage.grey_erosion",
        defaults={"border": "zero"},
    )


def choose_window(settings: FilterSettings, default: int) -> tuple[int, int]:
    """The size (y, x) of a pooling window. Raises KernelParameterError for a fraction of a pixel."""
    size = default if settings.size is None else settings.size
    height, width = size if isinstance(size, tuple) else (size, size)
    if height != int(height) or width != int(width):
        raise KernelParameterError("size", f"size is {height:g}; a pooling window has whole pixels, such as 2 or 2,3.")
    return int(height), int(width)


def colour_matrix(
    name: str, title: str, make: Callable[..., Any], source: str, *parameters: Parameter, **fields: Any
) -> LayerEntry:
    """A row with a convolution of 1 × 1 that follows from parameters."""

    def make_layer(settings: FilterSettings) -> Layer:
        values = {
            parameter.name: parameter.check(float(getattr(settings, parameter.name)))
            if parameter.name in settings.model_fields_set and getattr(settings, parameter.name) is not None
            else parameter.default
            for parameter in parameters
        }
        linear = fields.get("linear")
        return make_convolution(
            to_filters(make(**values)), linear_weights=None if linear is None else to_filters(linear).astype("float32")
        )

    accepts = frozenset({"response", *(parameter.name for parameter in parameters)})
    return LayerEntry(name, title, make_layer, accepts, source, parameters, fields.get("defaults", {}))


SELECT = LayerEntry("select", "Selection of maps", lambda _: Selection((0,)), frozenset(), "the parameter maps")
"""The step that the parameter `maps` adds to a chain. It is not in the table."""
LAYERS: tuple[LayerEntry, ...] = (
    LayerEntry(
        CONV, "Convolution over all maps", make_requested, CONVOLUTION_SETTINGS | {"weights", "layout", "bias"}
    ),
    LayerEntry("relu", "ReLU (negative values become 0)", lambda _: Rectifier(), frozenset({"response"})),
    pooling("max-pool", "Max pooling", "max"),
    pooling("average-pool", "Average pooling", "average"),
    pooling("min-pool", "Min pooling", "min"),
    morphology("dilate", "Dilation (largest value of the window)", "max"),
    morphology("erode", "Erosion (smallest value of the window)", "min"),
    colour_matrix("gray", "Grey (luma)", lambda: [LUMA], "ITU-R BT.601; linear light: BT.709", linear=[LUMINANCE]),
    colour_matrix("sepia", "Sepia", lambda: colour_matrices.SEPIA, "W3C, Filter Effects, sepia()"),
    colour_matrix(
        "opponent", "Opponent colours", lambda: colour_matrices.OPPONENT, "van de Sande et al. 2010",
        defaults={"response": "rescale"},
    ),
    colour_matrix(
        "saturate", "Saturation", colour_matrices.make_saturation, "W3C, Filter Effects, feColorMatrix saturate",
        Parameter("amount", 2, 0, 10, "0 is grey, 1 leaves the image as it is."),
    ),
    colour_matrix(
        "hue", "Turn of the hue", colour_matrices.make_hue_turn, "W3C, Filter Effects, feColorMatrix hueRotate",
        Parameter("angle", 90, -360, 360, "Turn of the hue in degrees."),
    ),
)  # fmt: skip
