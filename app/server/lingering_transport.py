"""The part of a connection's transport that uvicorn's request cycle uses."""

import asyncio
from collections.abc import Callable

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.server.response_writer import ResponseWriter


class LingeringTransport:
    """Writes the response of one cycle. `close_after_reading` closes the connection."""

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        cycle: RequestResponseCycle,
        close_after_reading: Callable[[], None],
    ) -> None:
        self.writer = ResponseWriter(transport, loop)
        self.write = self.writer.write
        self.is_closing = transport.is_closing
        self._cycle = cycle
        self._close_after_reading = close_after_reading

    def close(self) -> None:
        """Close, unless the response is complete and has not announced it.

        uvicorn also closes after an exception of the app, which Starlette raises again when it has responded with 500.
        The next request of the client would be reset.
        """
        self.writer.flush()
        if not (self._cycle.response_complete and self._cycle.keep_alive):
            self._close_after_reading()
