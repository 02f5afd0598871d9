"""One worker process, and the channel to it.

A thread cannot be stopped in the middle of its work; a process can, and its core and memory are free at once.
"""

import asyncio
import contextlib
import os
import pickle
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any, cast

from app.context import find_record
from app.errors import WorkerLostError
from app.pool.ipc import SharedMemory
from app.settings import SECRET_VARIABLES, Settings

START_SECONDS = 60  # for a process to import TensorFlow, convolve once and load the digit model


Reply = bytearray | memoryview


class Channel(asyncio.Protocol):
    """The front's end of the way to one process: a message out, its reply in, one at a time."""

    def __init__(self, requests: SharedMemory, replies: SharedMemory) -> None:
        self.lost = asyncio.get_running_loop().create_future()
        self.on_reply: Callable[[], None] = lambda: None
        """Called as soon as a reply has come, before whoever waits for it goes on: the process has nothing to do."""
        self._requests = requests
        self._replies = replies
        self._reply: asyncio.Future[Reply] | None = None
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.WriteTransport, transport)

    def ask(self, message: bytes) -> "asyncio.Future[Reply]":
        """Send a message. Its reply, or a WorkerLostError, is to come."""
        self._reply = asyncio.get_running_loop().create_future()
        if self.lost.done():
            self._reply.set_exception(WorkerLostError())
        else:
            self.transport.write(self._requests.frame(message))
        return self._reply

    def data_received(self, data: bytes) -> None:
        self._received += data
        reply = self._replies.unframe(self._received)
        if reply is not None and self._reply and not self._reply.done():
            self._received = bytearray()
            self._reply.set_result(reply)
            self.on_reply()

    def connection_lost(self, error: Exception | None) -> None:
        if self._reply and not self._reply.done():
            self._reply.set_exception(WorkerLostError())
        self.lost.set_result(None)
        self._requests.close()
        self._replies.close()


class Worker:
    """One process, warm, and the channel to it."""

    def __init__(self, process: subprocess.Popen[bytes], channel: Channel) -> None:
        self.process = process
        self.channel = channel
        self.at_large = False
        """Whether its work is that of a large upload."""
        self.since = 0.0
        """When it began, on the loop's clock."""

    @classmethod
    async def start(cls, settings: Settings) -> "Worker":
        """Start a process and wait until it is warm. Raises the error that kept it from starting."""
        ours, theirs = socket.socketpair()
        requests, replies = SharedMemory.allocate(), SharedMemory.allocate()
        with theirs:
            descriptors = [theirs.fileno(), *(d for d in (requests.descriptor, replies.descriptor) if d is not None)]
            process = subprocess.Popen(
                [sys.executable, "-m", "app.pool.worker_main", *map(str, descriptors)],
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                env={name: value for name, value in os.environ.items() if name not in SECRET_VARIABLES},
            )
        transport, channel = await asyncio.get_running_loop().create_unix_connection(
            lambda: Channel(requests, replies), sock=ours
        )
        try:
            async with asyncio.timeout(START_SECONDS):
                read_reply(await channel.ask(pickle.dumps(settings)))
        except BaseException as error:
            transport.abort()
            if isinstance(error, WorkerLostError):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(1)  # for its own exit status
            process.kill()
            end = describe_end(process)
            if isinstance(error, WorkerLostError):
                raise WorkerLostError(f"a worker process ended while it was starting ({end}).") from error
            raise
        return cls(process, channel)

    def stop(self) -> None:
        """At once, whatever it is doing."""
        self.channel.transport.abort()
        self.process.kill()


def describe_end(process: subprocess.Popen[bytes]) -> str:
    """`signal 9` or `exit status 1`. Waits for the end."""
    status = process.wait()
    return f"signal {-status}" if status < 0 else f"exit status {status}"


def read_reply(reply: Reply) -> Any:
    """The result, or raise the error, that a process sent, and take over what it noted about the work."""
    result, error, work = pickle.loads(reply)
    find_record().add_work(work)
    if error is not None:
        raise error
    return result
