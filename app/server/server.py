"""The HTTP server: uvicorn with timeouts for slow clients, and a shutdown that loses no accepted connection."""

import asyncio
import gc
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from types import FrameType
from typing import Any

import uvicorn

from app.errors import StartError
from app.server.acceptor import Acceptor
from app.server.connections import Connections
from app.server.protocol import Connection
from app.server.rejections import RenderError
from app.server.reservations import ReserveSlot, reserve_nothing
from app.settings import Settings
from app.system import raise_file_limit

SPARE_FILES = 200  # file descriptors for everything else than connections: uploads on disk, workers, libraries
TICK_SECONDS = 0.25

logger = logging.getLogger(__name__)


class Server(uvicorn.Server):
    """Serves an ASGI app on sockets that are already open.

    `lifespan` is entered before the first connection is accepted, and left at the end. `render_error` renders the
    server's own responses. `reserve_slot` reserves a slot in the queue for an upload, before its body is read.
    `on_drain` is called when the shutdown begins.
    """

    server_state: Connections

    def __init__(
        self,
        app: Callable[..., Awaitable[None]],
        lifespan: Callable[[], AbstractAsyncContextManager[Any]],
        settings: Settings,
        render_error: RenderError,
        reserve_slot: ReserveSlot = reserve_nothing,
        on_drain: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=Connection,
                ws="none",
                lifespan="off",  # `startup` enters it, because uvicorn logs a traceback if it fails
                server_header=False,
                log_config=None,
                log_level="warning",
                access_log=False,
                proxy_headers=False,  # the app has a middleware for them
            )
        )
        self.settings = settings
        self.lifespan_context = lifespan
        self.on_drain = on_drain
        self.exit_stack = AsyncExitStack()
        self.acceptors: list[Acceptor] = []
        files = raise_file_limit(settings.max_connections + SPARE_FILES)
        spare = min(SPARE_FILES, files // 2)
        max_connections = min(settings.max_connections, files - spare)
        self.server_state = Connections(settings, max_connections, render_error, reserve_slot)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Raises StartError if the lifespan fails. A signal during the start cancels it.

        `sockets`: bound and listening.
        """
        starting = asyncio.create_task(self.exit_stack.enter_async_context(self.lifespan_context()))
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
        for one in sockets or ():
            self.acceptors.append(Acceptor(one, self.make_connection, self.server_state))
            self.acceptors[-1].open()
        self.started = True
        self.watching = asyncio.create_task(self.watch_timeouts())
        gc.collect()
        gc.freeze()  # imported modules and the app stay in memory: no collection has to visit them again
        logger.info("ready: process %d accepts up to %d connections", os.getpid(), self.server_state.max_connections)

    async def watch_timeouts(self) -> None:
        loop = asyncio.get_running_loop()
        last = loop.time()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            # Delays of this process do not count against the clients.
            self.server_state.check_timeouts(min(loop.time() - last, 2 * TICK_SECONDS))
            last = loop.time()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain the backlog, serve open connections for a while, finish the requests in work, and stop the app."""
        self.server_state.draining = True
        self.on_drain()
        await asyncio.gather(*(acceptor.close() for acceptor in self.acceptors))
        for connection in self.list_connections():
            connection.close_after_response()
        await self.wait_for_connections(self.settings.drain_seconds)
        for connection in self.list_connections():
            connection.shutdown()
        await self.wait_for_connections(self.settings.graceful_seconds)
        if len(self.server_state):
            logger.warning("closing %d connections that have not finished", len(self.server_state))
        self.server_state.lingering.close()
        for connection in self.list_connections():
            connection.transport.abort()
        self.watching.cancel()
        for task in self.server_state.tasks:
            task.cancel()
        await asyncio.gather(self.watching, *self.server_state.tasks, return_exceptions=True)
        await self.exit_stack.aclose()

    def make_connection(self) -> Connection:
        return Connection(self.config, self.server_state, app_state={})

    def list_connections(self) -> list[Connection]:
        return [one for one in self.server_state.connections if isinstance(one, Connection)]

    async def wait_for_connections(self, seconds: float) -> None:
        """Until all have closed, the time is over, or a second signal arrives."""
        end = asyncio.get_running_loop().time() + seconds
        while len(self.server_state) and not self.force_exit and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.05)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal drains, the second ends at once. The exit status is 0; uvicorn would end by the signal."""
        self.force_exit = self.should_exit
        self.should_exit = True
