"""ETags for content that does not change while the service runs."""

import hashlib
from typing import Any

from fastapi import Request, Response

MAX_AGE_SECONDS = 300
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "Not modified (`If-None-Match`)."}}
"""For the `responses` of a route."""


def respond_with_etag(request: Request, content: bytes, media_type: str) -> Response:
    """200 with a strong ETag, or 304 if the client already has this content (RFC 9110, 13.1.2)."""
    etag = format_etag(hashlib.sha256(content).hexdigest())
    headers = {"ETag": etag, "Cache-Control": f"max-age={MAX_AGE_SECONDS}"}
    if has_content(request, etag):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)


def format_etag(sha256: str) -> str:
    """The strong ETag of content with this digest."""
    return f'"{sha256[:32]}"'


def has_content(request: Request, etag: str) -> bool:
    """Whether the client has the content of this strong ETag, by a weak comparison."""
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    return etag in known or "*" in known
