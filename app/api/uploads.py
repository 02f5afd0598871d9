"""Read the image of a request, and the other fields of its body."""

import base64
import string
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from app.api.forms import find_file_name, open_form
from app.api.repeated_parameters import parse_json, reject_repeated
from app.errors import TooManyFilesError, UploadTypeError
from app.images.formats import READABLE_MEDIA_TYPES

Query = TypeVar("Query", bound=BaseModel)

MAX_FORM_FIELDS = 50
MAX_FORM_FILES = 1000
MAX_SHOWN_CHARACTERS = 100
BASE64_CHARACTERS = string.ascii_letters.encode() + string.digits.encode() + b"+/"
URL_SAFE_TO_STANDARD = bytes.maketrans(b"-_", b"+/")


@dataclass(frozen=True)
class Upload:
    """An uploaded image, its file name, and the other fields of the body."""

    data: bytes
    name: str = "image"
    fields: dict[str, Any] = field(default_factory=dict)
    mask: bytes | None = None
    """The image of the field `mask`, of routes that take one."""


async def read_upload_and_query(request: Request, query: Query) -> tuple[Upload, Query]:
    """`read_upload`, with the other fields of the body added to the query. Raises what both raise."""
    upload = await read_upload(request)
    return upload, add_fields(query, upload.fields)


async def read_upload(request: Request, *, takes_mask: bool = False) -> Upload:
    """Read a form with a field `file`, a raw image, or JSON with the image in base64.

    With `takes_mask`, form and JSON may have a second image `mask`; in a form it is a file or base64. Raises
    UploadTypeError, UploadTooLargeError, RequestValidationError, or HTTPException for a malformed form.
    """
    content_type = read_content_type(request)
    if content_type == "multipart/form-data":
        upload = (await read_form(request, 1, takes_mask=takes_mask))[0]
        return await run_in_threadpool(take_mask, upload) if takes_mask else upload
    if content_type == "application/json":
        upload = await run_in_threadpool(read_json, await request.body())
        return await run_in_threadpool(take_mask, upload) if takes_mask else upload
    if content_type.startswith("image/") or content_type == "application/octet-stream":
        return Upload(await request.body(), find_file_name(request.headers.get("content-disposition", "")) or "image")
    sent = f"Content-Type '{content_type[:MAX_SHOWN_CHARACTERS]}'" if content_type else "no Content-Type"
    raise UploadTypeError(
        f"The request has {sent}. Send multipart/form-data with a field 'file' (curl -F file=@photo.jpg), or the "
        f"image itself with one of the types {', '.join(READABLE_MEDIA_TYPES)}."
    )


async def read_uploads(request: Request, max_files: int, *, text_field: str | None = None) -> list[Upload]:
    """Read one image or, from a form, up to `max_files` fields `file`, in order.

    A field of the name `text_field` may be sent as a file of text. Raises what `read_upload` raises, and
    TooManyFilesError.
    """
    if read_content_type(request) != "multipart/form-data":
        return [await read_upload(request)]
    uploads = await read_form(request, MAX_FORM_FILES, text_field=text_field)
    if len(uploads) > max_files:
        raise TooManyFilesError(
            f"The form has {len(uploads)} files; the limit is {max_files} (CONVSERVE_MAX_DIGIT_FILES). Split "
            "them into several requests."
        )
    return uploads


def read_content_type(request: Request) -> str:
    """The media type of the body, in lower case; empty if there is none. Raises UploadTypeError if it is compressed."""
    coding = request.headers.get("content-encoding", "").strip().lower()
    if coding not in ("", "identity"):
        raise UploadTypeError(
            f"The request has Content-Encoding '{coding[:MAX_SHOWN_CHARACTERS]}'. Send the body uncompressed: image "
            "files are compressed already.",
            {"Accept-Encoding": "identity"},
        )
    return request.headers.get("content-type", "").split(";")[0].strip().lower()


async def read_form(
    request: Request, max_files: int, *, takes_mask: bool = False, text_field: str | None = None
) -> list[Upload]:
    """Read at least one file. Each gets all other fields. Raises HTTPException for more than `max_files`.

    With `takes_mask`, a file in the field `mask` is the mask of all. `text_field` may be a file of text.
    """
    async with open_form(request, max_files=max_files + takes_mask, max_fields=MAX_FORM_FIELDS) as form:
        files = [file for file in form.getlist("file") if isinstance(file, UploadFile)]
        masks = [file for file in form.getlist("mask") if isinstance(file, UploadFile)] if takes_mask else []
        if takes_mask:
            check_file_fields(form)
        if not files:
            if "file" in form:
                raise describe_missing_file(
                    "the field 'file' holds text, not a file; with curl, use -F file=@photo.jpg"
                )
            found = ", ".join(f"'{name}'" for name in form) or "none"
            raise describe_missing_file(f"the form has no file in a field 'file'; its fields: {found}")
        fields = list_fields(form)
        text_file = form.get(text_field) if text_field else None
        if text_field and isinstance(text_file, UploadFile):
            fields[text_field] = (await text_file.read()).decode("utf-8", "replace")
        mask = await masks[0].read() if masks else None
        return [Upload(await file.read(), file.filename or "image", fields, mask) for file in files]


def check_file_fields(form: FormData) -> None:
    """Raise HTTPException for two files in `file` or `mask`, RequestValidationError for one in another field."""
    names = [name for name, value in form.multi_items() if isinstance(value, UploadFile)]
    for name in ("file", "mask"):
        if names.count(name) > 1:
            raise HTTPException(400, f"Too many files. The field '{name}' has {names.count(name)}; the limit is 1.")
    if unknown := [name for name in names if name not in ("file", "mask")]:
        message = "there is no such field for a file; use 'file' and, for a part of the image, 'mask'"
        raise RequestValidationError(
            [{"loc": ("body", name), "msg": message, "type": "extra_forbidden_file", "input": None} for name in unknown]
        )


def list_fields(form: FormData) -> dict[str, Any]:
    """The fields of a form that are not files; a list for one that is repeated and may be.

    Raises RequestValidationError if another is repeated.
    """
    texts: dict[str, list[str]] = {}
    for name, value in form.multi_items():
        if isinstance(value, str):
            texts.setdefault(name, []).append(value)
    reject_repeated("body", [name for name, values in texts.items() for _ in values])
    return {name: values[0] if len(values) == 1 else values for name, values in texts.items()}


def take_mask(upload: Upload) -> Upload:
    """Decode a field `mask` with base64. Raises RequestValidationError."""
    if "mask" not in upload.fields:
        return upload
    text = upload.fields.pop("mask")
    if upload.mask is not None or not isinstance(text, str):
        reason = "sent as a file and as text; send one" if upload.mask is not None else "use an image file or base64"
        raise RequestValidationError([{"loc": ("body", "mask"), "msg": reason, "type": "mask", "input": None}])
    return replace(upload, mask=decode_base64(text, "mask"))


def read_json(body: bytes) -> Upload:
    """Raises RequestValidationError."""
    try:
        fields = parse_json(body)
    except (ValueError, RecursionError) as error:
        raise describe_missing_file(f"not valid JSON: {error}") from None
    if not isinstance(fields, dict) or not isinstance(fields.get("file"), str):
        raise describe_missing_file("the JSON has no string 'file' with the image in base64")
    data = decode_base64(fields.pop("file"))
    return Upload(data, str(fields.pop("filename", "image")), fields)


def decode_base64(text: str, name: str = "file") -> bytes:
    """The field `name`: base64 (RFC 4648, 4 or 5), with or without padding and whitespace, or a data URI.

    MIME encoders break lines, and URL-safe encoders leave out the padding. Raises RequestValidationError.
    """
    try:
        encoded = text.removeprefix("data:").split(";base64,")[-1].encode("ascii")
    except UnicodeEncodeError as error:
        raise describe_missing_file(f"not base64: character {text[error.start]!r}", name) from None
    encoded = encoded.translate(URL_SAFE_TO_STANDARD, b" \t\r\n\f\v").rstrip(b"=")
    if other := encoded.translate(None, BASE64_CHARACTERS):
        raise describe_missing_file(f"not base64: character {chr(other[0])!r}", name)
    if len(encoded) % 4 == 1:
        raise describe_missing_file(
            f"truncated base64: {len(encoded)} characters, without whitespace and padding, are no whole number of "
            "bytes",
            name,
        )
    return base64.b64decode(encoded + b"=" * (-len(encoded) % 4))


def add_fields(query: Query, fields: dict[str, Any]) -> Query:
    """Add parameters from the body to those of the query string, which win. Raises RequestValidationError."""
    if not fields:
        return query
    try:
        return type(query).model_validate(fields | query.model_dump(exclude_unset=True))
    except ValidationError as error:
        raise RequestValidationError(
            [{**item, "loc": ("body", *item["loc"])} for item in error.errors(include_url=False)], body=fields
        ) from None


def describe_missing_file(message: str, name: str = "file") -> RequestValidationError:
    return RequestValidationError([{"loc": ("body", name), "msg": message, "type": "missing", "input": None}])
