"""Writes the head of a response together with its body."""

import asyncio
from collections.abc import Sequence


class ResponseWriter:
    """uvicorn writes the head of a response and its body one after the other. Here they are sent together.

    This saves a system call, a packet, and a wake-up of the client. A part that none follows is sent in the next turn
    of the event loop.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held = b""
        self._flushing: asyncio.Handle | None = None

    def write(self, part: bytes) -> None:
        if self._held:
            self._send((self._held, part))
        else:
            self._held = part
            self._flushing = self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Send the part that is held."""
        if self._held:
            self._send((self._held,))

    def _send(self, parts: Sequence[bytes]) -> None:
        self._held = b""
        if self._flushing:
            self._flushing.cancel()
        if not self._transport.is_closing():
            self._transport.writelines(parts)
