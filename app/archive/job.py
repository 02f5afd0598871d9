"""What is to be done to every image of an archive, and doing it: what worker processes run, here and on Ray."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import Any, Literal

from app.api.parameters import Polarity
from app.archive.storage import FileNameError, Place, PlaceError, describe
from app.images.errors import ImageError
from app.images.formats import ALIASES, FORMATS, READABLE
from app.settings import Settings
from app.tasks.classify import DigitAnswer, classify_images
from app.tasks.filter import FilterRequest, filter_image

EXTENSIONS = {name for format in READABLE for name in (format.name, format.extension)} | {"jpeg", "tiff"}


@dataclass(frozen=True)
class Archive:
    """Where images come from, where results go to, and the limits that an image has to keep."""

    source: Place
    out: Place
    settings: Settings

    def wants(self, name: str) -> bool:
        """In a folder what looks like an image by its extension; of a pattern all that it matches."""
        return self.source.pattern is not None or name.rsplit(".", 1)[-1].lower() in EXTENSIONS


@dataclass(frozen=True)
class FilterJob(Archive):
    """Every image through the same kernels, into a file of the same name."""

    request: FilterRequest
    format: str | None = None
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


@dataclass(frozen=True)
class Task:
    """One image. `known` is what was recorded when it was done before, where that still has to be proven."""

    name: str
    result: str
    stamp: str
    known: dict[str, Any] | None = None


@dataclass(frozen=True)
class Outcome:
    """`stopped`: not the image but a place is at fault, and the run has to end."""

    name: str
    state: Literal["done", "kept", "failed", "stopped"]
    reason: str = ""
    record: dict[str, Any] = field(default_factory=dict)


def fingerprint(parameters: Any) -> str:
    """The same for the same parameters in the same version of convserve."""
    text = json.dumps([version("convserve"), parameters], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def do_tasks(job: Job, mark: str, tasks: Sequence[Task]) -> list[Outcome]:
    """Read, work and write; nothing that is wrong with an image is raised. `mark` is the job's fingerprint."""
    outcomes: list[Outcome] = []
    wanting: list[tuple[Task, bytes, str]] = []
    for task in tasks:
        try:
            data = job.source.read(task.name)
            digest = hashlib.sha256(data).hexdigest()
            if is_proven(job, task, digest):
                outcomes.append(Outcome(task.name, "kept", record={**(task.known or {}), "stamp": task.stamp}))
            else:
                wanting.append((task, data, digest))
        except PlaceError as error:
            outcomes.append(Outcome(task.name, "stopped", str(error)))
        except Exception as error:  # each file system raises its own
            outcomes.append(blame_file_or_place(job, task, error))
    if isinstance(job, FilterJob):
        outcomes += [filter_one(job, mark, *one) for one in wanting]
    elif wanting:
        outcomes += classify_many(job, mark, wanting)
    return outcomes


def is_proven(job: Job, task: Task, digest: str) -> bool:
    """The image has the bytes that it had, and so has its result."""
    if task.known is None or task.known["digest"] != digest:
        return False
    if isinstance(job, ClassifyJob):
        return True
    try:
        return hashlib.sha256(job.out.read(task.result)).hexdigest() == task.known["result_digest"]
    except FileNotFoundError:
        return False


def blame_file_or_place(job: Job, task: Task, error: Exception) -> Outcome:
    try:
        job.source.check()
    except PlaceError as gone:
        return Outcome(task.name, "stopped", str(gone))
    return Outcome(task.name, "failed", f"cannot be read: {describe(error)}")


def filter_one(job: FilterJob, mark: str, task: Task, data: bytes, digest: str) -> Outcome:
    try:
        result = filter_image(data, job.request, job.settings, lambda came: FORMATS[job.format] if job.format else came)
        job.out.write(task.result, result.data)
    except PlaceError as error:
        return Outcome(task.name, "stopped", str(error))
    except (ValueError, FileNameError, MemoryError) as error:
        return Outcome(task.name, "failed", str(error) or "not enough memory")
    record = make_record(task, digest, mark) | {
        "bytes": len(result.data),
        "result_digest": hashlib.sha256(result.data).hexdigest(),
    }
    return Outcome(task.name, "done", record=record)


def classify_many(job: ClassifyJob, mark: str, wanting: Sequence[tuple[Task, bytes, str]]) -> list[Outcome]:
    """All in one batch of the network."""
    answers = classify_images([data for _, data, _ in wanting], job.settings, job.polarity, False)
    return [
        Outcome(task.name, "failed", str(answer))
        if isinstance(answer, ImageError)
        else Outcome(task.name, "done", record=make_record(task, digest, mark) | {"answer": make_row(answer)})
        for (task, _, digest), answer in zip(wanting, answers, strict=True)
    ]


def make_record(task: Task, digest: str, mark: str) -> dict[str, Any]:
    given = asdict(task)
    del given["known"]
    return given | {"digest": digest, "job": mark}


def make_row(answer: DigitAnswer) -> dict[str, Any]:
    row: dict[str, Any] = {
        "verdict": answer.verdict, "digit": answer.digit, "confidence": answer.confidence, "model": answer.model,
    }  # fmt: skip
    return row | {f"probability_{digit}": value for digit, value in enumerate(answer.probabilities)}
