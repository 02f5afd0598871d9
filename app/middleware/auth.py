"""Access control by the head of a request, before its body is read."""

import re
from collections.abc import Callable, Sequence

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.context import find_record
from app.errors import ErrorResponse, RateLimitError, UnauthorizedError, UnknownHostError
from app.middleware.rate_limit import ClientRates
from app.middleware.tokens import Tokens

PROBES = ("/livez", "/readyz", "/v2/health/live", "/v2/health/ready")
OPEN_PATHS = frozenset((*PROBES, "/", "/favicon.ico", "/docs", "/openapi.json", "/problems"))
OPEN_FOLDERS = ("/static/", "/docs/assets/")

RenderError = Callable[[Exception, str, str], ErrorResponse]
"""Called with an error, and the id and path of the request."""


class AccessControl:
    """Rejects requests with a disallowed Host, over the rate limit, or without a valid token.

    The page, its files and the documentation are open: they are the same for every client and cost no work. The probes
    are open too, and have any Host, because an orchestrator calls them by address.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Sequence[str],
        rates: ClientRates | None,
        tokens: Tokens,
        render_error: RenderError,
    ) -> None:
        self.app = app
        self.hosts = hosts
        self.rates = rates
        self.tokens = tokens
        self.render_error = render_error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        try:
            headers = self.admit(scope)
        except (UnknownHostError, RateLimitError, UnauthorizedError) as error:
            return await self.reject(error, scope["path"], send)
        if not headers:
            return await self.app(scope, receive, send)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *headers]}
            await send(message)

        await self.app(scope, receive, send_with_headers)

    def admit(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        """Headers for the response. Raises UnknownHostError, RateLimitError or UnauthorizedError."""
        headers = Headers(scope=scope)
        path: str = scope["path"]
        if self.hosts and path not in PROBES:
            check_host(headers.get("host", ""), self.hosts)
        if is_open(path):
            return []
        client = scope.get("client")
        rate_headers = self.rates.count(client[0] if client else "") if self.rates else {}
        if self.tokens:
            check_token(headers.get("authorization", ""), self.tokens)
        return [(name.lower().encode(), value.encode()) for name, value in rate_headers.items()]

    async def reject(self, error: Exception, path: str, send: Send) -> None:
        record = find_record()
        response = self.render_error(error, record.id, path)
        record.problem = response.slug
        length = (b"content-length", b"%d" % len(response.body))
        await send({"type": "http.response.start", "status": response.status, "headers": [*response.headers, length]})
        await send({"type": "http.response.body", "body": response.body})


def is_open(path: str) -> bool:
    return path in OPEN_PATHS or path.startswith(OPEN_FOLDERS)


def check_host(host: str, allowed: Sequence[str]) -> None:
    """`allowed`: names, or *.example.com for all names below it. Raises UnknownHostError."""
    name = re.sub(r"\.?(:\d*)?$", "", host.lower())
    for pattern in allowed:
        if name == pattern or (pattern.startswith("*.") and name.endswith(pattern[1:])):
            return
    raise UnknownHostError(f"The host {host[:100]!r} is not allowed (CONVSERVE_ALLOWED_HOSTS).")


def check_token(authorization: str, tokens: Tokens) -> None:
    """Raises UnauthorizedError. Its message never contains the token."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise UnauthorizedError(
            "This service requires a token: send the header Authorization: Bearer TOKEN.", 'Bearer realm="convserve"'
        )
    if not tokens.admits(token.strip()):
        raise UnauthorizedError("The token is invalid.", 'Bearer realm="convserve", error="invalid_token"')
