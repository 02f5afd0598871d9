"""Who gets in: decided by the head of a request, before its body is read."""

import re
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import answer_known_error
from app.errors import RateLimitError, UnauthorizedError, UnknownHostError
from app.middleware.rate_limit import ClientRates
from app.middleware.tokens import Tokens

PROBES = ("/livez", "/readyz")
OPEN_PATHS = frozenset((*PROBES, "/", "/favicon.ico", "/docs", "/openapi.json", "/problems"))
OPEN_FOLDERS = ("/static/", "/docs/assets/")


class Gate:
    """Middleware that lets through who names an allowed host, does not ask too often, and has a token.

    The page, its files and the documentation are open: they are the same for everybody and cost no work. The probes
    are open, too, and under any name, as they are asked by address.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str], rates: ClientRates | None, tokens: Tokens) -> None:
        self.app = app
        self.hosts = hosts
        self.rates = rates
        self.tokens = tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        try:
            headers = self.admit(scope)
        except (UnknownHostError, RateLimitError, UnauthorizedError) as error:
            return await answer_known_error(Request(scope), error)(scope, receive, send)
        if not headers:
            return await self.app(scope, receive, send)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *headers]}
            await send(message)

        await self.app(scope, receive, send_with_headers)

    def admit(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        """Headers for the answer. Raises UnknownHostError, RateLimitError or UnauthorizedError."""
        headers = Headers(scope=scope)
        path: str = scope["path"]
        if self.hosts and path not in PROBES:
            check_host(headers.get("host", ""), self.hosts)
        if is_open(path):
            return []
        client = scope.get("client")
        told = self.rates.count(client[0] if client else "") if self.rates else {}
        if self.tokens:
            check_token(headers.get("authorization", ""), self.tokens)
        return [(name.lower().encode(), value.encode()) for name, value in told.items()]


def is_open(path: str) -> bool:
    return path in OPEN_PATHS or path.startswith(OPEN_FOLDERS)


def check_host(host: str, allowed: Sequence[str]) -> None:
    """`allowed` has names, or *.example.com for all names below. Raises UnknownHostError."""
    name = re.sub(r"\.?(:\d*)?$", "", host.lower())
    for pattern in allowed:
        if name == pattern or (pattern.startswith("*.") and name.endswith(pattern[1:])):
            return
    raise UnknownHostError(f"This service is not called {host[:100]!r} (CONVSERVE_ALLOWED_HOSTS).")


def check_token(authorization: str, tokens: Tokens) -> None:
    """Raises UnauthorizedError, which never has what was sent."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise UnauthorizedError(
            "This service wants a token: send the header Authorization: Bearer TOKEN.", 'Bearer realm="convserve"'
        )
    if not tokens.admits(token.strip()):
        raise UnauthorizedError(
            "The token is not one of those that this service knows.", 'Bearer realm="convserve", error="invalid_token"'
        )
