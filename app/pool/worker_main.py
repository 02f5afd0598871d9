"""What runs in a worker process: `python -m app.pool.worker_main SOCKET [REQUESTS REPLIES]`, file descriptors.

A message is a pickle in a frame (`app/pool/ipc.py`): first the settings, then one `(request_id, function, args,
kwargs)` after another. Each is answered with `(result, error, record)`. The process ends when the other end of the
socket does.
"""

import contextlib
import gc
import os
import pickle
import signal
import socket
import sys
import traceback
from typing import Any, BinaryIO

from app.context import Record, current_record
from app.observability.logs import configure_logging
from app.pool.ipc import HEADER_BYTES, SharedMemory, count_bytes_to_come
from app.pool.quiet_tensorflow import without_greeting
from app.settings import Settings
from app.system import count_cores, keep_freed_memory, return_freed_memory

NICENESS = 5
"""On a shared core, the process that talks HTTP comes first: its work is short, and everybody waits for it."""
KEPT_ANSWERS = 1000
"""After so many, freed memory goes back once; each page that is wanted again costs a microsecond then."""


def main() -> None:
    # A terminal and a service manager signal the whole group; when this one ends is for its parent to say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with contextlib.suppress(OSError):  # where a sandbox forbids it
        os.nice(NICENESS)
    keep_freed_memory()
    socket_descriptor, *shared = (int(argument) for argument in sys.argv[1:])
    requests, replies = (SharedMemory(descriptor) for descriptor in shared or (None, None))
    with socket.socket(fileno=socket_descriptor) as channel, channel.makefile("rb") as frames:
        settings = read_message(frames, requests)
        if settings is None:
            return
        channel.sendall(replies.frame(answer("", warm_up_process, settings)))
        answered = 0
        while (message := read_message(frames, requests)) is not None:
            request_id, function, args, kwargs = message
            reply = answer(request_id, function, *args, **kwargs)
            message = args = kwargs = None  # the image need not stay while the next one is awaited
            channel.sendall(replies.frame(reply))
            answered += 1
            if answered % KEPT_ANSWERS == 0:
                return_freed_memory()


def warm_up_process(settings: Settings) -> None:
    """Import TensorFlow, convolve once and load the digit reader."""
    configure_logging(settings.log_format, settings.log_level)
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
    # NumPy's; threads that wait spin, on the others' cores.
    threads = os.environ.setdefault("OPENBLAS_NUM_THREADS", str(max(1, count_cores() // settings.workers)))
    with without_greeting():
        import cv2

        from app.tasks.classify import load_reader
        from kernels.apply.conv2d import warm_up

        cv2.setNumThreads(int(threads))
        warm_up()
        load_reader(settings.model_folder).warm_up()
    gc.collect()
    gc.freeze()  # what TensorFlow has brought stays; the collector need not look at it again and again


def answer(request_id: str, function: Any, *args: Any, **kwargs: Any) -> bytes:
    """The pickled `(result, error, record)` of a call. An error keeps its traceback as a note."""
    record = Record(request_id)
    current_record.set(record)
    try:
        return pickle.dumps((function(*args, **kwargs), None, record), protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        error.add_note(traceback.format_exc())
        try:
            reply = pickle.dumps((None, error, record))
            pickle.loads(reply)
        except Exception:
            return pickle.dumps((None, RuntimeError(traceback.format_exc()), record))
        return reply


def read_message(frames: BinaryIO, requests: SharedMemory) -> Any:
    """The next message; None at the end."""
    header = frames.read(HEADER_BYTES)
    frame = header + frames.read(count_bytes_to_come(header)) if len(header) == HEADER_BYTES else header
    content = requests.unframe(frame)
    return None if content is None else pickle.loads(content)


if __name__ == "__main__":
    main()
