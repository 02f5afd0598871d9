"""`POST /learn`: the kernel between a picture and its filtered copy."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import UploadFile

from app.chains import add_fields
from app.learning import Lesson, learn_from_pictures
from app.problems import document_problems
from app.routes.filter import PRIVATE
from app.state import ServiceDependency
from app.uploads import refuse_when_full
from kernels.learning import MAX_LEARNT_SIDE

router = APIRouter(tags=["filter"])

PICTURE = {"type": "string", "format": "binary"}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["before", "after"],
                    "properties": {"before": PICTURE, "after": PICTURE},
                }
            }
        },
    }
}


class LearnQuery(BaseModel):
    """Parameters of `POST /learn`, in the query or in the form."""

    model_config = ConfigDict(extra="forbid")

    size: Annotated[int, Field(ge=1, le=MAX_LEARNT_SIDE, description="Side of the kernel in pixels.")] = 3
    shared: Annotated[
        Literal["auto", "true", "false"],
        Field(description="One kernel for all channels, or one for each; `auto`: one where it explains them as well."),
    ] = "auto"


@router.post(
    "/learn",
    operation_id="learn_kernel",
    summary="Find the kernel that turns one picture into another",
    description="By least squares. Where the result is 0 or 255 it may have been cut off, so it is left out there.",
    responses=document_problems(400, 413, 415, 422, 500, 503),
    openapi_extra=BODY,
)
async def learn_kernel(
    request: Request, response: Response, service: ServiceDependency, query: Annotated[LearnQuery, Query()]
) -> Lesson:
    refuse_when_full(request)
    async with request.form(max_files=2, max_fields=10) as form:
        files = {name: form.get(name) for name in ("before", "after")}
        missing = [name for name, file in files.items() if not isinstance(file, UploadFile)]
        if missing:
            message = "Field required: a picture. curl -F before=@a.png -F after=@b.png"
            raise RequestValidationError(
                [{"loc": ("body", name), "msg": message, "type": "missing", "input": None} for name in missing]
            )
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        before, after = [await file.read() for file in files.values() if isinstance(file, UploadFile)]
    query = add_fields(query, fields)
    shared: Any = {"auto": "auto", "true": True, "false": False}[query.shared]
    response.headers.update(PRIVATE)
    return await service.workers.run(learn_from_pictures, before, after, query.size, shared, service.settings)
