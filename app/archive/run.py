"""A run over an archive: find the images to process, execute the job, and record the outcomes."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from app.archive.chunks import split_into_chunks
from app.archive.items import Item, ItemOutcome
from app.archive.job import FilterJob, Job
from app.archive.manifest import Manifest
from app.archive.progress import show_progress
from app.archive.signals import StopSignal
from app.archive.storage import StorageError
from app.archive.tables import FAILURES, PREDICTIONS, TableFormat, write_table

Executor = Callable[[Job, str, Iterable[list[Item]]], Iterator[ItemOutcome]]
"""Processes chunks of items for a job and its fingerprint: `run_locally` or `run_on_ray`."""


@dataclass
class Summary:
    """Numbers of images by their outcome."""

    done: int = 0
    skipped: int = 0
    failed: int = 0
    tables: list[str] = field(default_factory=list)
    """Names of the tables. None are written if the run was stopped."""

    @property
    def processed(self) -> int:
        return self.done + self.skipped + self.failed


def run_batch(
    job: Job, execute: Executor, stop: StopSignal, tables: TableFormat = "csv", verify: bool = False
) -> Summary:
    """Process what is missing or has changed. `verify` compares the bytes of what is done, too.

    Raises StorageError if the source or the destination cannot be used. The same run then continues later.
    """
    summary, fingerprint = Summary(), job.compute_fingerprint()
    with Manifest(job.out, job.kind) as manifest, show_progress(job) as show:
        pending = find_pending(job, fingerprint, manifest, summary, verify)
        for outcome in execute(job, fingerprint, split_into_chunks(pending, job.chunk_size)):
            if outcome.state == "aborted":
                raise StorageError(outcome.reason)
            manifest.add(outcome)
            setattr(summary, outcome.state, getattr(summary, outcome.state) + 1)
            show(summary.processed)
            if stop.number is not None:
                return summary
        summary.tables.append(write_table(job.out, "failures", tables, FAILURES, manifest.list_failures()))
        if not isinstance(job, FilterJob):
            summary.tables.append(write_table(job.out, "predictions", tables, PREDICTIONS, manifest.list_predictions()))
    return summary


def find_pending(job: Job, fingerprint: str, manifest: Manifest, summary: Summary, verify: bool) -> Iterator[Item]:
    """The images to process.

    An image is skipped if it was done with the same fingerprint, its stamp is unchanged, and its result exists with
    the recorded size. If the stamp has changed or is unknown, or with `verify`, the item has the earlier record, so
    that the worker compares the bytes.
    """
    for folder, files in job.source.walk():
        sizes = job.out.list_sizes(folder) if isinstance(job, FilterJob) else {}
        names = {name for name, _ in files}
        for name, stamp in files:
            if not job.selects(name):
                continue
            escaped = name.encode("utf-8", "backslashreplace").decode()
            if escaped != name:  # neither the manifest nor a message to a worker can hold it
                manifest.add(ItemOutcome(escaped, "failed", "its name is not valid UTF-8; rename the file"))
                summary.failed += 1
                continue
            result = job.name_result(name)
            if result != name and result in names:
                reason = f"its result would have the name of another image, {result}"
                manifest.add(ItemOutcome(name, "failed", reason))
                summary.failed += 1
                continue
            earlier = manifest.find(result)
            if earlier and (earlier.job != fingerprint or earlier.result_bytes != sizes.get(result)):
                earlier = None
            if earlier and stamp and earlier.stamp == stamp and not verify:
                manifest.mark_present(result)
                summary.skipped += 1
                continue
            yield Item(name, result, stamp, earlier)
