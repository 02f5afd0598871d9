"""Read the image of a request, and the other fields of its body."""

import base64
import json
import re
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request

from app.errors import TooManyFilesError, UploadTypeError
from app.images.formats import READABLE_MEDIA_TYPES

Query = TypeVar("Query", bound=BaseModel)

MAX_FORM_FIELDS = 50
MAX_FORM_FILES = 1000
MAX_FIELD_BYTES = 1_000_000


@dataclass(frozen=True)
class Upload:
    """An uploaded image, its file name, and the other fields of the body."""

    data: bytes
    name: str = "image"
    fields: dict[str, Any] = field(default_factory=dict)


async def read_upload_and_query(request: Request, query: Query) -> tuple[Upload, Query]:
    """`read_upload`, with the other fields of the body added to the query. Raises what both raise."""
    upload = await read_upload(request)
    return upload, add_fields(query, upload.fields)


async def read_upload(request: Request) -> Upload:
    """Read a form with a field `file`, a raw image, or JSON with the image in base64.

    Raises UploadTypeError, UploadTooLargeError, RequestValidationError, or HTTPException for a malformed form.
    """
    content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if content_type == "multipart/form-data":
        return (await read_form(request, 1))[0]
    if content_type == "application/json":
        return await run_in_threadpool(read_json, await request.body())
    if content_type.startswith("image/") or content_type == "application/octet-stream":
        return Upload(await request.body(), read_file_name(request.headers.get("content-disposition", "")))
    sent = f"Content-Type '{content_type}'" if content_type else "no Content-Type"
    raise UploadTypeError(
        f"The request has {sent}. Send multipart/form-data with a field 'file' (curl -F file=@photo.jpg), or the "
        f"image itself with one of the types {', '.join(READABLE_MEDIA_TYPES)}."
    )


async def read_uploads(request: Request, max_files: int) -> list[Upload]:
    """Read one image or, from a form, up to `max_files` fields `file`, in order.

    Raises what `read_upload` raises, and TooManyFilesError.
    """
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        return [await read_upload(request)]
    uploads = await read_form(request, MAX_FORM_FILES)
    if len(uploads) > max_files:
        raise TooManyFilesError(
            f"The form has {len(uploads)} files; the limit is {max_files} (CONVSERVE_MAX_DIGIT_FILES). Split "
            "them into several requests."
        )
    return uploads


async def read_form(request: Request, max_files: int) -> list[Upload]:
    """Read at least one file. Each gets all other fields. Raises HTTPException for more than `max_files`."""
    form = await request.form(max_files=max_files, max_fields=MAX_FORM_FIELDS, max_part_size=MAX_FIELD_BYTES)
    try:
        files = [file for file in form.getlist("file") if isinstance(file, UploadFile)]
        if not files:
            if "file" in form:
                raise describe_missing_file(
                    "the field 'file' holds text, not a file; with curl, use -F file=@photo.jpg"
                )
            found = ", ".join(f"'{name}'" for name in form) or "none"
            raise describe_missing_file(f"the form has no file in a field 'file'; its fields: {found}")
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        return [Upload(await file.read(), file.filename or "image", fields) for file in files]
    finally:
        await form.close()


def read_json(body: bytes) -> Upload:
    """Raises RequestValidationError."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise describe_missing_file(f"not valid JSON: {error}") from None
    if not isinstance(fields, dict) or not isinstance(fields.get("file"), str):
        raise describe_missing_file("the JSON has no string 'file' with the image in base64")
    encoded = fields.pop("file").removeprefix("data:")
    try:
        data = base64.b64decode(encoded.split(";base64,")[-1], validate=True)
    except ValueError as error:
        raise describe_missing_file(f"not valid base64: {error}") from None
    return Upload(data, str(fields.pop("filename", "image")), fields)


def add_fields(query: Query, fields: dict[str, Any]) -> Query:
    """Add parameters from the body to those of the query string, which win. Raises RequestValidationError."""
    if not fields:
        return query
    try:
        return type(query).model_validate(fields | query.model_dump(exclude_unset=True))
    except ValidationError as error:
        raise RequestValidationError(
            [{**item, "loc": ("body", *item["loc"])} for item in error.errors(include_url=False)]
        ) from None


def read_file_name(disposition: str) -> str:
    """The file name in a Content-Disposition header; `image` if it has none."""
    match = re.search(r'filename="?([^";]+)', disposition)
    return match.group(1) if match else "image"


def describe_missing_file(message: str) -> RequestValidationError:
    return RequestValidationError([{"loc": ("body", "file"), "msg": message, "type": "missing", "input": None}])
