"""Accepts connections, and drains the backlog on shutdown."""

import asyncio
import contextlib
import ctypes
import errno
import logging
import socket
import struct
import sys
from collections.abc import Callable, Iterator

from app.server.connections import Connections

HANDSHAKE_SECONDS = 0.2  # for handshakes that are in progress at shutdown
BATCH_CONNECTIONS = 100  # then other tasks of the event loop run
BATCH_SECONDS = 0.02  # between batches during an overload: the latency that batching adds at most
NO_FILES_SECONDS = 0.5  # before the next try when no file descriptor is left
NO_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
SO_ATTACH_FILTER = 26  # Linux; Python's socket module has no such name

logger = logging.getLogger(__name__)


class Acceptor:
    """Accepts each connection at once, or during an overload all those of 20 ms together.

    At ten times the capacity most requests are rejected. One at a time, each rejection would interrupt the worker on
    the same core and evict the image from the processor's caches.
    """

    def __init__(
        self,
        listening: socket.socket,
        make_connection: Callable[[], asyncio.Protocol],
        connections: Connections,
    ) -> None:
        self.listening = listening
        self.make_connection = make_connection
        self.connections = connections
        self._loop = asyncio.get_running_loop()
        self._connecting: set[asyncio.Task[object]] = set()
        self._resume_timer: asyncio.TimerHandle | None = None

    def open(self) -> None:
        self.listening.setblocking(False)
        self._loop.add_reader(self.listening, self._accept_ready)

    async def close(self) -> None:
        """Accept the connections whose handshake the kernel has completed, and close the listening socket."""
        drop_handshakes(self.listening)
        await asyncio.sleep(HANDSHAKE_SECONDS)
        self._loop.remove_reader(self.listening)
        with self.listening:
            for connection in self._accept(sys.maxsize):
                self._connect(connection)
        if self._resume_timer:
            self._resume_timer.cancel()
        await asyncio.gather(*self._connecting, return_exceptions=True)

    def _accept_ready(self) -> None:
        for connection in self._accept(BATCH_CONNECTIONS):
            self._connect(connection)
        if self.connections.rejections.is_overload():
            self._pause(BATCH_SECONDS)

    def _accept(self, limit: int) -> Iterator[socket.socket]:
        for _ in range(limit):
            try:
                connection, _ = self.listening.accept()
                connection.setblocking(False)
                yield connection
            except OSError as error:
                if error.errno in NO_FILES:
                    logger.warning("cannot accept a connection: %s", error.strerror)
                    self._pause(NO_FILES_SECONDS)
                if error.errno != errno.ECONNABORTED:  # the client closed the connection in the backlog
                    return

    def _connect(self, connection: socket.socket) -> None:
        task = asyncio.ensure_future(self._loop.connect_accepted_socket(self.make_connection, connection))
        self._connecting.add(task)
        task.add_done_callback(self._finish_connect)

    def _finish_connect(self, task: "asyncio.Task[object]") -> None:
        self._connecting.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.warning("cannot accept a connection: %s", error)

    def _pause(self, seconds: float) -> None:
        self._loop.remove_reader(self.listening)
        if self._resume_timer:
            seconds = max(seconds, self._resume_timer.when() - self._loop.time())
            self._resume_timer.cancel()
        self._resume_timer = self._loop.call_later(seconds, self.open)


def drop_handshakes(listening: socket.socket) -> None:
    """Make the kernel drop the first packet of new connections. The client repeats it, and is refused by then.

    Otherwise a client that connects between the last `accept` and `close` is connected and then reset. Linux only.
    """
    program = struct.pack(
        "HBBI" * 4,
        *(0x30, 0, 0, 13),  # load the flags byte of the TCP header
        *(0x45, 0, 1, 0x02),  # if SYN is set,
        *(0x06, 0, 0, 0),  # drop the packet,
        *(0x06, 0, 0, 0xFFFFFFFF),  # or else accept it
    )
    if sys.platform != "linux":
        return
    kept = ctypes.create_string_buffer(program)
    with contextlib.suppress(OSError):  # without the filter a few clients may be reset
        listening.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", 4, ctypes.addressof(kept)))
