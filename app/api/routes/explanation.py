"""`POST /classify/explain`: the network's feature maps for a digit, and the pixels that decide its result."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError

from app.api.content_negotiation import describe_not_acceptable, find_weight
from app.api.dependencies import ServiceDependency
from app.api.digit_parameters import ExplainQuery
from app.api.problem_docs import document_problems
from app.api.responses import PNG_RESPONSE, describe_upload, respond_with_file, respond_with_json
from app.api.uploads import read_upload_and_query
from app.middleware.accept_header import parse_weights
from app.tasks.explain_digit import EXPLAIN_DIGIT, DigitExplanation
from app.tasks.explain_digit_sheet import EXPLAIN_DIGIT_SHEET, SheetParams
from app.tasks.options import MapLayer
from models.network import MAPS

router = APIRouter(tags=["digits"])

ExplanationFormat = Literal["png", "json"]

EXPLANATION_RESPONSE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A PNG with the explanation or, with `layer`, with feature maps. With `format=json`, the "
        "explanation as numbers and images.",
        "content": PNG_RESPONSE[200]["content"],
        "model": DigitExplanation,
    }
}


@router.post(
    "/classify/explain",
    operation_id="explain_digit",
    summary="Show the feature maps of a handwritten digit, and the pixels that decide its result",
    description=(
        "One sheet with the image, the 28×28 input of the network, the feature maps of both convolutions (after batch "
        "norm and ReLU; 0 is black, the layer's largest value is white), an occlusion map and the input gradient. "
        "Blank images are rejected: they do not reach the network."
    ),
    response_class=Response,
    responses=EXPLANATION_RESPONSE | document_problems(400, 406, 413, 415, 422, 500, 503),
    openapi_extra=describe_upload(),
)
async def explain_digit(
    request: Request,
    service: ServiceDependency,
    query: Annotated[ExplainQuery, Query()],
) -> Response:
    upload, query = await read_upload_and_query(request, query)
    layer, map = query.layer, query.map
    as_json = choose_format(query.format, request.headers.get("accept")) == "json"
    check_map(layer, map, as_json, MAPS)
    if as_json:
        _, (document,) = await service.pool.run(EXPLAIN_DIGIT, query.options, [upload.data])
        return respond_with_json(document)
    params = SheetParams(query.options, layer, map, query.scale)
    _, (image,) = await service.pool.run(EXPLAIN_DIGIT_SHEET, params, [upload.data])
    name = "-".join(str(part) for part in ("explanation", layer, map) if part is not None) + ".png"
    return respond_with_file(image, "image/png", name)


def choose_format(requested: ExplanationFormat | None, accept: str | None) -> ExplanationFormat:
    """The parameter `format`, else the type that `Accept` prefers, else PNG. Raises NotAcceptableError."""
    if requested or not accept:
        return requested or "png"
    weights = parse_weights(accept)
    png, json = find_weight("image/png", weights), find_weight("application/json", weights)
    if max(png, json) == 0:
        raise describe_not_acceptable(accept, ["image/png", "application/json"])
    return "json" if json > png else "png"


def check_map(layer: MapLayer | None, map: int | None, as_json: bool, maps: Mapping[str, int]) -> None:
    """Raise RequestValidationError for a layer as JSON, a map without a layer, or a map that its layer lacks."""
    if layer and as_json:
        raise describe_bad_map("layer", layer, "feature maps of one layer are a PNG; for JSON, leave out layer and map")
    if map is not None and layer is None:
        ranges = ", ".join(f"{name} has 0 to {count - 1}" for name, count in maps.items())
        raise describe_bad_map("map", map, f"needs the parameter layer: {ranges}")
    if map is not None and layer is not None and map >= maps[layer]:
        raise describe_bad_map("map", map, f"{layer} has maps 0 to {maps[layer] - 1}")


def describe_bad_map(parameter: str, value: Any, message: str) -> RequestValidationError:
    return RequestValidationError([{"loc": ("query", parameter), "msg": message, "type": "map", "input": value}])
