"""The query parameters of the digit routes. The options of the command line are made from the same models."""

import json
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from app.tasks.options import ClassifyParams, MapLayer, Polarity, ReadingOptions
from kernels.numbers import STRICT_NUMBER
from kernels.spellings import parse_lower


def encode_object(value: Any) -> Any:
    """JSON text of an object: a body in JSON may have it as such."""
    return json.dumps(value) if isinstance(value, dict) else value


class ReadQuery(BaseModel):
    """The query of `POST /read`."""

    model_config = ConfigDict(extra="forbid")

    polarity: Annotated[
        Polarity,
        BeforeValidator(parse_lower),
        Field(description="Polarity of the ink: `dark` on light, `light` on dark, or `auto` to detect it."),
    ] = "auto"
    strictness: Annotated[
        float | None,
        WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1}),
        Field(
            ge=0,
            le=1,
            description="The probability that a digit needs to be accepted: with less, the verdict is `unsure`, or "
            "`not_a_digit` if any digit has less. A smaller value accepts more handwriting, and more that is no digit. "
            "Default: that of the model's card.",
        ),
        STRICT_NUMBER,
    ] = None

    @property
    def options(self) -> ReadingOptions:
        return ReadingOptions(self.polarity, self.strictness)


class ClassifyQuery(ReadQuery):
    """The query of `POST /classify`."""

    preview: Annotated[
        bool, Field(description="Include the 28×28 input of the network, and images of the preprocessing.")
    ] = False
    features: Annotated[bool, Field(description="Include the 1,024 features, for classes of your own.")] = False
    classes: Annotated[
        str | None,
        BeforeValidator(encode_object),
        WithJsonSchema({"type": "string", "contentMediaType": "application/json"}),
        Field(description="A class file as JSON: adds the probabilities of its classes. As a form field, also a file."),
    ] = None

    @property
    def params(self) -> ClassifyParams:
        return ClassifyParams(self.options, self.preview, self.features, self.classes)


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
