"""Lingering close: after the response, read what the client still sends before its connection is closed.

Closing a socket with unread data resets the connection, and a reset may discard the response on its way to the client.
"""

import asyncio
import contextlib
import socket
import sys
from collections import deque
from typing import NamedTuple

LINGER_BYTES, LINGER_SECONDS = 4_000_000, 2  # then the connection is closed even if the client still sends
TICK_SECONDS = 0.02
READ_BYTES = 1_000_000
DISCARD = socket.MSG_TRUNC if sys.platform == "linux" else 0
"""The kernel discards the data instead of copying it (tcp(7))."""


class Lingering(NamedTuple):
    """A connection whose sending side is closed."""

    socket: socket.socket
    until: float
    bytes_left: int


class LingeringClose:
    """Reads from such connections until the client closes, or LINGER_BYTES or LINGER_SECONDS are reached.

    All connections are read together every 20 ms: to react to each packet would take most of an overloaded process.
    """

    def __init__(self) -> None:
        self._lingering: deque[Lingering] = deque()  # oldest first
        self._scratch = bytearray(READ_BYTES)
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._lingering)

    def add(self, connection: socket.socket) -> None:
        """Close the sending side now, and the connection later."""
        try:
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            return connection.close()
        until = asyncio.get_running_loop().time() + LINGER_SECONDS
        self._lingering.append(Lingering(connection, until, LINGER_BYTES))
        self._schedule()

    def close_oldest(self) -> bool:
        """Returns whether there was one."""
        if not self._lingering:
            return False
        self._lingering.popleft().socket.close()
        return True

    def close(self) -> None:
        while self.close_oldest():
            pass

    def _schedule(self) -> None:
        if self._timer is None and self._lingering:
            self._timer = asyncio.get_running_loop().call_later(TICK_SECONDS, self._read_all)

    def _read_all(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        before, self._lingering = self._lingering, deque()
        for one in before:
            bytes_left = one.bytes_left - self._discard(one.socket)
            if bytes_left > 0 and now < one.until:
                self._lingering.append(one._replace(bytes_left=bytes_left))
            else:
                one.socket.close()
        self._schedule()

    def _discard(self, connection: socket.socket) -> int:
        """Bytes that had arrived; LINGER_BYTES if the client has closed the connection."""
        with contextlib.suppress(BlockingIOError):
            try:
                return connection.recv_into(self._scratch, READ_BYTES, DISCARD) or LINGER_BYTES
            except ConnectionError:
                return LINGER_BYTES
        return 0


def duplicate(transport: asyncio.BaseTransport) -> socket.socket:
    """The transport's connection, on a descriptor of its own. Raises OSError if the process has none left."""
    return socket.fromfd(transport.get_extra_info("socket").fileno(), socket.AF_INET, socket.SOCK_STREAM)
