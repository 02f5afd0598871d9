"""Response headers that tell browsers what a response may do."""

import base64
import hashlib
import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class SecurityHeaders:
    """Adds the headers of `list_security_headers` to every response, except those that the response sets itself."""

    def __init__(self, app: ASGIApp, *, cross_origin: bool) -> None:
        self.app = app
        self.headers = list_security_headers(cross_origin)

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


def list_security_headers(cross_origin: bool) -> list[tuple[bytes, bytes]]:
    """`cross_origin`: pages of other origins may use the response."""
    return [
        # An image or JSON that a browser opens as a page loads and runs nothing. Pages set their own policy.
        (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"cross-origin-resource-policy", b"cross-origin" if cross_origin else b"same-origin"),
    ]


def allow_inline(html: str, image_sources: str = "'self' data:") -> str:
    """A Content-Security-Policy for a page of the service: its own files, and the inline scripts in it, by hash.

    `image_sources`: the sources of `img-src`.
    """
    hashes = [
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    ]
    scripts = " ".join(["'self'", *hashes])
    return (
        f"default-src 'none'; script-src {scripts}; "
        f"style-src 'self' 'unsafe-inline'; img-src {image_sources}; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'self'"
    )
