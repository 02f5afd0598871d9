"""Cancellation of requests whose client has disconnected: a waiting request leaves the queue."""

import asyncio

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

WATCH_AFTER_SECONDS = 0.05
"""From the end of the body until the client is watched. Most requests end earlier, and then need no task for that."""


class CancelOnDisconnect:
    """Cancels a request when its client disconnects after the whole body has arrived."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        client = Client(receive)
        try:
            await self.app(scope, client.receive_body, send)
        except ClientDisconnect:  # before the end of the body
            pass
        except asyncio.CancelledError:
            if not client.has_left or client.request.uncancel():  # the server has cancelled the request, too
                raise
        finally:
            client.stop_watching()


class Client:
    """The client of the request that the current asyncio task handles."""

    def __init__(self, receive: Receive) -> None:
        request = asyncio.current_task()
        assert request is not None
        self.request = request
        self.has_left = False
        self._receive = receive
        self._watching: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def receive_body(self) -> Message:
        if self._timer is not None:  # the body has been read: a streaming response waits for the disconnect, too
            self._start_watching()
            assert self._watching is not None
            await asyncio.shield(self._watching)
            return {"type": "http.disconnect"}
        message = await self._receive()
        if not message.get("more_body", False):
            self._timer = asyncio.get_running_loop().call_later(WATCH_AFTER_SECONDS, self._start_watching)
        return message

    def _start_watching(self) -> None:
        if self._watching is None:
            self._watching = asyncio.ensure_future(self._cancel_on_disconnect())

    async def _cancel_on_disconnect(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.has_left = True
        self.request.cancel()

    def stop_watching(self) -> None:
        for waiting in (self._timer, self._watching):
            if waiting is not None:
                waiting.cancel()
