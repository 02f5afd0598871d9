"""The task `read`: an image of several digits in, its digits line by line as JSON out."""

from collections.abc import Sequence
from types import NoneType

import msgspec

from app.pool.ipc import Report
from app.pool.task import Answer, Task
from app.settings import Settings
from app.tasks.classify import decode_for_reading, load_reader
from app.tasks.context import TaskContext
from app.tasks.digit_results import PageResult, describe_page
from app.tasks.options import Polarity


class ReadParams(msgspec.Struct, frozen=True):
    """Of the task `read`."""

    polarity: Polarity = "auto"


def run_read(context: TaskContext, params: ReadParams, blobs: Sequence[bytes], report: Report) -> Answer[None]:
    """The blob of the answer is a `PageResult` as JSON."""
    (data,) = blobs
    page = read_page(data, context.settings, params.polarity, report)
    return Answer(None, [page.model_dump_json().encode()])


READ = Task("read", ReadParams, NoneType, run_read)


def read_page(data: bytes, settings: Settings, polarity: Polarity, report: Report) -> PageResult:
    """Read all digits of an image. Raises ImageError."""
    pixels, reduced = decode_for_reading(data, settings, report)
    with report.time("classify"):
        page = load_reader(settings.model_folder).read(pixels, polarity)
    return describe_page(page, reduced)
