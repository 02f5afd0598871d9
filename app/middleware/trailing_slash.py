"""Paths with a slash at the end."""

from starlette.types import ASGIApp, Receive, Scope, Send


class DropTrailingSlash:
    """Routes `/kernels/` as `/kernels`. `raw_path` stays as sent.

    A redirect would cost the client a second upload, and clients turn a redirected POST into a GET.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] != f"{scope.get('root_path', '')}/":
            scope["path"] = scope["path"].removesuffix("/")
        await self.app(scope, receive, send)
