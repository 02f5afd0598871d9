"""Responses to HEAD."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class AnswerHead:
    """Responds to HEAD as to GET, without the body (RFC 9110, 9.3.2).

    FastAPI's routes allow only the methods that they list, and would list HEAD in the OpenAPI document.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            return await self.app(scope, receive, send)

        async def send_head(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        # A copy, because the server leaves out the body if the method is HEAD. The router adds the route to it.
        as_get = {**scope, "method": "GET"}
        try:
            await self.app(as_get, receive, send_head)
        finally:
            scope.update(as_get | {"method": "HEAD"})
