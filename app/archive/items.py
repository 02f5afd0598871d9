"""Process the images of a job: what a worker process does, on this machine and on Ray."""

import hashlib
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from app.archive.job import ClassifyJob, FilterJob, Job
from app.archive.storage import FileNameError, StorageError, describe_error
from app.images.errors import ImageError
from app.pool.ipc import Report
from app.tasks.classify import classify_images
from app.tasks.digit_results import DigitResult
from app.tasks.filter import SAME_FORMAT, OutputFormat, filter_image
from app.tasks.options import ClassifyParams


class ItemRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the manifest stores of an image that is done."""

    name: str
    result: str
    """Name of the result."""
    stamp: str
    """Size and time of the image, or empty (`StorageFolder.walk`)."""
    digest: str
    """SHA-256 of the image."""
    job: str
    """Fingerprint of the job."""
    result_bytes: int | None = msgspec.field(default=None, name="bytes")
    result_digest: str | None = None
    """SHA-256 of a filtered image."""
    answer: dict[str, Any] | None = None
    """Row of the table of predictions."""


class Item(msgspec.Struct, frozen=True):
    """One image to process."""

    name: str
    result: str
    stamp: str
    earlier: ItemRecord | None = None
    """Record of an earlier run. If the bytes are still the same, the image is skipped."""


class ItemOutcome(msgspec.Struct, frozen=True):
    """How one image ended. `done` and `skipped` have a record; `failed` and `aborted` have a reason.

    `aborted` means that the storage failed, not the image, so the run has to end.
    """

    name: str
    state: Literal["done", "skipped", "failed", "aborted"]
    reason: str = ""
    record: ItemRecord | None = None


class LoadedItem(NamedTuple):
    item: Item
    data: bytes
    digest: str


def process_items(job: Job, fingerprint: str, items: Sequence[Item]) -> list[ItemOutcome]:
    """Read the images, process them and write the results. Errors of an image or of the storage are outcomes."""
    outcomes: list[ItemOutcome] = []
    loaded: list[LoadedItem] = []
    for item in items:
        try:
            data = job.source.read(item.name)
            digest = hashlib.sha256(data).hexdigest()
            if item.earlier is not None and is_unchanged(job, item.earlier, digest):
                record = msgspec.structs.replace(item.earlier, stamp=item.stamp)
                outcomes.append(ItemOutcome(item.name, "skipped", record=record))
            else:
                loaded.append(LoadedItem(item, data, digest))
        except StorageError as error:
            outcomes.append(ItemOutcome(item.name, "aborted", str(error)))
        except Exception as error:  # each file system raises its own
            outcomes.append(diagnose_read_error(job, item, error))
    if isinstance(job, FilterJob):
        outcomes += [filter_item(job, fingerprint, one) for one in loaded]
    elif loaded:
        outcomes += classify_items(job, fingerprint, loaded)
    return outcomes


def is_unchanged(job: Job, earlier: ItemRecord, digest: str) -> bool:
    """Whether the image and its result have the bytes that the record says."""
    if earlier.digest != digest:
        return False
    if isinstance(job, ClassifyJob):
        return True
    try:
        return hashlib.sha256(job.out.read(earlier.result)).hexdigest() == earlier.result_digest
    except FileNotFoundError:
        return False


def diagnose_read_error(job: Job, item: Item, error: Exception) -> ItemOutcome:
    """`aborted` if the whole source cannot be reached, `failed` if only this image cannot be read."""
    try:
        job.source.check_reachable()
    except StorageError as unreachable:
        return ItemOutcome(item.name, "aborted", str(unreachable))
    return ItemOutcome(item.name, "failed", f"cannot be read: {describe_error(error)}")


def filter_item(job: FilterJob, fingerprint: str, loaded: LoadedItem) -> ItemOutcome:
    item = loaded.item
    try:
        output = OutputFormat(job.format) if job.format else SAME_FORMAT
        _, (file,) = filter_image(loaded.data, job.request, job.settings, output, Report())
        job.out.write(item.result, file)
    except StorageError as error:
        return ItemOutcome(item.name, "aborted", str(error))
    except (ValueError, FileNameError, MemoryError) as error:
        return ItemOutcome(item.name, "failed", str(error) or "not enough memory")
    record = ItemRecord(
        item.name, item.result, item.stamp, loaded.digest, fingerprint,
        result_bytes=len(file), result_digest=hashlib.sha256(file).hexdigest(),
    )  # fmt: skip
    return ItemOutcome(item.name, "done", record=record)


def classify_items(job: ClassifyJob, fingerprint: str, loaded: Sequence[LoadedItem]) -> list[ItemOutcome]:
    """The network processes all of them as one batch."""
    answers = classify_images([one.data for one in loaded], job.settings, ClassifyParams(job.reading), Report())
    outcomes = []
    for (item, _, digest), answer in zip(loaded, answers, strict=True):
        if isinstance(answer, ImageError):
            outcomes.append(ItemOutcome(item.name, "failed", str(answer)))
        else:
            row = tabulate_answer(answer)
            record = ItemRecord(item.name, item.result, item.stamp, digest, fingerprint, answer=row)
            outcomes.append(ItemOutcome(item.name, "done", record=record))
    return outcomes


def tabulate_answer(answer: DigitResult) -> dict[str, Any]:
    """A row of the table of predictions (`app/archive/tables.py`), without the name of the file."""
    row: dict[str, Any] = {
        "verdict": answer.verdict, "digit": answer.digit, "confidence": answer.confidence, "model": answer.model,
    }  # fmt: skip
    return row | {f"probability_{digit}": value for digit, value in enumerate(answer.probabilities)}
