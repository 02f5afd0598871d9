"""A service without TensorFlow, for tests of the server: `python -m tests.support.toy_service convserve|uvicorn`.

It prints its port at the start, and at the end the numbers of started and finished requests.
"""

import asyncio
import logging
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial

import uvicorn
from fastapi import FastAPI, Request, Response

from app.api.problem_handlers import add_problem_handlers
from app.api.problems import render_server_error
from app.api.uploads import read_upload
from app.server.reservations import ReserveSlot, reserve_nothing
from app.server.server import Server
from app.settings import Settings

counts: Counter[str] = Counter()


def make_app() -> FastAPI:
    app = FastAPI()

    @app.post("/length")
    async def measure(request: Request, seconds: float = 0) -> int:
        """The length of the body, after a delay."""
        length = len(await request.body())
        counts["started"] += 1
        await asyncio.sleep(seconds)
        counts["finished"] += 1
        return length

    @app.post("/early")
    async def answer_early() -> str:
        """Without reading the body."""
        return "early"

    @app.post("/form")
    async def measure_upload(request: Request) -> int:
        """Reads the upload like the real service."""
        return len((await read_upload(request)).data)

    @app.get("/zeros")
    async def send_zeros(bytes: int) -> Response:
        return Response(b"0" * bytes)

    @app.post("/fail")
    async def fail(request: Request) -> None:
        await request.body()
        raise RuntimeError("a bug")

    @app.get("/livez")
    async def answer() -> str:
        return "alive"

    add_problem_handlers(app)
    return app


def make_server(
    kind: str,
    settings: Settings,
    reserve_slot: ReserveSlot = reserve_nothing,
    cors_origins: Sequence[str] = (),
) -> uvicorn.Server:
    """`convserve`, or stock `uvicorn`."""
    if kind == "convserve":
        render = partial(render_server_error, cors_origins=cors_origins)
        return Server(make_app(), nullcontext, settings, render, reserve_slot)
    return uvicorn.Server(uvicorn.Config(make_app(), log_level="warning"))


@contextmanager
def serve(
    kind: str,
    settings: Settings,
    reserve_slot: ReserveSlot = reserve_nothing,
    cors_origins: Sequence[str] = (),
) -> Iterator[tuple[int, uvicorn.Server]]:
    """Yields port and server, which runs in a thread."""
    server = make_server(kind, settings, reserve_slot, cors_origins)
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listening:
        port = listening.getsockname()[1]
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.02)
        try:
            yield port, server
        finally:
            server.force_exit = server.should_exit = True
            thread.join()


def main() -> None:
    logging.disable(logging.INFO)  # nothing reads the pipe, and a full pipe would block the service
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    server = make_server(sys.argv[1], Settings())
    print(listening.getsockname()[1], flush=True)
    try:
        server.run(sockets=[listening])
    finally:
        print(counts["started"], counts["finished"], flush=True)


if __name__ == "__main__":
    main()
