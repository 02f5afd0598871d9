"""Jobs as messages to worker processes and Ray actors, and the task that processes items."""

from collections.abc import Sequence
from functools import lru_cache

import msgspec

from app.archive.items import Item, ItemOutcome, process_items
from app.archive.job import ClassifyJob, FilterJob, Job
from app.archive.storage import open_folder, open_source
from app.images.formats import FormatName, Frames
from app.pool.ipc import Report
from app.pool.task import Answer, Task
from app.tasks.context import TaskContext
from app.tasks.filter import FilterRequest
from app.tasks.operations import encode_operations
from app.tasks.options import AS_USUAL, ReadingOptions


class JobMessage(msgspec.Struct, frozen=True):
    """A job without its settings, which a worker process gets at its start."""

    source: str
    out: str
    operations: str = ""
    """Steps of a filter job, as JSON (`app/tasks/operations.py`). Empty for a job that classifies digits."""
    linear: bool = False
    frames: Frames = "all"
    quality: int | None = None
    format: FormatName | None = None
    reading: ReadingOptions = AS_USUAL


class ItemsParams(msgspec.Struct, frozen=True):
    """Parameters of the task `archive-items`."""

    job: JobMessage
    fingerprint: str
    items: list[Item]


def describe_job(job: Job) -> JobMessage:
    if isinstance(job, ClassifyJob):
        return JobMessage(job.source.url, job.out.url, reading=job.reading)
    request = job.request
    operations = encode_operations(request.steps)
    return JobMessage(
        job.source.url, job.out.url, operations, request.linear, request.frames, request.quality, job.format
    )


@lru_cache(maxsize=4)
def restore_job(message: JobMessage, context: TaskContext) -> Job:
    """The inverse of `describe_job`. Raises StorageError."""
    source, out = open_source(message.source), open_folder(message.out)
    if not message.operations:
        return ClassifyJob(source, out, context.settings, message.reading)
    steps = context.parse_steps(message.operations)
    request = FilterRequest(steps, message.linear, message.frames, message.quality)
    return FilterJob(source, out, context.settings, request, message.format)


def run_items(
    context: TaskContext, params: ItemsParams, blobs: Sequence[bytes], report: Report
) -> Answer[list[ItemOutcome]]:
    return Answer(process_items(restore_job(params.job, context), params.fingerprint, params.items))


ARCHIVE_ITEMS = Task("archive-items", ItemsParams, list[ItemOutcome], run_items, blob_count=0)
