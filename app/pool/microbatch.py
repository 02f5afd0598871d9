"""Small work that goes to a process together with what waits for the same (`WorkerPool.run_together`)."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from app.context import Record, find_record

TOGETHER_BYTES = 32_000  # of one request's small images: more go to a process alone
MOST_TOGETHER = 64  # images


class Errand:
    """Work that can be done together with other of its kind; `done` is its results and the record of the work."""

    def __init__(self, work: Callable[..., list[Any]], items: Sequence[bytes], how: tuple[Any, ...]) -> None:
        self.work, self.items, self.how = work, items, how
        self.request_id = find_record().id
        self.alone = True
        self.done: asyncio.Future[tuple[list[Any], Record]] = asyncio.get_running_loop().create_future()

    def is_like(self, other: "Errand") -> bool:
        return (self.work, self.how) == (other.work, other.how)

    def finish(self, results: list[Any], record: Record) -> None:
        if not self.done.done():  # whoever asked for it may have gone
            self.done.set_result((results, record))

    def fail(self, error: BaseException) -> None:
        if isinstance(error, asyncio.CancelledError):
            self.done.cancel()
        elif not self.done.done():
            self.done.set_exception(error)
