"""What is to be done to every image of an archive, and doing it: what worker processes run, here and on Ray."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Literal

import msgspec

from app.archive.storage import FileNameError, StorageError, StorageFolder, describe
from app.images.errors import ImageError
from app.images.formats import ALIASES, FORMATS, READABLE, FormatName
from app.pool.ipc import Report
from app.settings import Settings
from app.tasks.classify import classify_images
from app.tasks.digit_results import DigitResult
from app.tasks.filter import SAME_FORMAT, FilterRequest, OutputFormat, filter_image
from app.tasks.options import Polarity

EXTENSIONS = {name for format in READABLE for name in (format.name, format.extension)} | {"jpeg", "tiff"}


@dataclass(frozen=True)
class Archive:
    """Where images come from, where results go to, and the limits that an image has to keep."""

    source: StorageFolder
    out: StorageFolder
    settings: Settings

    def wants(self, name: str) -> bool:
        """In a folder what looks like an image by its extension; of a pattern all that it matches."""
        return self.source.pattern is not None or name.rsplit(".", 1)[-1].lower() in EXTENSIONS


@dataclass(frozen=True)
class FilterJob(Archive):
    """Every image through the same kernels, into a file of the same name."""

    request: FilterRequest
    format: FormatName | None = None
    kind = "filtered"
    chunk_size = 1

    def name_result(self, name: str) -> str:
        """The image's own name; where the format changes, with its extension behind: no two names become one."""
        wanted = "npy" if self.request.steps[-1].response == "raw" else self.format
        extension = name.rsplit(".", 1)[-1].lower()
        if wanted is None or ALIASES.get(extension, extension) == wanted:
            return name
        return f"{name}.{FORMATS[wanted].extension}"

    def fingerprint(self) -> str:
        steps = [
            {
                "kernel": [part.tolist() for part in step.kernel.parts],
                "combine": step.kernel.combine,
                "divisor": step.divisor,
                "response": step.response,
                "amount": step.amount,
                "settings": step.settings.model_dump(mode="json"),
            }
            for step in self.request.steps
        ]
        request = self.request
        return fingerprint([self.kind, steps, request.linear, request.frames, request.quality, self.format])


@dataclass(frozen=True)
class ClassifyJob(Archive):
    """The handwritten digit in every image, for a table."""

    polarity: Polarity = "auto"
    kind = "classified"
    chunk_size = 16

    def name_result(self, name: str) -> str:
        return name

    def fingerprint(self) -> str:
        from models.model_folder import read_card
        from models.reader.reader import BUNDLED_FOLDER

        return fingerprint([self.kind, self.polarity, read_card(self.settings.model_folder or BUNDLED_FOLDER)])


Job = FilterJob | ClassifyJob


class Item(msgspec.Struct, frozen=True):
    """One image. `known` is what was recorded when it was done before, where that still has to be proven."""

    name: str
    result: str
    stamp: str
    known: dict[str, Any] | None = None


class ItemOutcome(msgspec.Struct, frozen=True):
    """`stopped`: not the image but a place is at fault, and the run has to end."""

    name: str
    state: Literal["done", "kept", "failed", "stopped"]
    reason: str = ""
    record: dict[str, Any] = {}


def fingerprint(parameters: Any) -> str:
    """The same for the same parameters in the same version of convserve."""
    text = json.dumps([version("convserve"), parameters], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def process_items(job: Job, mark: str, items: Sequence[Item]) -> list[ItemOutcome]:
    """Read, work and write; nothing that is wrong with an image is raised. `mark` is the job's fingerprint."""
    outcomes: list[ItemOutcome] = []
    wanting: list[tuple[Item, bytes, str]] = []
    for item in items:
        try:
            data = job.source.read(item.name)
            digest = hashlib.sha256(data).hexdigest()
            if is_proven(job, item, digest):
                outcomes.append(ItemOutcome(item.name, "kept", record={**(item.known or {}), "stamp": item.stamp}))
            else:
                wanting.append((item, data, digest))
        except StorageError as error:
            outcomes.append(ItemOutcome(item.name, "stopped", str(error)))
        except Exception as error:  # each file system raises its own
            outcomes.append(blame_file_or_place(job, item, error))
    if isinstance(job, FilterJob):
        outcomes += [filter_one(job, mark, *one) for one in wanting]
    elif wanting:
        outcomes += classify_many(job, mark, wanting)
    return outcomes


def is_proven(job: Job, item: Item, digest: str) -> bool:
    """The image has the bytes that it had, and so has its result."""
    if item.known is None or item.known["digest"] != digest:
        return False
    if isinstance(job, ClassifyJob):
        return True
    try:
        return hashlib.sha256(job.out.read(item.result)).hexdigest() == item.known["result_digest"]
    except FileNotFoundError:
        return False


def blame_file_or_place(job: Job, item: Item, error: Exception) -> ItemOutcome:
    try:
        job.source.check()
    except StorageError as gone:
        return ItemOutcome(item.name, "stopped", str(gone))
    return ItemOutcome(item.name, "failed", f"cannot be read: {describe(error)}")


def filter_one(job: FilterJob, mark: str, item: Item, data: bytes, digest: str) -> ItemOutcome:
    try:
        output = OutputFormat(job.format) if job.format else SAME_FORMAT
        _, (file,) = filter_image(data, job.request, job.settings, output, Report())
        job.out.write(item.result, file)
    except StorageError as error:
        return ItemOutcome(item.name, "stopped", str(error))
    except (ValueError, FileNameError, MemoryError) as error:
        return ItemOutcome(item.name, "failed", str(error) or "not enough memory")
    record = make_record(item, digest, mark) | {
        "bytes": len(file),
        "result_digest": hashlib.sha256(file).hexdigest(),
    }
    return ItemOutcome(item.name, "done", record=record)


def classify_many(job: ClassifyJob, mark: str, wanting: Sequence[tuple[Item, bytes, str]]) -> list[ItemOutcome]:
    """All in one batch of the network."""
    answers = classify_images([data for _, data, _ in wanting], job.settings, job.polarity, False, Report())
    return [
        ItemOutcome(item.name, "failed", str(answer))
        if isinstance(answer, ImageError)
        else ItemOutcome(item.name, "done", record=make_record(item, digest, mark) | {"answer": make_row(answer)})
        for (item, _, digest), answer in zip(wanting, answers, strict=True)
    ]


def make_record(item: Item, digest: str, mark: str) -> dict[str, Any]:
    given = msgspec.structs.asdict(item)
    del given["known"]
    return given | {"digest": digest, "job": mark}


def make_row(answer: DigitResult) -> dict[str, Any]:
    row: dict[str, Any] = {
        "verdict": answer.verdict, "digit": answer.digit, "confidence": answer.confidence, "model": answer.model,
    }  # fmt: skip
    return row | {f"probability_{digit}": value for digit, value in enumerate(answer.probabilities)}
