"""One worker process, and the channel to it.

Unlike a thread, a process can be stopped in the middle of its work, which frees its core and memory at once.
"""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any, cast

from msgspec import Raw

from app.errors import StartError, WorkerLostError
from app.pool.ipc import (
    NOTHING,
    PREFIX,
    Frame,
    IPCError,
    Reply,
    Request,
    SharedMemory,
    decode_reply,
    encode,
    pack_frame,
    read_prefix,
    split_blobs,
)
from app.settings import SECRET_VARIABLES, Settings

WORKER_MODULE = "app.pool.worker_main"
START_SECONDS = 180
"""Limit for a process to import TensorFlow, filter once and load the digit model.

It takes 4 s on an idle machine, but more than a minute where many processes start from a cold disk at once. A low limit
makes that worse: the processes are stopped when they are almost ready, and start again.
"""
INLINE_COPY_BYTES = 4_000_000
"""Blobs up to this size are copied on the event loop in up to 1 ms, larger ones in a thread."""
BYTES_PER_PIXEL = 16
"""Of the largest result, which has four channels of float32."""
SPARE_BLOB_BYTES = 64_000_000
"""Added to the limit for results that do not grow with the image, such as sheets."""


Reader = Callable[[Reply, list[bytes]], Any]
"""Converts a reply and its blobs to the result of `Channel.ask`. Raises IPCError for a reply of the wrong type."""


def return_reply(reply: Reply, blobs: list[bytes]) -> Reply:
    return reply


class Channel(asyncio.Protocol):
    """The HTTP process's end of the connection to one worker, with one request in flight at a time.

    A worker that violates the protocol is disconnected. The pool then replaces its process.
    """

    def __init__(self, requests: SharedMemory, replies: SharedMemory, max_blob_bytes: int) -> None:
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Done when the connection has ended. The result is the protocol violation, or empty if there was none."""
        self.on_reply: Callable[[], None] = lambda: None
        """Called when a valid reply has arrived, before the coroutine that waits for it resumes."""
        self._requests = requests
        self._replies = replies
        self._max_blob_bytes = max_blob_bytes
        self._number = 0
        self._pending: asyncio.Future[Any] | None = None
        self._read: Reader = return_reply
        self._received = bytearray()
        self._frame: Frame | None = None
        self._is_copying = False
        """Whether a thread uses the shared memory."""
        self._violation = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.WriteTransport, transport)

    def ask(
        self, task: str, params: bytes, blobs: Sequence[bytes], read: "Reader", request_id: str = ""
    ) -> "asyncio.Future[Any]":
        """Send a request. The result of the future is that of `read` for the reply; its error is WorkerLostError."""
        self._number += 1
        self._read = read
        self._pending = asyncio.get_running_loop().create_future()
        if self.lost.done():
            self._pending.set_exception(WorkerLostError())
            return self._pending
        lengths = [len(blob) for blob in blobs]
        envelope = encode(Request(self._number, request_id, task, Raw(params) if params else NOTHING, lengths))
        frame = pack_frame(envelope, blobs, self._requests)
        if not self._requests.takes(sum(lengths)):
            self.transport.write(frame)
        elif sum(lengths) <= INLINE_COPY_BYTES:
            self._requests.write(blobs)
            self.transport.write(frame)
        else:
            self._run_in_thread(self._requests.write, blobs, then=lambda _: self.transport.write(frame))
        return self._pending

    def data_received(self, data: bytes) -> None:
        self._received += data
        try:
            self._read_frame()
        except IPCError as error:
            self._disconnect(str(error))

    def _read_frame(self) -> None:
        if self._pending is None or self._pending.done() or self._is_copying:
            raise IPCError("data arrived that no request is waiting for")
        if self._frame is None:
            if len(self._received) < PREFIX.size:
                return
            self._frame = read_prefix(self._received, self._max_blob_bytes)
        frame, received_bytes = self._frame, len(self._received) - PREFIX.size
        if received_bytes < frame.remaining_bytes:
            return
        if received_bytes > frame.remaining_bytes:
            raise IPCError("more data arrived than the frame announces")
        content = memoryview(self._received)[PREFIX.size :]
        self._frame, self._received = None, bytearray()
        reply = decode_reply(content[: frame.envelope_bytes])
        if reply.number != self._number:
            raise IPCError(f"the reply is to request {reply.number} instead of {self._number}")
        if not frame.is_shared:
            self._finish(reply, split_blobs(content[frame.envelope_bytes :], reply.blob_lengths))
            return
        if sum(reply.blob_lengths) != frame.blob_bytes:
            raise IPCError("the lengths of the blobs do not add up to the length in the prefix")
        if frame.blob_bytes <= INLINE_COPY_BYTES:
            self._finish(reply, self._replies.read(reply.blob_lengths))
        else:
            self._run_in_thread(self._replies.read, reply.blob_lengths, then=lambda blobs: self._finish(reply, blobs))

    def _finish(self, reply: Reply, blobs: list[bytes]) -> None:
        result = self._read(reply, blobs)
        if self._pending and not self._pending.done():
            self._pending.set_result(result)
            self.on_reply()

    def _run_in_thread(self, copy: Callable[..., Any], *args: Any, then: Callable[[Any], None]) -> None:
        """Copy large blobs without blocking the event loop, and call `then` with the result."""

        def resume(done: "asyncio.Future[Any]") -> None:
            self._is_copying = False
            if self.lost.done():
                return self._close_memory()
            try:
                then(done.result())
            except (IPCError, OSError) as error:
                self._disconnect(str(error))

        self._is_copying = True
        asyncio.get_running_loop().run_in_executor(None, copy, *args).add_done_callback(resume)

    def _disconnect(self, violation: str) -> None:
        self._violation = self._violation or violation
        self._fail()
        self.transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._fail()
        self.lost.set_result(self._violation)
        if not self._is_copying:
            self._close_memory()

    def _close_memory(self) -> None:
        """Never while a thread copies: its descriptor could already belong to another file."""
        self._requests.close()
        self._replies.close()

    def _fail(self) -> None:
        if self._pending and not self._pending.done():
            self._pending.set_exception(WorkerLostError())


class Worker:
    """One process that is ready to work, and the channel to it."""

    def __init__(self, process: subprocess.Popen[bytes], channel: Channel) -> None:
        self.process = process
        self.channel = channel
        self.has_large_upload = False
        """Whether its current work is a large upload."""
        self.busy_since = 0.0
        """When its current work began, on the loop's clock."""

    @classmethod
    async def start(cls, settings: Settings, registry: str, static: bytes) -> "Worker":
        """Start a process and wait until it is ready. Raises StartError or WorkerLostError."""
        ours, theirs = socket.socketpair()
        requests, replies = SharedMemory.allocate(), SharedMemory.allocate()
        with theirs:
            descriptors = [theirs.fileno(), *(d for d in (requests.descriptor, replies.descriptor) if d is not None)]
            command = [sys.executable, "-m", WORKER_MODULE, "--tasks", registry, *map(str, descriptors)]
            process = subprocess.Popen(
                command,
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                env={name: value for name, value in os.environ.items() if name not in SECRET_VARIABLES},
            )
        max_blob_bytes = BYTES_PER_PIXEL * settings.max_pixels + SPARE_BLOB_BYTES
        transport: asyncio.WriteTransport | None = None
        try:
            transport, channel = await asyncio.get_running_loop().create_unix_connection(
                lambda: Channel(requests, replies, max_blob_bytes), sock=ours
            )
            async with asyncio.timeout(START_SECONDS):
                reply = await channel.ask("start", encode(settings.model_dump_json()), [static], return_reply)
            if reply.error:
                raise StartError(reply.error.message)
        except BaseException as error:
            if transport:
                transport.abort()
            if isinstance(error, WorkerLostError):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(1)  # to get its own exit status
            process.kill()
            end = describe_end(process)
            if isinstance(error, WorkerLostError):
                raise WorkerLostError(f"a worker process ended while it was starting ({end}).") from error
            if isinstance(error, TimeoutError):
                raise StartError(
                    f"a worker process was not ready after {START_SECONDS} s. Start fewer at once."
                ) from error
            raise
        return cls(process, channel)

    def stop(self) -> None:
        """Stop the process at once."""
        self.channel.transport.abort()
        self.process.kill()


def describe_end(process: subprocess.Popen[bytes]) -> str:
    """Wait for the end of a process, and describe it as `signal 9` or `exit status 1`."""
    status = process.wait()
    return f"signal {-status}" if status < 0 else f"exit status {status}"
