"""Connections whose answer has been sent while the client is still sending.

Closing them would reset them, and a reset may cost the client the answer that it has not read yet.
"""

import asyncio
import contextlib
import socket
import sys
from collections import deque
from typing import NamedTuple

LINGER_BYTES, LINGER_SECONDS = 4_000_000, 2  # of what is still sent, before the connection is closed all the same
TICK_SECONDS = 0.02
READ_BYTES = 1_000_000
READ_AWAY = socket.MSG_TRUNC if sys.platform == "linux" else 0
"""Where the kernel throws away what came instead of copying it (tcp(7))."""


class Leaving(NamedTuple):
    """A connection of which only the client's side is open."""

    socket: socket.socket
    until: float
    bytes_left: int


class Leavetaking:
    """Reads what such clients still send, until they close, or have sent or waited too long.

    All of them in one go every so often: an overloaded process that looked whenever something came did little else.
    """

    def __init__(self) -> None:
        self._leaving: deque[Leaving] = deque()  # who came first is closed first
        self._scratch = bytearray(READ_BYTES)
        self._next_look: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._leaving)

    def add(self, connection: socket.socket) -> None:
        """Tell the client that no more is coming, and see it out."""
        try:
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            return connection.close()
        self._leaving.append(Leaving(connection, asyncio.get_running_loop().time() + LINGER_SECONDS, LINGER_BYTES))
        self._look_later()

    def close_one(self) -> bool:
        """The one that has been here for longest. Whether there was one."""
        if not self._leaving:
            return False
        self._leaving.popleft().socket.close()
        return True

    def close(self) -> None:
        while self.close_one():
            pass

    def _look_later(self) -> None:
        if self._next_look is None and self._leaving:
            self._next_look = asyncio.get_running_loop().call_later(TICK_SECONDS, self._look)

    def _look(self) -> None:
        self._next_look = None
        now = asyncio.get_running_loop().time()
        before, self._leaving = self._leaving, deque()
        for one in before:
            bytes_left = one.bytes_left - self._read_away(one.socket)
            if bytes_left > 0 and now < one.until:
                self._leaving.append(one._replace(bytes_left=bytes_left))
            else:
                one.socket.close()
        self._look_later()

    def _read_away(self, connection: socket.socket) -> int:
        """How many bytes had come; where the client has closed, as many as end its stay."""
        with contextlib.suppress(BlockingIOError):
            try:
                return connection.recv_into(self._scratch, READ_BYTES, READ_AWAY) or LINGER_BYTES
            except ConnectionError:
                return LINGER_BYTES
        return 0


def duplicate(transport: asyncio.BaseTransport) -> socket.socket:
    """The transport's connection, which stays open when the transport closes. Raises OSError without a descriptor."""
    return socket.fromfd(transport.get_extra_info("socket").fileno(), socket.AF_INET, socket.SOCK_STREAM)
