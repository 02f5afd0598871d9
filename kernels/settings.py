"""The settings of a filter: each with its range, default and description.

The HTTP query, the `operations` of a chain, the command line and the Python API are generated from this model.
"""

from typing import Annotated, Any, Literal, cast, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from kernels.numbers import STRICT_NUMBER
from kernels.padding import ALIASES, Border, parse_border
from kernels.spellings import (
    MAX_NUMBER,
    parse_bias,
    parse_channels,
    parse_divisor,
    parse_lower,
    parse_pair,
    parse_point,
    parse_size,
    parse_weights_field,
)

Response = Literal["clip", "abs", "offset", "rescale", "raw"]
Behaviour = Literal["correlate", "convolve"]
Alpha = Literal["auto", "keep", "filter"]
Layout = Literal["oihw", "hwio"]
"""The order of the axes of a layer's weights: outputs, inputs, height, width, or TensorFlow's order."""

MAX_NAME_LENGTH = 100
"""Characters in the name of a kernel."""
MAX_LEARNT_SIDE = 31
"""Pixels on each side of a learnt kernel."""
MAX_DESCENT_STEPS = 2000
"""Steps of gradient descent for one learnt kernel, or for layers."""
MAX_LAYER_SIDE = 9
"""Pixels on each side of the filters of learnt layers."""
MIN_LAYER_FILTERS, MAX_LAYER_FILTERS = 2, 16
"""Of learnt layers."""


Distance = Annotated[int, Field(ge=1, le=8), STRICT_NUMBER]
Distances = Annotated[
    tuple[Distance, Distance],
    BeforeValidator(parse_pair),
    WithJsonSchema({"type": "string", "pattern": r"^[1-8](\s*[,x]\s*[1-8])?$"}),
]
"""A stride or a dilation in pixels: (y, x)."""
Coordinate = Annotated[int, STRICT_NUMBER]
Finite = Annotated[float, Field(allow_inf_nan=False, ge=-MAX_NUMBER, le=MAX_NUMBER)]
SingleBias = Finite | Annotated[str, Field(pattern=r"^-?[0-9.e+-]+%$")]
"""In pixel units, or a percentage of the range."""
ShapeParameter = Annotated[float | None, Field(allow_inf_nan=False), STRICT_NUMBER, WithJsonSchema({"type": "number"})]
"""A parameter of some kernels only. The catalogue checks its range."""


class FilterSettings(BaseModel):
    """How one kernel is applied. Pixel units are 0..255, or 0..65535 for 16-bit images."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    border: Annotated[
        Border,
        BeforeValidator(parse_border),
        Field(
            description="How the image is extended beyond its edges, with the names of NumPy. `zero` is TensorFlow's "
            "SAME and `valid` its VALID (the image shrinks). Aliases: "
            + ", ".join(f"{alias} = {name}" for alias, name in ALIASES.items())
            + ". `mirror` is rejected because it is ambiguous."
        ),
    ] = "edge"
    stride: Distances = Field(
        default=cast(Any, "1"), validate_default=True, description="Keeps every n-th result: 1 to 8, or `y,x`."
    )
    dilation: Distances = Field(
        default=cast(Any, "1"),
        validate_default=True,
        description="Pixels from one tap of the kernel to the next: 1 to 8, or `y,x`.",
    )
    divisor: Annotated[
        Literal["auto", "none"] | Finite | None,
        BeforeValidator(parse_divisor),
        WithJsonSchema({"anyOf": [{"type": "string", "enum": ["auto", "none"]}, {"type": "number"}]}),
        Field(
            description="Divides the sum: a number other than 0, `auto` (the sum of the weights, or 1 if that is 0) or "
            "`none`. Default: the divisor of the kernel."
        ),
    ] = None
    bias: Annotated[
        SingleBias | tuple[SingleBias, ...],
        BeforeValidator(parse_bias),
        WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^-?[0-9.]+%$"}]}),
        Field(
            description="Added after the division, in pixel units or as a percentage of the range such as `50%`. "
            "`conv`: also one for each output, such as `1,2,3`."
        ),
    ] = 0.0
    response: Annotated[
        Response | None,
        BeforeValidator(parse_lower),
        WithJsonSchema({"type": "string", "enum": list(get_args(Response))}),
        Field(
            description="How values are brought into range. `clip`: clipped. `abs`: the absolute value, clipped. "
            "`offset`: half the value plus mid-grey, which shows both signs. `rescale`: stretched from the smallest "
            "value (black) to the largest (white). `raw`: unchanged, as a float32 .npy. Default: `abs` for weights "
            "that sum to 0, otherwise `clip`."
        ),
    ] = None
    amount: Annotated[
        float,
        Field(
            ge=0,
            le=10,
            description="Share of the filtered image in a mix with the original: 0 (original) to 1. "
            "For `unsharp` and `saturate`: their strength, 0 to 10.",
        ),
        STRICT_NUMBER,
    ] = 1.0
    channels: Annotated[
        str,
        BeforeValidator(parse_channels),
        Field(
            description="`rgb`: all channels. `gray`: the image is converted to grey first. `luma`: only the "
            "brightness is filtered. Any of the letters r, g and b: only these channels are filtered."
        ),
    ] = "rgb"
    alpha: Annotated[
        Alpha,
        BeforeValidator(parse_lower),
        Field(
            description="Whether alpha is filtered. `auto`: if the weights of the kernel sum to 1. `keep`: never. "
            "`filter`: always. Colour is weighted by alpha in every case."
        ),
    ] = "auto"
    behaviour: Annotated[
        Behaviour,
        BeforeValidator(parse_lower),
        Field(
            description="`correlate`: the kernel is applied as written, as TensorFlow does. `convolve`: the kernel is "
            "turned by 180°."
        ),
    ] = "correlate"
    anchor: Annotated[
        tuple[Coordinate, Coordinate] | None,
        BeforeValidator(parse_point),
        WithJsonSchema({"type": "string", "pattern": r"^\d+\s*,\s*\d+$", "examples": ["0,0"]}),
        Field(
            description="`x,y`: the weight above the output pixel, counted from 0 at the top left (with "
            "`behaviour=convolve`, after the turn, as in SVG). Default: the middle; for an even side, the one before "
            "the middle."
        ),
    ] = None

    exact: Annotated[
        bool,
        Field(
            description="`false`: a blur longer than 63 pixels may use a faster algorithm, whose values differ by at "
            "most half a level before rounding."
        ),
    ] = True

    weights: Annotated[
        str | list[Any] | None,
        BeforeValidator(parse_weights_field),
        WithJsonSchema({"type": "string", "examples": ["0,-1,0;-1,5,-1;0,-1,0"]}),
        Field(
            description="`custom`: the weights as `[[0,-1,0],[-1,5,-1],[0,-1,0]]`, as `0,-1,0;-1,5,-1;0,-1,0`, or as "
            "one flat list with `columns`. Each side is 1 to 63. `conv`: lists with four axes in the order of "
            "`layout`, or a colour matrix `[[...],...]` with a row for each output."
        ),
    ] = None
    layout: Annotated[
        Layout | None,
        BeforeValidator(parse_lower),
        WithJsonSchema({"type": "string", "enum": list(get_args(Layout))}),
        Field(
            description="`conv`: the order of the axes of the weights. `oihw` (default): outputs, inputs, height, "
            "width. `hwio`: TensorFlow's order."
        ),
    ] = None
    columns: Annotated[
        int | None,
        Field(ge=1, le=63, description="`custom`: number of columns if the weights are one flat list."),
        STRICT_NUMBER,
        WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 63}),
    ] = None

    sigma: Annotated[
        ShapeParameter, Field(description="`gaussian`, `unsharp`, `log`, `gabor`: standard deviation in pixels.")
    ] = None
    sigma1: Annotated[
        ShapeParameter, Field(description="`dog`: standard deviation of the narrower Gaussian in pixels.")
    ] = None
    sigma2: Annotated[
        ShapeParameter, Field(description="`dog`: standard deviation of the wider Gaussian in pixels.")
    ] = None
    radius: Annotated[ShapeParameter, Field(description="`disk`: radius in pixels.")] = None
    length: Annotated[ShapeParameter, Field(description="`motion`: length of the line in pixels.")] = None
    angle: Annotated[
        ShapeParameter,
        Field(
            description="`motion`, `gabor`: direction in degrees, counter-clockwise from the x axis. `hue`: turn of "
            "the hue in degrees."
        ),
    ] = None
    wavelength: Annotated[ShapeParameter, Field(description="`gabor`: wavelength in pixels.")] = None
    size: Annotated[
        Annotated[float, Field(allow_inf_nan=False), STRICT_NUMBER] | tuple[Coordinate, Coordinate] | None,
        BeforeValidator(parse_size),
        WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^\d+\s*[,x]\s*\d+$"}]}),
        Field(
            description="Kernels with parameters: side in pixels, odd, 1 to 63; `gaussian` and `motion` along an axis "
            "to 1201, `box` to 1001. Default: follows from the others. "
            "Pooling: side of the window in pixels, 1 to 63, or `y,x`. Default: 2; for `dilate` and `erode` 3."
        ),
    ] = None

    def scale_bias(self, maximum: float) -> float:
        """The bias of a kernel, which has only one, in pixel units. `maximum` is white."""
        (bias,) = self.scale_biases(maximum)
        return bias

    def scale_biases(self, maximum: float) -> tuple[float, ...]:
        """One bias, or one for each output of a layer, in pixel units. `maximum` is white."""
        return tuple(
            scale_bias(bias, maximum) for bias in (self.bias if isinstance(self.bias, tuple) else (self.bias,))
        )


def scale_bias(bias: float | str, maximum: float) -> float:
    return float(bias.removesuffix("%")) / 100 * maximum if isinstance(bias, str) else bias


SHAPE_PARAMETERS = ("sigma", "sigma1", "sigma2", "radius", "length", "angle", "wavelength", "size")
"""The settings that are parameters of kernels. `unsharp` also takes `amount` as a parameter."""


class Operation(FilterSettings):
    """One step of a chain: a kernel and how it is applied."""

    @model_validator(mode="before")
    @classmethod
    def parse_name(cls, value: Any) -> Any:
        """Convert a name to an operation with the default settings."""
        return {"kernel": value} if isinstance(value, str) else value

    kernel: Annotated[
        str, Field(description="A name from `/kernels`, `custom`, or a layer.", max_length=MAX_NAME_LENGTH)
    ]
