"""What runs in a worker process: `python -m app.worker FILE_DESCRIPTOR`, of a socket to the process that started it.

A message is its length in 8 bytes and a pickle: first the settings, then one `(request_id, function, args, kwargs)`
after another. Each is answered with `(result, error, record)`. The process ends when the other end of the socket does.
"""

import os
import pickle
import signal
import socket
import sys
import traceback
from typing import Any, BinaryIO

from app.greeting import without_greeting
from app.machine import count_cores
from app.observability.logs import configure_logging
from app.observability.record import Record, current_record
from app.settings import Settings

LENGTH_BYTES = 8


def main() -> None:
    # A terminal and a service manager signal the whole group; when this one ends is for its parent to say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with socket.socket(fileno=int(sys.argv[1])) as channel, channel.makefile("rb") as messages:
        settings = read_message(messages)
        if settings is None:
            return
        channel.sendall(b"".join(frame_message(answer("", warm_up_process, settings))))
        while (message := read_message(messages)) is not None:
            request_id, function, args, kwargs = message
            reply = answer(request_id, function, *args, **kwargs)
            message = args = kwargs = None  # the picture need not stay while the next one is awaited
            for part in frame_message(reply):
                channel.sendall(part)


def warm_up_process(settings: Settings) -> None:
    """Import TensorFlow, convolve once and load the digit reader."""
    configure_logging(settings.log_format, settings.log_level)
    threads = str(max(1, count_cores() // settings.workers))
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", threads)  # NumPy's; threads that wait spin, on the others' cores
    with without_greeting():
        from app.digits import load_reader
        from kernels.engine import warm_up

        warm_up()
        load_reader(settings.model_folder).warm_up()


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


def read_message(messages: BinaryIO) -> Any:
    """The next message; None at the end."""
    length = messages.read(LENGTH_BYTES)
    if len(length) < LENGTH_BYTES:
        return None
    content = messages.read(int.from_bytes(length))
    return pickle.loads(content) if len(content) == int.from_bytes(length) else None


def frame_message(content: bytes) -> tuple[bytes, bytes]:
    return len(content).to_bytes(LENGTH_BYTES), content


if __name__ == "__main__":
    main()
