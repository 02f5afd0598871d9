"""How a kernel is applied: every setting, its range and its default, in one place.

The HTTP query, the `operations` of a chain, the command line and the Python API are all made from this model.
"""

import re
from typing import Annotated, Any, Literal, cast, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from kernels.padding import ALIASES, Border, parse_border

Response = Literal["clip", "abs", "offset", "rescale", "raw"]
MAX_NAME_LENGTH = 100
"""Of a kernel, in characters."""
MAX_LEARNT_SIDE = 31
"""Of a kernel that is learnt, in pixels."""
MAX_DESCENT_STEPS = 2000
"""Of learning one by gradient descent."""

Behaviour = Literal["correlate", "convolve"]
Alpha = Literal["auto", "keep", "filter"]


def parse_pair(value: Any) -> Any:
    """Turn 2, "2", "2,3", [2] or [2, 3] into a pair; anything else is left for the type to refuse."""
    if isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
    if isinstance(value, str):
        value = re.split(r"\s*[,x]\s*", value.strip())
        value = value[0] if len(value) == 1 else value
    return value if isinstance(value, (list, tuple)) else (value, value)


def parse_point(value: Any) -> Any:
    """Turn "1,0" or [1, 0] into a pair."""
    if isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
    return re.split(r"\s*,\s*", value.strip()) if isinstance(value, str) else value


def parse_divisor(value: Any) -> Any:
    if isinstance(value, str):
        value = value.strip().lower()
    if value in ("auto", "none", None):
        return value
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError("say 'auto' (the sum of the weights), 'none', or a number other than 0") from None
    if number == 0:
        raise ValueError("a divisor may not be 0; say 'auto' or 'none'")
    return number


def parse_bias(value: Any) -> Any:
    """A number in pixel units, or a percentage of the range, which stays text."""
    text = str(value).strip()
    number = text.removesuffix("%")
    try:
        result = float(number)
    except ValueError:
        raise ValueError("say a number in pixel units, such as 128, or a percentage, such as 50%") from None
    if number == text:
        return result
    if not abs(result) <= 1e6:
        raise ValueError("a percentage may be -1000000% to 1000000%")
    return f"{result:.12g}%"


def parse_channels(value: Any) -> Any:
    """Normalise `rgb`, `gray`/`grey`, `luma`, or any of r, g and b in any order."""
    name = value.strip().lower() if isinstance(value, str) else value
    if name in ("gray", "grey"):
        return "gray"
    if name == "luma":
        return name
    if isinstance(name, str) and name and set(name) <= set("rgb") and len(set(name)) == len(name):
        return "".join(sorted(name, key="rgb".index))
    raise ValueError("say 'rgb', 'gray', 'luma', or any of the letters r, g and b")


def parse_weights_field(value: Any) -> Any:
    """FastAPI reads a query parameter that may be a list as one: a single text is taken out of it."""
    return value[0] if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str) else value


def parse_lower(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


Step = Annotated[int, Field(ge=1, le=8)]
Steps = Annotated[
    tuple[Step, Step],
    BeforeValidator(parse_pair),
    WithJsonSchema({"type": "string", "pattern": r"^[1-8](\s*[,x]\s*[1-8])?$"}),
]
Finite = Annotated[float, Field(allow_inf_nan=False, ge=-1e9, le=1e9)]
OwnParameter = Annotated[float | None, Field(allow_inf_nan=False), WithJsonSchema({"type": "number"})]


class FilterSettings(BaseModel):
    """How one kernel is applied. Pixel units are 0..255, for 16-bit images 0..65535."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    border: Annotated[
        Border,
        BeforeValidator(parse_border),
        Field(
            description="What stands beyond the edge of the image, in NumPy's words; `zero` is TensorFlow's SAME "
            "and `valid` its VALID (the image shrinks). Also understood: "
            + ", ".join(f"{alias} = {name}" for alias, name in ALIASES.items())
            + ". `mirror` is refused: it means two things."
        ),
    ] = "edge"
    stride: Steps = Field(
        default=cast(Any, "1"), validate_default=True, description="Keep every n-th result: 1 to 8, or `y,x`."
    )
    dilation: Steps = Field(
        default=cast(Any, "1"), validate_default=True, description="Distance of the kernel's taps: 1 to 8, or `y,x`."
    )
    divisor: Annotated[
        Literal["auto", "none"] | Finite | None,
        BeforeValidator(parse_divisor),
        WithJsonSchema({"anyOf": [{"type": "string", "enum": ["auto", "none"]}, {"type": "number"}]}),
        Field(
            description="The sum is divided by it: a number other than 0, `auto` (the sum of the weights, or 1 where "
            "that is 0), or `none`. Default: the kernel's own."
        ),
    ] = None
    bias: Annotated[
        Finite | Annotated[str, Field(pattern=r"^-?[0-9.e+-]+%$")],
        BeforeValidator(parse_bias),
        WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^-?[0-9.]+%$"}]}),
        Field(description="Added after the division: pixel units, or a percentage of the range such as `50%`."),
    ] = 0.0
    response: Annotated[
        Response | None,
        BeforeValidator(parse_lower),
        WithJsonSchema({"type": "string", "enum": list(get_args(Response))}),
        Field(
            description="What becomes of values out of range. `clip`: cut off. `abs`: the sign is dropped, then clip. "
            "`offset`: half the value plus mid-grey, so that both signs show. `rescale`: the smallest becomes black, "
            "the largest white. `raw`: nothing; the answer is a float32 .npy. Default: `abs` for weights that sum "
            "to 0, `clip` for the others."
        ),
    ] = None
    amount: Annotated[
        float,
        Field(
            ge=0,
            le=10,
            description="Mixes with the original by mixing the kernel with the identity: 0 (original) to 1. "
            "For `unsharp`, its own strength: 0 to 10.",
        ),
    ] = 1.0
    channels: Annotated[
        str,
        BeforeValidator(parse_channels),
        Field(
            description="`rgb`; `gray`: the image becomes grey first; `luma`: only the brightness is filtered; "
            "or any of the letters r, g and b: only those."
        ),
    ] = "rgb"
    alpha: Annotated[
        Alpha,
        BeforeValidator(parse_lower),
        Field(
            description="Colour is always weighted by alpha. `auto`: alpha itself is filtered only by kernels whose "
            "weights sum to 1; `keep`: never; `filter`: always."
        ),
    ] = "auto"
    behaviour: Annotated[
        Behaviour,
        BeforeValidator(parse_lower),
        Field(
            description="`correlate`: the kernel is applied as written, as TensorFlow does; `convolve`: turned by 180°."
        ),
    ] = "correlate"
    anchor: Annotated[
        tuple[int, int] | None,
        BeforeValidator(parse_point),
        WithJsonSchema({"type": "string", "pattern": r"^\d+\s*,\s*\d+$", "examples": ["0,0"]}),
        Field(
            description="`x,y`: the weight, counted from 0 at the top left, that stands over the pixel (for "
            "`behaviour=convolve` after turning, as in SVG). Default: the middle; for an even side the one before it."
        ),
    ] = None

    weights: Annotated[
        str | list[Any] | None,
        BeforeValidator(parse_weights_field),
        WithJsonSchema({"type": "string", "examples": ["0,-1,0;-1,5,-1;0,-1,0"]}),
        Field(
            description="`custom`: the weights, as `[[0,-1,0],[-1,5,-1],[0,-1,0]]`, as `0,-1,0;-1,5,-1;0,-1,0`, or "
            "flat with `columns`. 1 to 63 a side."
        ),
    ] = None
    columns: Annotated[
        int | None,
        Field(ge=1, le=63, description="`custom`: columns of weights that are given flat."),
        WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 63}),
    ] = None

    sigma: Annotated[OwnParameter, Field(description="`gaussian`, `unsharp`, `log`, `gabor`: pixels.")] = None
    sigma1: Annotated[OwnParameter, Field(description="`dog`: the narrower Gaussian, pixels.")] = None
    sigma2: Annotated[OwnParameter, Field(description="`dog`: the wider Gaussian, pixels.")] = None
    radius: Annotated[OwnParameter, Field(description="`disk`: pixels.")] = None
    length: Annotated[OwnParameter, Field(description="`motion`: pixels.")] = None
    angle: Annotated[
        OwnParameter, Field(description="`motion`, `gabor`: degrees, counter-clockwise from the x axis.")
    ] = None
    wavelength: Annotated[OwnParameter, Field(description="`gabor`: pixels from crest to crest.")] = None
    size: Annotated[
        OwnParameter,
        Field(description="Kernels with parameters: side in pixels, odd, 1 to 63. Default: chosen."),
    ] = None

    def pick_bias(self, maximum: float) -> float:
        """The bias in pixel units; `maximum` is white."""
        if isinstance(self.bias, str):
            return float(self.bias.removesuffix("%")) / 100 * maximum
        return self.bias


SHAPING = ("sigma", "sigma1", "sigma2", "radius", "length", "angle", "wavelength", "size")
"""The settings that only kernels with parameters take; `unsharp` takes `amount` as one more."""


class Operation(FilterSettings):
    """One step of a chain: a kernel and how it is applied."""

    @model_validator(mode="before")
    @classmethod
    def take_a_name(cls, value: Any) -> Any:
        """A name alone is an operation with nothing set."""
        return {"kernel": value} if isinstance(value, str) else value

    kernel: Annotated[str, Field(description="A name from `/kernels`, or `custom`.", max_length=MAX_NAME_LENGTH)]
