"""A bar with a total that is counted while the work goes on: nothing waits until a large archive has been listed."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.archive.job import Job
from app.archive.storage import StorageError


@contextmanager
def show_progress(job: Job) -> Iterator[Callable[[int], None]]:
    """Gives a function to tell how many images are behind us."""
    console = Console(stderr=True)
    columns = (TextColumn("Images"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        shown = bar.add_task("", total=None)

        def count() -> None:
            found = 0
            with suppress(StorageError):  # the run meets it, too, and tells
                for _, files in job.source.walk():
                    found += sum(job.wants(name) for name, _ in files)
            bar.update(shown, total=found)

        if console.is_terminal:
            threading.Thread(target=count, daemon=True).start()
        yield lambda behind: bar.update(shown, completed=behind)
