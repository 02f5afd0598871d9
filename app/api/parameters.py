"""The parameters of a filter request: the settings of a kernel, and what concerns the image as a whole.

The HTTP query and the command line are both made from these models.
"""

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from app.images.formats import ALIASES, DEFAULT_QUALITY, FormatName, Frames
from app.tasks.options import MapLayer, Polarity
from kernels.settings import MAX_DESCENT_STEPS, MAX_LEARNT_SIDE, FilterSettings, parse_lower


def parse_format(value: Any) -> Any:
    name = parse_lower(value)
    return ALIASES.get(name, name) if isinstance(name, str) else name


class ImageParameters(FilterSettings):
    """How an image is filtered, and the file that comes back."""

    linear: Annotated[bool, Field(description="Filter linear light instead of sRGB values.")] = False
    format: Annotated[
        FormatName | None,
        BeforeValidator(parse_format),
        WithJsonSchema({"type": "string", "enum": list(get_args(FormatName))}),
        Field(description="Format of the answer. Default: what `Accept` asks for, else what came in."),
    ] = None
    quality: Annotated[int, Field(ge=1, le=100, description="Of jpeg, webp and avif; 100 is lossless in webp.")] = (
        DEFAULT_QUALITY
    )
    frames: Annotated[
        Frames, BeforeValidator(parse_lower), Field(description="`first` takes only the first frame of an animation.")
    ] = "all"

    @property
    def shared(self) -> FilterSettings:
        """The settings of the kernels alone, as far as they were given."""
        given = self.model_dump(exclude_unset=True)
        return FilterSettings(**{name: given[name] for name in given if name in FilterSettings.model_fields})


class FilterQuery(ImageParameters):
    """The query of `POST /filter/{kernel}`."""

    explain: Annotated[
        Literal["json"] | None,
        BeforeValidator(parse_lower),
        WithJsonSchema({"type": "string", "enum": ["json"]}),
        Field(description="`json`: answer with the arithmetic instead of the image."),
    ] = None


class ChainQuery(FilterQuery):
    """The query of `POST /filter`."""

    operations: Annotated[
        str | None,
        WithJsonSchema({"type": "string", "examples": ['[{"kernel": "gaussian", "sigma": 2}, {"kernel": "edge"}]']}),
        Field(description="The steps as JSON, 1 to 10; as a form field or here."),
    ] = None


class GalleryQuery(BaseModel):
    """The query of `POST /gallery`."""

    model_config = ConfigDict(extra="forbid")

    kernels: Annotated[
        str | None,
        WithJsonSchema({"type": "string", "maxLength": 5000}),
        Field(max_length=5000, description="Names with commas. Default: every kernel but the learned ones."),
    ] = None
    side: Annotated[int, Field(ge=16, le=512, description="Longest side of each image in pixels.")] = 160
    format: Annotated[
        Literal["png", "json"],
        BeforeValidator(parse_lower),
        Field(description="`png`: one sheet; `json`: every image on its own, as a data URI."),
    ] = "png"


class LearnQuery(BaseModel):
    """The query of `POST /learn`."""

    model_config = ConfigDict(extra="forbid")

    size: Annotated[int, Field(ge=1, le=MAX_LEARNT_SIDE, description="Side of the kernel in pixels.")] = 3
    shared: Annotated[
        Literal["auto", "true", "false"],
        BeforeValidator(parse_lower),
        Field(description="One kernel for all channels, or one for each; `auto`: one where it explains them as well."),
    ] = "auto"
    method: Annotated[
        Literal["least-squares", "descent"],
        BeforeValidator(parse_lower),
        Field(
            description="`least-squares`: at once, as JSON. `descent`: by gradient descent, told as it goes "
            "(text/event-stream)."
        ),
    ] = "least-squares"
    steps: Annotated[
        int, Field(ge=1, le=MAX_DESCENT_STEPS, description="`descent`: most steps; fewer where it arrives before.")
    ] = 400

    @property
    def shares(self) -> Literal["auto"] | bool:
        return "auto" if self.shared == "auto" else self.shared == "true"


class ReadQuery(BaseModel):
    """The query of `POST /read`."""

    model_config = ConfigDict(extra="forbid")

    polarity: Annotated[
        Polarity,
        BeforeValidator(parse_lower),
        Field(description="Of the ink: found out, or said to be `dark` on light or `light` on dark."),
    ] = "auto"


class ClassifyQuery(ReadQuery):
    """The query of `POST /classify`."""

    preview: Annotated[bool, Field(description="Add the 28×28 that the network saw, and what led to it.")] = False


class ExplainQuery(ReadQuery):
    """The query of `POST /classify/explain`."""

    format: Annotated[
        Literal["png", "json"] | None,
        BeforeValidator(parse_lower),
        WithJsonSchema({"type": "string", "enum": ["png", "json"]}),
        Field(description="Of the answer. Default: what `Accept` asks for, else `png`."),
    ] = None
    layer: Annotated[
        MapLayer | None,
        WithJsonSchema({"type": "string", "enum": list(get_args(MapLayer))}),
        Field(description="Only the feature maps of this layer, as a PNG; with `map` only one."),
    ] = None
    map: Annotated[
        int | None,
        WithJsonSchema({"type": "integer", "minimum": 0}),
        Field(ge=0, description="Which map, from 0: 32 of `conv1` and `pool1`, 64 of `conv2` and `pool2`."),
    ] = None
    scale: Annotated[
        int, Field(ge=1, le=32, description="With `layer`: pixels a side for each value, without smoothing.")
    ] = 8


class SizeQuery(BaseModel):
    """The query of `GET /size`."""

    model_config = ConfigDict(extra="forbid")

    input: Annotated[int, Field(ge=1, le=1_000_000, description="Pixels of the input, W.", examples=[28])]
    kernel: Annotated[int, Field(ge=1, le=100_000, description="Weights of the kernel, F.", examples=[5])]
    stride: Annotated[int, Field(ge=1, le=100_000, description="S.")] = 1
    padding: Annotated[
        str, Field(description="Pixels on each side, P; or `SAME` or `VALID`, as TensorFlow has them.", examples=["2"])
    ] = "VALID"
    dilation: Annotated[int, Field(ge=1, le=1000, description="Distance of the weights; F spans D(F - 1) + 1.")] = 1
