"""Cancellation of requests whose client has disconnected: a waiting request leaves the queue."""

import asyncio
import contextlib

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class CancelOnDisconnect:
    """Cancels a request when its client disconnects after the whole body has arrived."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        body_read = asyncio.Event()

        async def receive_body() -> Message:
            if body_read.is_set():  # a streaming response also waits for the disconnect
                await asyncio.shield(watching)
                return {"type": "http.disconnect"}
            message = await receive()
            if not message.get("more_body", False):
                body_read.set()
            return message

        async def watch() -> None:
            await body_read.wait()
            while (await receive())["type"] != "http.disconnect":
                pass

        watching = asyncio.ensure_future(watch())
        request = asyncio.ensure_future(self.app(scope, receive_body, send))
        try:
            await asyncio.wait({watching, request}, return_when=asyncio.FIRST_COMPLETED)
            if request.done():
                with contextlib.suppress(ClientDisconnect):  # the client disconnected before the end of the body
                    await request
        finally:
            for task in (watching, request):
                task.cancel()
            await asyncio.gather(watching, request, return_exceptions=True)
