"""Who waits for a worker process, and whose turn it is."""

import asyncio
import contextlib
import itertools
import math
import time
from collections import deque
from contextvars import ContextVar

from app.errors import OverloadedError
from app.pool.microbatch import Errand
from app.pool.process import Reply
from app.settings import Settings

EXPECTED_SECONDS = 0.1  # a place is kept for an upload: long on a network that can overload this, short for an attack
SMALL_SECONDS = 5  # after a small upload, in which more are likely


class Lines:
    """One for small uploads and one for large ones, by the settings' limits.

    Where both wait, each gets half of the processes' time: nobody's thumbnail stands behind a queue of panoramas, nor
    do panoramas, which take thirty times as long, get thirty times as much. For some seconds after a small upload,
    large ones leave one process to the next.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._lines: dict[bool, deque[Waiting]] = {False: deque(), True: deque()}  # by whether the upload is large
        self._used_s = {False: 0.0, True: 0.0}
        """Of the processes' time. Only the difference counts; a line that was empty starts level with the other."""
        self._expected: dict[bool, dict[Place, float]] = {False: {}, True: {}}  # since when, oldest first
        self._small_until = 0.0

    def count(self, large: bool) -> int:
        """For any thread, as the next."""
        return len(self._lines[large])

    @property
    def oldest_wait_s(self) -> float:
        oldest = now = time.monotonic()
        for line in self._lines.values():
            with contextlib.suppress(IndexError):  # nobody waits there
                oldest = min(oldest, line[0].since)
        return now - oldest

    def expect(self, large: bool, idle: int) -> "Place":
        """Keep a place for an upload that is going to be read. Raises OverloadedError where there is none.

        `idle`: processes that are free.
        """
        expected, now = self._expected[large], time.monotonic()
        for place in list(itertools.takewhile(lambda place: expected[place] < now - EXPECTED_SECONDS, expected)):
            del expected[place]
        self.refuse_if_full(large, max(0, len(expected) - idle))
        place = Place(expected)
        expected[place] = now
        return place

    def refuse_if_full(self, large: bool, expected: int = 0) -> None:
        """Raises OverloadedError."""
        limit = self.settings.max_waiting_large if large else self.settings.max_waiting
        if len(self._lines[large]) + expected >= limit:
            name = "CONVSERVE_MAX_WAITING" + ("_LARGE" if large else "")
            raise self.describe(f"{limit} {'large ' if large else ''}uploads are waiting already ({name})")

    def describe(self, why: str) -> OverloadedError:
        retry_after_s = max(1, math.ceil(self.oldest_wait_s))
        return OverloadedError(f"All workers are busy and {why}. Try again in {retry_after_s} s.", retry_after_s)

    def join(self, waiting: "Waiting") -> None:
        large = waiting.large
        if not self._lines[large]:
            self._used_s[large] = max(self._used_s.values())
        if not large:
            self._small_until = asyncio.get_running_loop().time() + SMALL_SECONDS
        self._lines[large].append(waiting)

    def leave(self, waiting: "Waiting") -> None:
        with contextlib.suppress(ValueError):  # it has been taken already
            self._lines[waiting.large].remove(waiting)

    def charge(self, large: bool, seconds: float) -> None:
        """A process has worked so long for one of a line."""
        self._used_s[large] += seconds

    def take_next(self, may_take_large: bool) -> "Waiting | None":
        """`may_take_large`: large ones in work leave a process to small ones, so that another may begin."""
        while True:
            large = self._choose(may_take_large)
            if not self._lines[large]:
                return None
            waiting = self._lines[large].popleft()
            if not waiting.begun.done():  # otherwise it was cancelled and has not left yet
                return waiting

    def _choose(self, may_take_large: bool) -> bool:
        kept = not may_take_large and asyncio.get_running_loop().time() < self._small_until
        if kept or not self._lines[True]:
            return False
        return not self._lines[False] or self._used_s[True] < self._used_s[False]

    def take_company(self, errand: Errand, most: int) -> list[Errand]:
        """Take those small ones that wait for the same work as this errand, with no more than `most` items together."""
        company, count = [], len(errand.items)
        for waiting in list(self._lines[False]):
            other = waiting.work
            if not isinstance(other, Errand) or waiting.begun.done() or not other.is_like(errand):
                continue
            count += len(other.items)
            if count > most:
                break
            self._lines[False].remove(waiting)
            waiting.begun.set_result(None)
            company.append(other)
        return company


class Place:
    """Kept in a line for an upload that is being read."""

    def __init__(self, kept: "dict[Place, float]") -> None:
        self._kept = kept

    def give_up(self) -> None:
        self._kept.pop(self, None)


kept_place: ContextVar[Place | None] = ContextVar("kept_place", default=None)
"""Of the request that is being worked on."""


class Waiting:
    """A place in a line, for a message to a process or for an errand."""

    def __init__(self, work: bytes | Errand, large: bool) -> None:
        self.work = work
        self.large = large
        self.since = time.monotonic()
        self.begun: asyncio.Future[asyncio.Task[Reply] | None] = asyncio.get_running_loop().create_future()
        """What waits for the reply to the message; None for an errand, whose `done` tells."""
