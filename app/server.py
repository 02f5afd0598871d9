"""The HTTP server: uvicorn, with deadlines for slow clients and an end that loses nothing that was accepted."""

import asyncio
import contextlib
import ctypes
import logging
import os
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from types import FrameType

import uvicorn
from fastapi import FastAPI

from app.connections import CheckUpload, Connection, Connections, take_all
from app.machine import raise_file_limit
from app.settings import Settings

HANDSHAKE_SECONDS = 0.2  # for those that have begun when the listener is about to close
SPARE_FILES = 200  # of the files this process may open, for all but connections: uploads on disk, workers, libraries
SO_ATTACH_FILTER = 26  # of Linux; Python has no name for it
TICK_SECONDS = 0.25

logger = logging.getLogger(__name__)


class StartError(RuntimeError):
    """The app did not start. The message says why."""


class Server(uvicorn.Server):
    """Serves an app on sockets that are open already.

    `on_drain` is called when it has been told to stop.
    """

    server_state: Connections

    def __init__(
        self,
        app: FastAPI,
        settings: Settings,
        check_upload: CheckUpload = take_all,
        on_drain: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=Connection,
                ws="none",
                lifespan="off",
                server_header=False,
                log_config=None,
                log_level="warning",  # of uvicorn's own lines: it tells of a start before there is one
                access_log=False,
                proxy_headers=False,  # app/access/headers.py: trust_proxies
            )
        )
        self.settings = settings
        self.on_drain = on_drain
        self.lifetime = AsyncExitStack()
        self.app = app
        files = raise_file_limit(settings.max_connections + SPARE_FILES)
        spare = min(SPARE_FILES, files // 2)
        self.server_state = Connections(settings, min(settings.max_connections, files - spare), check_upload)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Raises StartError, where uvicorn logs a traceback. Told to stop meanwhile, it stops at once."""
        starting = asyncio.create_task(self.lifetime.enter_async_context(self.app.router.lifespan_context(self.app)))
        while not starting.done() and not self.should_exit:
            await asyncio.wait({starting}, timeout=TICK_SECONDS)
        if not starting.done():
            starting.cancel()
            await asyncio.wait({starting})
            return
        try:
            await starting
        except Exception as error:
            raise StartError(f"The service cannot start: {str(error) or type(error).__name__}") from error
        self.listening = [listening.dup() for listening in sockets or []]
        await super().startup(sockets)
        self.watching = asyncio.create_task(self.watch())
        logger.info("ready: process %d takes up to %d connections", os.getpid(), self.server_state.max_connections)

    async def watch(self) -> None:
        """Close what waits too long."""
        loop = asyncio.get_running_loop()
        last = loop.time()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            # What this process itself was late is not the clients' fault.
            self.server_state.judge(min(loop.time() - last, 2 * TICK_SECONDS))
            last = loop.time()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take in who is connected already, serve them for a while, finish what has started, and stop the app."""
        self.server_state.draining = True
        self.on_drain()
        await self.close_listeners()
        for connection in self.server_state:
            if connection.cycle is not None:
                connection.cycle.keep_alive = False
        await self.wait_for_connections(self.settings.drain_seconds)
        for connection in self.server_state:
            connection.shutdown()
        await self.wait_for_connections(self.settings.graceful_seconds)
        if self.server_state.connections:
            logger.warning("closing %d connections that are not done", len(self.server_state.connections))
        for connection in self.server_state:
            connection.transport.abort()
        self.watching.cancel()
        for task in self.server_state.tasks:
            task.cancel()
        await asyncio.gather(self.watching, *self.server_state.tasks, return_exceptions=True)
        await self.lifetime.aclose()

    async def close_listeners(self) -> None:
        """Take in whom the kernel has told that he is connected, and nobody after him."""
        for listening in self.listening:
            stop_handshakes(listening)
        await asyncio.sleep(HANDSHAKE_SECONDS)
        for server in self.servers:
            server.close()
        loop = asyncio.get_running_loop()
        for listening in self.listening:
            for accepted in list(accept_waiting(listening)):
                await loop.connect_accepted_socket(self.make_connection, accepted)

    def make_connection(self) -> Connection:
        return Connection(self.config, self.server_state, app_state={})

    async def wait_for_connections(self, seconds: float) -> None:
        """Until all have ended, the time is over, or somebody has no patience left."""
        end = asyncio.get_running_loop().time() + seconds
        while self.server_state.connections and not self.force_exit and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.05)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal drains, the second ends at once. The exit status is 0, where uvicorn ends by the signal."""
        self.force_exit = self.should_exit
        self.should_exit = True


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


def accept_waiting(listening: socket.socket) -> Iterator[socket.socket]:
    """Those in the kernel's line; closes the listener after the last."""
    with listening:
        listening.setblocking(False)
        while True:
            try:
                yield listening.accept()[0]
            except OSError:
                return
