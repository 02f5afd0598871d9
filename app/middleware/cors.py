"""Cross-origin resource sharing: which other sites may read responses."""

from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

EXPOSED = (
    "Content-Disposition", "ETag", "Link", "RateLimit", "RateLimit-Policy", "Retry-After", "Server-Timing",
    "X-Clipped-Percent", "X-Colour", "X-Convserve-Path", "X-Kernel-Divisor", "X-Kernel-Sum", "X-Origin-Height",
    "X-Origin-Width", "X-Request-ID", "X-Result-Height", "X-Result-Width",
)  # fmt: skip
"""Response headers that scripts of other origins may read, besides the CORS-safelisted ones."""
PREFLIGHT_SECONDS = 600


class AllowOrigins(CORSMiddleware):
    """Allows scripts of these origins to read responses. The service has no cookies, so credentials play no part."""

    def __init__(self, app: ASGIApp, *, origins: Sequence[str]) -> None:
        super().__init__(
            app,
            allow_origins=list(origins),
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "If-None-Match", "Traceparent", "X-Request-ID"],
            expose_headers=list(EXPOSED),
            max_age=PREFLIGHT_SECONDS,
        )


def list_cors_headers(origin: str, origins: Sequence[str]) -> list[tuple[bytes, bytes]]:
    """The headers that `AllowOrigins` adds for a request with this Origin header."""
    if not origin or not ("*" in origins or origin in origins):
        return []
    headers = [(b"access-control-expose-headers", ", ".join(EXPOSED).encode())]
    if "*" in origins:
        return [(b"access-control-allow-origin", b"*"), *headers]
    return [(b"access-control-allow-origin", origin.encode("latin-1")), (b"vary", b"Origin"), *headers]
