"""The query parameters of each route. The options of the command line are made from the same models."""

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from app.images.formats import ALIASES, DEFAULT_QUALITY, FormatName, Frames
from app.tasks.options import MapLayer, Polarity
from kernels.numbers import STRICT_NUMBER
from kernels.settings import MAX_DESCENT_STEPS, MAX_LEARNT_SIDE, FilterSettings, parse_lower


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

    @property
    def shared(self) -> FilterSettings:
        """The settings of the kernels alone, without those that have their default."""
        given = self.model_dump(exclude_unset=True)
        return FilterSettings(**{name: given[name] for name in given if name in FilterSettings.model_fields})


class FilterQuery(ImageParameters):
    """The query of `POST /filter/{kernel}`."""

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
        int, Field(ge=1, le=MAX_LEARNT_SIDE, description="Side of the kernel in pixels."), STRICT_NUMBER
    ] = 3
    shared: Annotated[
        Literal["auto", "true", "false"],
        BeforeValidator(parse_lower),
        Field(
            description="`true`: one kernel for all channels. `false`: one kernel for each channel. `auto`: one kernel "
            "if it explains all channels as well as separate kernels do."
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
        int,
        Field(
            ge=1,
            le=MAX_DESCENT_STEPS,
            description="`descent`: maximum number of steps. Descent stops earlier if it converges.",
        ),
        STRICT_NUMBER,
    ] = 400

    @property
    def kernel_sharing(self) -> Literal["auto"] | bool:
        return "auto" if self.shared == "auto" else self.shared == "true"


class ReadQuery(BaseModel):
    """The query of `POST /read`."""

    model_config = ConfigDict(extra="forbid")

    polarity: Annotated[
        Polarity,
        BeforeValidator(parse_lower),
        Field(description="Polarity of the ink: `dark` on light, `light` on dark, or `auto` to detect it."),
    ] = "auto"


class ClassifyQuery(ReadQuery):
    """The query of `POST /classify`."""

    preview: Annotated[
        bool, Field(description="Include the 28×28 input of the network, and images of the preprocessing.")
    ] = False


class ExplainQuery(ReadQuery):
    """The query of `POST /classify/explain`."""

    format: Annotated[
        Literal["png", "json"] | None,
        BeforeValidator(parse_lower),
        WithJsonSchema({"type": "string", "enum": ["png", "json"]}),
        Field(description="Format of the response. Default: chosen by `Accept`, else `png`."),
    ] = None
    layer: Annotated[
        MapLayer | None,
        WithJsonSchema({"type": "string", "enum": list(get_args(MapLayer))}),
        Field(description="Return only the feature maps of this layer, as a PNG. With `map`, only one of them."),
    ] = None
    map: Annotated[
        int | None,
        WithJsonSchema({"type": "integer", "minimum": 0}),
        Field(
            ge=0, description="Number of a feature map, from 0. `conv1` and `pool1` have 32, `conv2` and `pool2` 64."
        ),
        STRICT_NUMBER,
    ] = None
    scale: Annotated[
        int,
        Field(ge=1, le=32, description="With `layer`: each value becomes a square of this side in pixels."),
        STRICT_NUMBER,
    ] = 8


class SizeQuery(BaseModel):
    """The query of `GET /size`."""

    model_config = ConfigDict(extra="forbid")

    input: Annotated[
        int, Field(ge=1, le=1_000_000, description="Side W of the input, in pixels.", examples=[28]), STRICT_NUMBER
    ]
    kernel: Annotated[
        int, Field(ge=1, le=100_000, description="Side F of the kernel, in weights.", examples=[5]), STRICT_NUMBER
    ]
    stride: Annotated[int, Field(ge=1, le=100_000, description="Stride S, in pixels."), STRICT_NUMBER] = 1
    padding: Annotated[
        str, Field(description="Padding P on each side, in pixels; or TensorFlow's `SAME` or `VALID`.", examples=["2"])
    ] = "VALID"
    dilation: Annotated[
        int,
        Field(ge=1, le=1000, description="Dilation D: distance between weights. The kernel spans D(F - 1) + 1 pixels."),
        STRICT_NUMBER,
    ] = 1
