"""A run over an archive: find what is to be done, have it done, put down what came of it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from app.archive.job import FilterJob, Item, ItemOutcome, Job
from app.archive.manifest import Ledger
from app.archive.progress import show_progress
from app.archive.signals import StopSignal
from app.archive.storage import StorageError
from app.archive.tables import FAILURES, PREDICTIONS, TableFormat, write_table

Executor = Callable[[Job, str, Iterable[list[Item]]], Iterator[ItemOutcome]]


@dataclass
class Summary:
    """Numbers of images; `tables` are the names of what was written at the end, nothing if the run was stopped."""

    done: int = 0
    kept: int = 0
    failed: int = 0
    tables: list[str] = field(default_factory=list)

    @property
    def behind(self) -> int:
        return self.done + self.kept + self.failed


def run_batch(
    job: Job, execute: Executor, stop: StopSignal, tables: TableFormat = "csv", verify: bool = False
) -> Summary:
    """Raises StorageError where a place is lost; the same run goes on from there later."""
    summary, mark = Summary(), job.fingerprint()
    with Ledger(job.out, job.kind) as ledger, show_progress(job) as show:
        chunks = group(find_items(job, mark, ledger, summary, verify), job.chunk_size)
        for outcome in execute(job, mark, chunks):
            if outcome.state == "stopped":
                raise StorageError(outcome.reason)
            ledger.note(outcome)
            setattr(summary, outcome.state, getattr(summary, outcome.state) + 1)
            show(summary.behind)
            if stop.number is not None:
                return summary
        summary.tables.append(write_table(job.out, "failures", tables, FAILURES, ledger.list_failures()))
        if not isinstance(job, FilterJob):
            summary.tables.append(write_table(job.out, "predictions", tables, PREDICTIONS, ledger.list_answers()))
    return summary


def find_items(job: Job, mark: str, ledger: Ledger, summary: Summary, verify: bool) -> Iterator[Item]:
    """Skips what is done: the same parameters, the image unchanged by its stamp, the result there in full."""
    for folder, files in job.source.walk():
        sizes = job.out.sizes(folder) if isinstance(job, FilterJob) else {}
        names = {name for name, _ in files}
        for name, stamp in files:
            if not job.wants(name):
                continue
            result = job.name_result(name)
            if result != name and result in names:
                ledger.note(ItemOutcome(name, "failed", f"its result would be {result}, the name of another image"))
                summary.failed += 1
                continue
            known = ledger.find(result)
            if known and (known["job"] != mark or known.get("bytes") != sizes.get(result)):
                known = None
            if known and stamp and known["stamp"] == stamp and not verify:
                ledger.mark_seen(result)
                summary.kept += 1
                continue
            yield Item(name, result, stamp, known)


def group(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    chunk: list[Item] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
