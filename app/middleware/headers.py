"""What browsers are told: what an answer may do, and which other sites may read it."""

import base64
import hashlib
import re
from collections.abc import Sequence
from typing import cast

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

EXPOSED = (
    "Content-Disposition", "ETag", "Link", "RateLimit", "RateLimit-Policy", "Retry-After", "Server-Timing",
    "X-Clipped-Percent", "X-Convserve-Path", "X-Kernel-Divisor", "X-Kernel-Sum", "X-Origin-Height", "X-Origin-Width",
    "X-Request-ID", "X-Result-Height", "X-Result-Width",
)  # fmt: skip
"""That scripts of other origins may read, besides those that they always may."""
PREFLIGHT_SECONDS = 600


class SecurityHeaders:
    """Middleware that gives every answer those headers of which it has none of its own."""

    def __init__(self, app: ASGIApp, *, shared: bool) -> None:
        self.app = app
        self.headers = list_security_headers(shared)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = message.get("headers", [])
                names = {name.lower() for name, _ in own}
                message = {**message, "headers": [*own, *(h for h in self.headers if h[0] not in names)]}
            await send(message)

        await self.app(scope, receive, send_with_headers)


def list_security_headers(shared: bool) -> list[tuple[bytes, bytes]]:
    """`shared`: other origins may use the answer."""
    return [
        # An image or JSON, opened as a page, may load and run nothing. Pages have a policy of their own.
        (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"cross-origin-resource-policy", b"cross-origin" if shared else b"same-origin"),
    ]


def share_with(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """Let scripts of these origins read the answers. Cookies play no part: there are none."""
    return CORSMiddleware(
        app,
        allow_origins=list(origins),
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type", "If-None-Match", "Traceparent", "X-Request-ID"],
        expose_headers=list(EXPOSED),
        max_age=PREFLIGHT_SECONDS,
    )


def list_sharing_headers(origin: str, origins: Sequence[str]) -> list[tuple[bytes, bytes]]:
    """What `share_with` gives a script of this origin, for answers that it never sees."""
    if not origin or not ("*" in origins or origin in origins):
        return []
    headers = [(b"access-control-expose-headers", ", ".join(EXPOSED).encode())]
    if "*" in origins:
        return [(b"access-control-allow-origin", b"*"), *headers]
    return [(b"access-control-allow-origin", origin.encode("latin-1")), (b"vary", b"Origin"), *headers]


def trust_proxies(app: ASGIApp, proxies: Sequence[str]) -> ASGIApp:
    """Believe X-Forwarded-For and X-Forwarded-Proto of these addresses and networks, and of nobody else."""
    return cast(ASGIApp, ProxyHeadersMiddleware(app, list(proxies)))  # type: ignore[arg-type]


def allow_inline(html: str) -> str:
    """A policy for a page of our own: its files, and exactly the scripts that stand in it (by hash)."""
    hashes = [
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    ]
    scripts = " ".join(["'self'", *hashes])
    return (
        f"default-src 'none'; script-src {scripts}; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'self'"
    )
