"""Tasks for tests of the worker pool, in addition to those of the service.

Use: `WorkerPool(settings, "tests.support.tasks")`.
"""

import os
import signal
import time
from collections.abc import Sequence
from types import NoneType
from typing import Any

import msgspec

from app.pool.ipc import Report
from app.pool.pool import WorkerPool
from app.pool.task import Answer, Registry, Task
from app.settings import Settings
from app.tasks.context import load_static_data
from app.tasks.registry import REGISTRY as SERVICE
from kernels.errors import KernelParameterError


class Seconds(msgspec.Struct, frozen=True):
    seconds: float = 0.0


class Note(msgspec.Struct, frozen=True):
    path: str
    name: str


class Word(msgspec.Struct, frozen=True):
    word: str = "same"


class Nothing(msgspec.Struct, frozen=True):
    pass


def get_pid(context: Any, params: Nothing, blobs: Sequence[bytes], report: Report) -> Answer[int]:
    return Answer(os.getpid())


def read_environment(context: Any, params: Nothing, blobs: Sequence[bytes], report: Report) -> Answer[dict[str, str]]:
    return Answer(dict(os.environ))


def wait(context: Any, params: Seconds, blobs: Sequence[bytes], report: Report) -> Answer[int]:
    """Sleep. The result is the number of bytes."""
    time.sleep(params.seconds)
    return Answer(sum(map(len, blobs)))


def burn(context: Any, params: Seconds, blobs: Sequence[bytes], report: Report) -> Answer[None]:
    """Keep the processor busy, like a decoder."""
    end = time.process_time() + params.seconds
    while time.process_time() < end:
        pass
    return Answer(None)


def write_note(context: Any, params: Note, blobs: Sequence[bytes], report: Report) -> Answer[None]:
    """Append a name to a file, and sleep for a moment."""
    with open(params.path, "a") as file:
        file.write(params.name + "\n")
    time.sleep(0.02)
    return Answer(None)


def end_process(context: Any, params: Nothing, blobs: Sequence[bytes], report: Report) -> Answer[None]:
    os.kill(os.getpid(), signal.SIGKILL)
    return Answer(None)


def reject(context: Any, params: Nothing, blobs: Sequence[bytes], report: Report) -> Answer[None]:
    raise KernelParameterError("sigma", "sigma is -1")


def fail(context: Any, params: Nothing, blobs: Sequence[bytes], report: Report) -> Answer[None]:
    raise ZeroDivisionError("a secret of the implementation")


def echo(context: Any, params: Nothing, blobs: Sequence[bytes], report: Report) -> Answer[None]:
    return Answer(None, blobs)


def count_batch(context: Any, params: Word, blobs: Sequence[bytes], report: Report) -> Answer[list[tuple[str, int]]]:
    """The word and the size of the batch for each blob. The report counts a pixel for each byte."""
    report.pixels += sum(map(len, blobs))
    return Answer([(params.word, len(blobs)) for _ in blobs], blobs)


def end_process_on_request(context: Any, params: Word, blobs: Sequence[bytes], report: Report) -> Answer[list[None]]:
    """End the process if one of the blobs is `end`. Raises KernelParameterError if one is `fail`."""
    if b"end" in blobs:
        os.kill(os.getpid(), signal.SIGKILL)
    if b"fail" in blobs:
        raise KernelParameterError("sigma", "sigma is -1")
    return Answer([None for _ in blobs], blobs)


GET_PID = Task("get-pid", Nothing, int, get_pid, blob_count=0)
READ_ENVIRONMENT = Task("read-environment", Nothing, dict[str, str], read_environment, blob_count=0)
WAIT = Task("wait", Seconds, int, wait, blob_count=0)
BURN = Task("burn", Seconds, NoneType, burn, blob_count=0)
WRITE_NOTE = Task("write-note", Note, NoneType, write_note, blob_count=0)
END_PROCESS = Task("end-process", Nothing, NoneType, end_process, blob_count=0)
REJECT = Task("reject", Nothing, NoneType, reject, blob_count=0)
FAIL = Task("fail", Nothing, NoneType, fail, blob_count=0)
ECHO = Task("echo", Nothing, NoneType, echo, blob_count=None)
COUNT_BATCH = Task("count-batch", Word, list[tuple[str, int]], count_batch, is_batchable=True)
END_ON_REQUEST = Task("end-on-request", Word, list[None], end_process_on_request, is_batchable=True)

TASKS = (
    GET_PID, READ_ENVIRONMENT, WAIT, BURN, WRITE_NOTE, END_PROCESS, REJECT, FAIL, ECHO, COUNT_BATCH, END_ON_REQUEST,
)  # fmt: skip


def start(settings: Settings, static: bytes) -> Any:
    """With the static data of the service, the context is that of the service's tasks."""
    return SERVICE.start(settings, static) if static else None


def make_pool(settings: Settings) -> WorkerPool:
    """A pool with these tasks and those of the service."""
    return WorkerPool(settings, "tests.support.tasks", load_static_data(settings))


REGISTRY = Registry({**SERVICE.tasks, **{task.name: task for task in TASKS}}, start, SERVICE.describe_error)
