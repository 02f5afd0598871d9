"""The HTTP server: uvicorn, with deadlines for slow clients and an end that loses nothing that was accepted."""

import asyncio
import gc
import logging
import os
import socket
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from types import FrameType

import uvicorn
from fastapi import FastAPI

from app.errors import StartError
from app.server.acceptor import Listener
from app.server.load_shedding import CheckUpload
from app.server.protocol import Connection, Connections, take_all
from app.settings import Settings
from app.system import raise_file_limit

SPARE_FILES = 200  # of the files this process may open, for all but connections: uploads on disk, workers, libraries
TICK_SECONDS = 0.25

logger = logging.getLogger(__name__)


class Server(uvicorn.Server):
    """Serves an app on sockets that are open already.

    `on_drain` is called when it has been told to stop. `cors_origins`: whose scripts may read its own answers.
    """

    server_state: Connections

    def __init__(
        self,
        app: FastAPI,
        settings: Settings,
        check_upload: CheckUpload = take_all,
        on_drain: Callable[[], None] = lambda: None,
        cors_origins: Sequence[str] = (),
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
                proxy_headers=False,  # app/middleware/headers.py: trust_proxies
            )
        )
        self.settings = settings
        self.on_drain = on_drain
        self.lifetime = AsyncExitStack()
        self.app = app
        files = raise_file_limit(settings.max_connections + SPARE_FILES)
        spare = min(SPARE_FILES, files // 2)
        most = min(settings.max_connections, files - spare)
        self.server_state = Connections(settings, most, check_upload, cors_origins)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Raises StartError, where uvicorn logs a traceback. Told to stop meanwhile, it stops at once.

        `sockets`: bound and listening.
        """
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
        self.listeners = [Listener(one, self.make_connection, self.server_state) for one in sockets or ()]
        for listener in self.listeners:
            listener.open()
        self.started = True
        self.watching = asyncio.create_task(self.watch())
        gc.collect()
        gc.freeze()  # what has been imported and built stays; the collector need not look at it again and again
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
        await asyncio.gather(*(listener.close() for listener in self.listeners))
        for connection in self.server_state:
            if connection.cycle is not None:
                connection.cycle.keep_alive = False
        await self.wait_for_connections(self.settings.drain_seconds)
        for connection in self.server_state:
            connection.shutdown()
        await self.wait_for_connections(self.settings.graceful_seconds)
        if len(self.server_state):
            logger.warning("closing %d connections that are not done", len(self.server_state))
        self.server_state.leavetaking.close()
        for connection in self.server_state:
            connection.transport.abort()
        self.watching.cancel()
        for task in self.server_state.tasks:
            task.cancel()
        await asyncio.gather(self.watching, *self.server_state.tasks, return_exceptions=True)
        await self.lifetime.aclose()

    def make_connection(self) -> Connection:
        return Connection(self.config, self.server_state, app_state={})

    async def wait_for_connections(self, seconds: float) -> None:
        """Until all have ended, the time is over, or somebody has no patience left."""
        end = asyncio.get_running_loop().time() + seconds
        while len(self.server_state) and not self.force_exit and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.05)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal drains, the second ends at once. The exit status is 0, where uvicorn ends by the signal."""
        self.force_exit = self.should_exit
        self.should_exit = True
