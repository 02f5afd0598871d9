"""`POST /classify/explain`: what the digit network sees in an image and what its answer hangs on."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NoReturn

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError

from app.api.content_negotiation import find_weight, parse_accept
from app.api.dependencies import ServiceDependency
from app.api.parameters import ExplainQuery
from app.api.problem_docs import document_problems
from app.api.responses import PNG_RESPONSE, PRIVATE, describe_upload, quote_file_name
from app.api.uploads import add_fields, read_upload
from app.errors import NotAcceptableError
from app.tasks.explain import EXPLAIN_DIGIT, ExplainParams, ImageExplanation
from app.tasks.explain_sheet import EXPLAIN_DIGIT_SHEET, SheetParams
from app.tasks.options import MapLayer
from models.network import MAPS

router = APIRouter(tags=["digits"])

ExplanationFormat = Literal["png", "json"]

REPLY: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A PNG: the sheet or, with `layer`, feature maps; with `format=json` numbers and images.",
        "content": PNG_RESPONSE[200]["content"],
        "model": ImageExplanation,
    }
}


@router.post(
    "/classify/explain",
    operation_id="explain_digit",
    summary="Show what the network sees in a handwritten digit and what its answer hangs on",
    description=(
        "One sheet with the image, the 28×28 that was read, the feature maps of both convolutions (after batch "
        "norm and ReLU; 0 is black, the layer's largest value white), an occlusion map and the input gradient. "
        "A blank image is refused: the network is not shown it."
    ),
    response_class=Response,
    responses=REPLY | document_problems(400, 406, 413, 415, 422, 500, 503),
    openapi_extra=describe_upload(),
)
async def explain_digit(
    request: Request,
    service: ServiceDependency,
    query: Annotated[ExplainQuery, Query()],
) -> Response:
    upload = await read_upload(request)
    query = add_fields(query, upload.fields)
    layer, map = query.layer, query.map
    as_json = choose_format(query.format, request.headers.get("accept")) == "json"
    check_map(layer, map, as_json, MAPS)
    if as_json:
        _, (document,) = await service.pool.run(EXPLAIN_DIGIT, ExplainParams(query.polarity), [upload.data])
        return Response(document, media_type="application/json", headers=PRIVATE)
    name = "-".join(str(part) for part in ("explanation", layer, map) if part is not None) + ".png"
    params = SheetParams(query.polarity, layer, map, query.scale)
    _, (image,) = await service.pool.run(EXPLAIN_DIGIT_SHEET, params, [upload.data])
    return Response(image, media_type="image/png", headers=PRIVATE | {"Content-Disposition": quote_file_name(name)})


def choose_format(asked: ExplanationFormat | None, accept: str | None) -> ExplanationFormat:
    """PNG where the client likes both as well. Raises NotAcceptableError."""
    if asked or not accept:
        return asked or "png"
    weights = parse_accept(accept)
    png, json = find_weight("image/png", weights), find_weight("application/json", weights)
    if max(png, json) == 0:
        raise NotAcceptableError(
            f"The header Accept: {accept[:100]} admits neither image/png nor application/json. Say format=png or "
            "format=json."
        )
    return "json" if json > png else "png"


def check_map(layer: MapLayer | None, map: int | None, as_json: bool, maps: Mapping[str, int]) -> None:
    """Raise RequestValidationError for a layer as JSON, a map without a layer, or one that its layer lacks."""
    if layer and as_json:
        refuse("layer", layer, "a layer is answered as a PNG; the JSON has all of them: leave out layer and map")
    if map is not None and layer is None:
        ranges = ", ".join(f"{name} has 0 to {count - 1}" for name, count in maps.items())
        refuse("map", map, f"say which layer's map: {ranges}")
    if map is not None and layer is not None and map >= maps[layer]:
        refuse("map", map, f"{layer} has maps 0 to {maps[layer] - 1}")


def refuse(parameter: str, value: Any, message: str) -> NoReturn:
    raise RequestValidationError([{"loc": ("query", parameter), "msg": message, "type": "map", "input": value}])
