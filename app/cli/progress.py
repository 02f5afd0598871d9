"""The progress bar of commands that process several files."""

from collections.abc import Iterable
from typing import TypeVar

from rich.console import Console
from rich.progress import track

T = TypeVar("T")


def show_progress(items: Iterable[T], label: str, total: int) -> Iterable[T]:
    """Yield the items. Shows a bar on stderr if that is a terminal and there are several items."""
    console = Console(stderr=True)
    is_hidden = total == 1 or not console.is_terminal
    return track(items, label, total, console=console, disable=is_hidden, transient=True)
