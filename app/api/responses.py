"""Responses, headers and OpenAPI descriptions that several routes share."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from fastapi import Response

from app.images.formats import READABLE_MEDIA_TYPES

BINARY = {"schema": {"type": "string", "format": "binary"}}
BYTES = {"application/octet-stream": BINARY}
"""Generators of clients return the first type that they know: without this one, they parse an image as JSON or drop it.

The service sends the type of the image, which is none of theirs."""
PNG_RESPONSE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A PNG.",
        "content": {"image/png": BINARY, **BYTES},
    }
}
PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Vary": "Accept"}
"""Results are not cached, and browsers do not guess their type."""


def respond_with_json(document: bytes) -> Response:
    return Response(document, media_type="application/json", headers=PRIVATE)


def respond_with_file(content: bytes, media_type: str, name: str, headers: Mapping[str, str] | None = None) -> Response:
    """A result that browsers show, and save under `name`."""
    disposition = {"Content-Disposition": format_disposition(name)}
    return Response(content, media_type=media_type, headers=PRIVATE | dict(headers or {}) | disposition)


def format_disposition(name: str) -> str:
    """`inline` with the file name in ASCII and, if that changes it, also in UTF-8 (RFC 6266)."""
    name = re.split(r"[/\\]", name)[-1].encode("utf-8", "replace").decode("utf-8")  # JSON can hold lone surrogates
    ascii_name = re.sub(r"[^A-Za-z0-9._ ()+-]", "_", name)
    disposition = f'inline; filename="{ascii_name}"'
    return disposition if ascii_name == name else f"{disposition}; filename*=UTF-8''{quote(name, safe='')}"


MASK = (
    "A grey image of the same size. White pixels are filtered, black pixels keep their values, grey ones are mixed. In "
    "JSON it is base64 or a data URI."
)


def describe_upload(
    *, more: dict[str, Any] | None = None, several: bool = False, takes_mask: bool = False
) -> dict[str, Any]:
    """The request body in OpenAPI: a form, the raw image, or JSON with base64.

    `more` are further fields of the form and of the JSON. With `several`, the form may have several files;
    with `takes_mask`, form and JSON may have a mask.
    """
    mask = {"type": "string", "description": MASK}
    form = {
        "type": "object",
        "required": ["file"],
        "properties": {
            "file": {"type": "array", "items": BINARY["schema"]} if several else BINARY["schema"],
            **({"mask": BINARY["schema"] | mask} if takes_mask else {}),
            **(more or {}),
        },
    }
    text = {"type": "string", "description": "The image in base64, or as a data URI."}
    more = ({"mask": mask} if takes_mask else {}) | (more or {})
    document = {"type": "object", "required": ["file"], "properties": {"file": text, **more}}
    return {
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {"schema": form},
                **dict.fromkeys(READABLE_MEDIA_TYPES, BINARY),
                "application/json": {"schema": document},
            },
        }
    }
