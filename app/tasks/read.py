"""The task `read`: an image of several digits in, its digits line by line as JSON out."""

from collections.abc import Sequence
from types import NoneType

from app.pool.ipc import Report
from app.pool.task import Answer, Task
from app.settings import Settings
from app.tasks.classify import decode_for_reading, load_reader
from app.tasks.context import TaskContext
from app.tasks.digit_results import PageResult, describe_page
from app.tasks.options import ReadingOptions


def run_read(context: TaskContext, params: ReadingOptions, blobs: Sequence[bytes], report: Report) -> Answer[None]:
    """The blob of the answer is a `PageResult` as JSON."""
    (data,) = blobs
    page = read_page(data, context.settings, params, report)
    return Answer(None, [page.model_dump_json().encode()])


READ = Task("read", ReadingOptions, NoneType, run_read)


def read_page(data: bytes, settings: Settings, reading: ReadingOptions, report: Report) -> PageResult:
    """Read all digits of an image. Raises ImageError."""
    pixels, reduced = decode_for_reading(data, settings, report)
    with report.time("classify"):
        page = load_reader(settings.model_folder).read(pixels, reading.polarity, reading.strictness)
    return describe_page(page, reduced)
