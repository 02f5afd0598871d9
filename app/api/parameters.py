"""The query parameters of each route. The options of the command line are made from the same models."""

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from app.images.formats import ALIASES, DEFAULT_QUALITY, FormatName, Frames
from kernels.errors import KernelParameterError
from kernels.numbers import STRICT_NUMBER
from kernels.regions import MAX_REGIONS, Reads, parse_regions
from kernels.settings import (
    MAX_DESCENT_STEPS,
    MAX_LAYER_FILTERS,
    MAX_LAYER_SIDE,
    MAX_LEARNT_SIDE,
    MIN_LAYER_FILTERS,
    FilterSettings,
)
from kernels.spellings import MAX_MAPS, parse_lower, parse_maps

DESCENT_STEPS, LAYER_STEPS = 400, 1000
"""The default numbers of steps of gradient descent, for a single kernel and for layers."""


def parse_format(value: Any) -> Any:
    """Lower-case the name of a format, and resolve aliases such as `jpg`."""
    name = parse_lower(value)
    return ALIASES.get(name, name) if isinstance(name, str) else name


class ImageParameters(FilterSettings):
    """The settings of the kernels, and the format of the result."""

    linear: Annotated[bool, Field(description="Filter linear light instead of sRGB values.")] = False
    format: Annotated[
        FormatName | None,
        BeforeValidator(parse_format),
        WithJsonSchema({"type": "string", "enum": list(get_args(FormatName))}),
        Field(description="Format of the result. Default: chosen by `Accept`, else the format of the input."),
    ] = None
    quality: Annotated[
        int | None,
        STRICT_NUMBER,
        WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 100}),
        Field(
            ge=1,
            le=100,
            description="Quality of jpeg, webp and avif; 100 is lossless in webp and avif. Default: lossless for an "
            f"image from a lossless webp or avif, else {DEFAULT_QUALITY}.",
        ),
    ] = None
    frames: Annotated[
        Frames, BeforeValidator(parse_lower), Field(description="`first`: filter only the first frame of an animation.")
    ] = "all"

    region: Annotated[
        tuple[str, ...],
        BeforeValidator(parse_regions),
        WithJsonSchema({"type": "array", "items": {"type": "string"}, "maxItems": MAX_REGIONS}),
        Field(
            description="Filters only this part of the image: `x,y,width,height` from the top left, each in pixels or "
            "percent, such as `100,50,200,120` or `10%,10%,50%,25%`. Repeat it, or separate regions with `;`. Other "
            "pixels keep their values."
        ),
    ] = ()
    reads: Annotated[
        Reads | None,
        BeforeValidator(parse_lower),
        WithJsonSchema({"type": "string", "enum": list(get_args(Reads))}),
        Field(
            description="With `region` or `mask`, what the kernel reads. `image`: also pixels outside. `region`: only "
            "pixels inside; `border` extends each region, and pixels outside the mask have no weight. Default: `image`."
        ),
    ] = None

    @property
    def shared(self) -> FilterSettings:
        """The settings of the kernels alone, without those that have their default."""
        given = self.model_dump(exclude_unset=True)
        return FilterSettings(**{name: given[name] for name in given if name in FilterSettings.model_fields})


class FilterQuery(ImageParameters):
    """The query of `POST /filter/{kernel}`."""

    maps: Annotated[
        str | None,
        BeforeValidator(parse_maps),
        WithJsonSchema({"type": "string", "examples": ["0,3,5"]}),
        Field(
            description="The maps to return: numbers from 0 such as `0,3,5`, or `sheet` for a contact sheet of all "
            "maps of the first frame, each stretched, with its range. Default: all."
        ),
    ] = None

    explain: Annotated[
        Literal["json"] | None,
        BeforeValidator(parse_lower),
        WithJsonSchema({"type": "string", "enum": ["json"]}),
        Field(description="`json`: return the arithmetic as JSON instead of the image."),
    ] = None


class ChainQuery(FilterQuery):
    """The query of `POST /filter`."""

    operations: Annotated[
        str | None,
        WithJsonSchema({"type": "string", "examples": ['[{"kernel": "gaussian", "sigma": 2}, {"kernel": "edge"}]']}),
        Field(description="1 to 10 steps as JSON, here or as a form field."),
    ] = None


class GalleryQuery(BaseModel):
    """The query of `POST /gallery`."""

    model_config = ConfigDict(extra="forbid")

    kernels: Annotated[
        str | None,
        WithJsonSchema({"type": "string", "maxLength": 5000}),
        Field(
            max_length=5000, description="Comma-separated kernel names. Default: all kernels except the learned ones."
        ),
    ] = None
    side: Annotated[int, Field(ge=16, le=512, description="Longest side of each image in pixels."), STRICT_NUMBER] = 160
    response: Annotated[
        Literal["abs", "offset", "rescale"],
        BeforeValidator(parse_lower),
        Field(
            description="Response of the kernels that sum to 0. With `offset` and `rescale`, opposite directions look "
            "different; `rescale` shows weak results too."
        ),
    ] = "abs"
    format: Annotated[
        Literal["png", "json"],
        BeforeValidator(parse_lower),
        Field(description="`png`: one contact sheet. `json`: each image as a data URI."),
    ] = "png"


class LearnQuery(BaseModel):
    """The query of `POST /learn`."""

    model_config = ConfigDict(extra="forbid")

    size: Annotated[
        int,
        Field(
            ge=1,
            le=MAX_LEARNT_SIDE,
            description=f"Side of the kernel in pixels. `layers=2`: side of the filters, at most {MAX_LAYER_SIDE}.",
        ),
        STRICT_NUMBER,
    ] = 3
    layers: Annotated[
        int,
        Field(
            ge=1,
            le=2,
            description="`1`: a single kernel. `2`: a convolution, ReLU and a convolution of 1×1, for results that no "
            "single kernel gives; trained by gradient descent.",
        ),
        STRICT_NUMBER,
    ] = 1
    filters: Annotated[
        int,
        Field(
            ge=MIN_LAYER_FILTERS, le=MAX_LAYER_FILTERS, description="`layers=2`: number of filters of the first layer."
        ),
        STRICT_NUMBER,
    ] = 8
    shared: Annotated[
        Literal["auto", "true", "false"],
        BeforeValidator(parse_lower),
        Field(
            description="`true`: one kernel for all channels. `false`: one kernel for each channel. `auto`: one kernel "
            "if it explains all channels as well as separate kernels do. `layers=2`: whether the layers see each "
            "channel on its own (`true`) or all together."
        ),
    ] = "auto"
    method: Annotated[
        Literal["least-squares", "descent"],
        BeforeValidator(parse_lower),
        Field(
            description="`least-squares`: solved directly, returned as JSON. `descent`: gradient descent, with its "
            "steps as server-sent events (text/event-stream)."
        ),
    ] = "least-squares"
    steps: Annotated[
        int | None,
        Field(
            ge=1,
            le=MAX_DESCENT_STEPS,
            description="`descent`: maximum number of steps. Descent stops earlier if it converges. Default: "
            f"{DESCENT_STEPS}, or {LAYER_STEPS} with `layers=2`.",
        ),
        WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MAX_DESCENT_STEPS}),
        STRICT_NUMBER,
    ] = None

    @property
    def kernel_sharing(self) -> Literal["auto"] | bool:
        return "auto" if self.shared == "auto" else self.shared == "true"

    @property
    def max_steps(self) -> int:
        return self.steps or (DESCENT_STEPS if self.layers == 1 else LAYER_STEPS)

    def check_layers(self) -> None:
        """Raise KernelParameterError if a parameter does not fit the number of layers."""
        given = self.model_fields_set
        if self.layers == 1 and "filters" in given:
            raise KernelParameterError(
                "filters", f"filters is {self.filters}, but layers is 1: a single kernel has none. Send layers=2."
            )
        if self.layers == 2 and self.size > MAX_LAYER_SIDE:
            raise KernelParameterError(
                "size",
                f"size is {self.size}; with layers=2 it may be 1 to {MAX_LAYER_SIDE}. Send a smaller size, or "
                "layers=1.",
            )
        if self.layers == 2 and self.method == "least-squares" and "method" in given:
            raise KernelParameterError(
                "method",
                "method is least-squares, which finds a single kernel; with layers=2 it may be descent. Send "
                "method=descent, or no method.",
            )


class SizeQuery(BaseModel):
    """The query of `GET /size`."""

    model_config = ConfigDict(extra="forbid")

    input: Annotated[
        int, Field(ge=1, le=1_000_000, description="Side W of the input, in pixels.", examples=[28]), STRICT_NUMBER
    ]
    kernel: Annotated[
        int | None,
        Field(ge=1, le=100_000, description="Side F of the kernel, in weights. Required without `operations`."),
        STRICT_NUMBER,
        WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 100_000, "examples": [5]}),
    ] = None
    operations: Annotated[
        str | None,
        WithJsonSchema({"type": "string", "examples": ["mnist-conv1,max-pool"]}),
        Field(
            max_length=100_000,
            description="A chain instead of a single kernel: names such as `mnist-conv1,max-pool`, or the JSON that "
            "`POST /filter` takes. The response has the shape after each step.",
        ),
    ] = None
    height: Annotated[
        int | None,
        Field(ge=1, le=1_000_000, description="With `operations`: height of the input. Default: `input`."),
        STRICT_NUMBER,
        WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 1_000_000}),
    ] = None
    maps: Annotated[
        int, Field(ge=1, le=MAX_MAPS, description="With `operations`: maps of the input; 3 for RGB."), STRICT_NUMBER
    ] = 3
    stride: Annotated[int, Field(ge=1, le=100_000, description="Stride S, in pixels."), STRICT_NUMBER] = 1
    padding: Annotated[
        str, Field(description="Padding P on each side, in pixels; or TensorFlow's `SAME` or `VALID`.", examples=["2"])
    ] = "VALID"
    dilation: Annotated[
        int,
        Field(ge=1, le=1000, description="Dilation D: distance between weights. The kernel spans D(F - 1) + 1 pixels."),
        STRICT_NUMBER,
    ] = 1
