"""The progress bar of a run. The total is counted during the work, so that a large archive starts at once."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.archive.job import Job
from app.archive.storage import StorageError


@contextmanager
def show_progress(job: Job) -> Iterator[Callable[[int], None]]:
    """Show a bar on stderr if that is a terminal. Yields a function to report the number of processed images."""
    console = Console(stderr=True)
    columns = (TextColumn("Images"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        shown = bar.add_task("", total=None)

        def count_images() -> None:
            total = 0
            with suppress(StorageError):  # the run gets the same error and reports it
                for _, files in job.source.walk():
                    total += sum(job.selects(name) for name, _ in files)
            bar.update(shown, total=total)

        if console.is_terminal:
            threading.Thread(target=count_images, daemon=True).start()
        yield lambda processed: bar.update(shown, completed=processed)
