"""The listening socket: whom it lets in when, and an end at which nobody who was let in is lost."""

import asyncio
import contextlib
import ctypes
import errno
import logging
import socket
import struct
import sys
from collections.abc import Callable, Iterator

from app.server.load_shedding import Accepted
from app.server.protocol import Connection, Connections

HANDSHAKE_SECONDS = 0.2  # for those that have begun when the listener is about to close
MOST_AT_ONCE = 100  # then those who are in already have a turn
TOGETHER_SECONDS = 0.02  # between looks while it is crowded: what that adds to an answer at most
NO_FILES_SECONDS = 0.5  # until somebody may have left
NO_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
SO_ATTACH_FILTER = 26  # of Linux; Python has no name for it

logger = logging.getLogger(__name__)


class Listener:
    """Lets connections in, each as soon as it comes; while uploads are being refused, those of 20 ms together.

    At ten times the load that can be carried nearly all that comes is refused. One at a time, each refusal would take
    the core from the work, and find the processor's caches full of somebody's image.
    """

    def __init__(
        self, listening: socket.socket, make_connection: Callable[[], Connection], connections: Connections
    ) -> None:
        self.listening = listening
        self.make_connection = make_connection
        self.connections = connections
        self._loop = asyncio.get_running_loop()
        self._coming_in: set[asyncio.Task[object]] = set()
        self._next_look: asyncio.TimerHandle | None = None

    def open(self) -> None:
        self.listening.setblocking(False)
        self._loop.add_reader(self.listening, self._let_in)

    async def close(self) -> None:
        """Let in whom the kernel has told that he is connected, and nobody after him."""
        stop_handshakes(self.listening)
        await asyncio.sleep(HANDSHAKE_SECONDS)
        self._loop.remove_reader(self.listening)
        with self.listening:
            for accepted in list(self._accept(sys.maxsize)):
                self._connect(accepted)
        if self._next_look:
            self._next_look.cancel()
        await asyncio.gather(*self._coming_in, return_exceptions=True)

    def _let_in(self) -> None:
        accepted = list(self._accept(MOST_AT_ONCE))
        if self.connections.refusals.is_crowded():
            accepted = self.connections.turn_away(accepted)
            self._pause(TOGETHER_SECONDS)
        for one in accepted:
            self._connect(one)

    def _accept(self, most: int) -> Iterator[Accepted]:
        for _ in range(most):
            try:
                connection, address = self.listening.accept()
                connection.setblocking(False)
                yield Accepted(connection, address[0] if address else "")
            except OSError as error:
                if error.errno in NO_FILES:
                    logger.warning("cannot let in a connection: %s", error.strerror)
                    self._pause(NO_FILES_SECONDS)
                if error.errno != errno.ECONNABORTED:  # of one that has gone again
                    return

    def _connect(self, accepted: Accepted) -> None:
        task = asyncio.ensure_future(self._loop.connect_accepted_socket(self.make_connection, accepted.socket))
        self._coming_in.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: "asyncio.Task[object]") -> None:
        self._coming_in.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.warning("cannot let in a connection: %s", error)

    def _pause(self, seconds: float) -> None:
        self._loop.remove_reader(self.listening)
        if self._next_look:
            seconds = max(seconds, self._next_look.when() - self._loop.time())
            self._next_look.cancel()
        self._next_look = self._loop.call_later(seconds, self.open)


def stop_handshakes(listening: socket.socket) -> None:
    """Have the kernel drop the first packet of new connections; who sent it tries again, and is refused by then.

    Without it, whoever connects between the last `accept` and `close` is told that he is connected, and then reset.
    """
    program = struct.pack(
        "HBBI" * 4,
        *(0x30, 0, 0, 13),  # load the byte of the TCP header that has the flags
        *(0x45, 0, 1, 0x02),  # is SYN among them?
        *(0x06, 0, 0, 0),  # then nothing of the packet is let through,
        *(0x06, 0, 0, 0xFFFFFFFF),  # or else all of it
    )
    if sys.platform != "linux":
        return
    kept = ctypes.create_string_buffer(program)
    with contextlib.suppress(OSError):  # then that moment stays
        listening.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", 4, ctypes.addressof(kept)))
