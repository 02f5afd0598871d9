"""The main loop of a worker process: `python -m app.pool.worker_main --tasks MODULE SOCKET [REQUESTS REPLIES]`.

MODULE has the registry of tasks. The other arguments are file descriptors from the parent process: a socket and, if the
system supports it, shared memory for each direction (`app/pool/ipc.py`). The first request starts the registry. The
process ends when the parent closes the socket.
"""

import argparse
import contextlib
import gc
import logging
import os
import signal
import socket
from typing import Any, BinaryIO

import msgspec

from app.context import Record, current_record
from app.observability.logs import configure_logging
from app.pool.ipc import (
    INTERNAL_ERROR,
    NOTHING,
    PREFIX,
    Reply,
    Report,
    Request,
    SharedMemory,
    TaskFailure,
    decode_request,
    encode,
    pack_frame,
    read_prefix,
    split_blobs,
)
from app.pool.task import Registry, load_registry
from app.settings import Settings
from app.system import keep_freed_memory, return_freed_memory

NICENESS = 5
"""The HTTP process has priority on a shared core: its work is short, and all clients wait for it."""
TRIM_EVERY_REPLIES = 1000
"""How often freed memory is returned to the system. Each page that is needed again costs a microsecond."""

logger = logging.getLogger(__name__)


def main() -> None:
    parser = argparse.ArgumentParser(description="A worker process of convserve, started by the service.")
    parser.add_argument("--tasks", required=True, metavar="MODULE")
    parser.add_argument("descriptors", nargs="+", type=int)
    arguments = parser.parse_args()
    # Terminals and service managers signal the whole process group. The parent decides when this process ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with contextlib.suppress(OSError):  # a sandbox may forbid it
        os.nice(NICENESS)
    keep_freed_memory()
    socket_descriptor, *shared = arguments.descriptors
    requests, replies = (SharedMemory(descriptor) for descriptor in shared or (None, None))
    with socket.socket(fileno=socket_descriptor) as channel, channel.makefile("rb") as frames:
        registry, context = start_registry(arguments.tasks, channel, frames, requests, replies)
        replied = 0
        while (received := read_request(frames, requests)) is not None:
            reply = work_on(registry, context, *received)
            received = None  # frees the image before the process waits for the next one
            send_reply(channel, replies, *reply)
            replied += 1
            if replied % TRIM_EVERY_REPLIES == 0:
                return_freed_memory()


def start_registry(
    module: str, channel: socket.socket, frames: BinaryIO, requests: SharedMemory, replies: SharedMemory
) -> tuple[Registry, Any]:
    """Reply to the first request. An error is sent to the parent, and ends the process."""
    received = read_request(frames, requests)
    if received is None:
        raise SystemExit
    request, (static,) = received
    try:
        settings = Settings.model_validate_json(msgspec.msgpack.decode(request.params, type=str))
        configure_logging(settings.log_format, settings.log_level)
        registry = load_registry(module)
        context = registry.start(settings, static)
    except Exception as error:
        message = str(error) or type(error).__name__
        send_reply(channel, replies, Reply(request.number, error=TaskFailure("start", message[:1000])), [])
        raise SystemExit(1) from error
    gc.collect()
    gc.freeze()  # excludes imported objects from later collections
    send_reply(channel, replies, Reply(request.number), [])
    return registry, context


def work_on(registry: Registry, context: Any, request: Request, blobs: list[bytes]) -> tuple[Reply, list[bytes]]:
    """Run the task of a request. The traceback of an unexpected error is logged with the id of the request."""
    current_record.set(Record(request.request_id))
    report = Report()
    try:
        task = registry.tasks[request.task]
        answer = task.run(context, task.decode_params(request.params), blobs, report)
        lengths = [len(blob) for blob in answer.blobs]
        result = msgspec.Raw(encode(answer.result)) if answer.result is not None else NOTHING
        return Reply(request.number, result, report=report, blob_lengths=lengths), list(answer.blobs)
    except Exception as error:
        failure = registry.describe_error(error)
        if failure is None:
            logger.exception("the task %r failed", request.task)
            failure = TaskFailure(INTERNAL_ERROR, "The task failed unexpectedly.")
        return Reply(request.number, error=failure, report=report), []


def send_reply(channel: socket.socket, replies: SharedMemory, reply: Reply, blobs: list[bytes]) -> None:
    if replies.takes(sum(reply.blob_lengths)):
        replies.write(blobs)
    channel.sendall(pack_frame(encode(reply), blobs, replies))


def read_request(frames: BinaryIO, requests: SharedMemory) -> tuple[Request, list[bytes]] | None:
    """Read the next request and its blobs. None at the end."""
    prefix = frames.read(PREFIX.size)
    if len(prefix) < PREFIX.size:
        return None
    frame = read_prefix(prefix, max_blob_bytes=2**40)
    content = memoryview(frames.read(frame.remaining_bytes))
    if len(content) < frame.remaining_bytes:
        return None
    request = decode_request(content[: frame.envelope_bytes])
    if frame.is_shared:
        return request, requests.read(request.blob_lengths)
    return request, split_blobs(content[frame.envelope_bytes :], request.blob_lengths)


if __name__ == "__main__":
    main()
