"""The limit on the size of request bodies."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import UploadTooLargeError


class BodyLimit:
    """Stops reading a body at `max_bytes`, with or without a Content-Length.

    The route that reads the body gets an UploadTooLargeError.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        declared = Headers(scope=scope).get("content-length", "")
        received = 0

        async def receive_within_limit() -> Message:
            nonlocal received
            if declared.isdigit() and int(declared) > self.max_bytes:
                raise self.make_error(int(declared))
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.max_bytes:
                raise self.make_error(received)
            return message

        await self.app(scope, receive_within_limit, send)

    def make_error(self, size: int) -> UploadTooLargeError:
        return UploadTooLargeError(
            f"The request body has {size} bytes or more; the limit is {self.max_bytes} (CONVSERVE_MAX_UPLOAD_BYTES)."
        )
