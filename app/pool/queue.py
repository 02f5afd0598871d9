"""The queue in front of the worker processes."""

import asyncio
import contextlib
import itertools
import math
import time
from collections import deque
from contextvars import ContextVar

from app.errors import OverloadedError
from app.pool.call import Call
from app.settings import Settings

RESERVATION_SECONDS = 0.1
"""How long a slot stays reserved. Uploads fast enough to overload the service need less; slow ones block no slot."""
SMALL_PRIORITY_SECONDS = 5
"""How long one worker is kept free of large uploads after a small one, because more small ones are likely."""


class Queue:
    """Two queues: one for small uploads and one for large ones, each with a limit.

    While both have work, each gets half of the workers' time. Neither starves the other, although a large upload takes
    thirty times as long as a small one. For some seconds after a small upload, one worker takes no large uploads.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._queues: dict[bool, deque[Call]] = {False: deque(), True: deque()}  # by whether uploads are large
        self._used_s = {False: 0.0, True: 0.0}
        """Worker time by queue. Only the difference counts. A queue that was empty starts level with the other."""
        self._reserved: dict[bool, dict[Reservation, float]] = {False: {}, True: {}}  # since when, oldest first
        self.small_priority_until = 0.0
        """On the loop's clock."""

    def count(self, is_large: bool) -> int:
        """Number of waiting calls. Like `oldest_wait_s`, safe to call from any thread."""
        return len(self._queues[is_large])

    @property
    def oldest_wait_s(self) -> float:
        oldest = now = time.monotonic()
        for queue in self._queues.values():
            with contextlib.suppress(IndexError):  # the queue is empty
                oldest = min(oldest, queue[0].since)
        return now - oldest

    def reserve(self, is_large: bool, idle: int) -> "Reservation":
        """Reserve a slot for an upload before it is read; `idle` workers are idle. Raises OverloadedError."""
        reserved, now = self._reserved[is_large], time.monotonic()
        for expired in list(itertools.takewhile(lambda one: reserved[one] < now - RESERVATION_SECONDS, reserved)):
            del reserved[expired]
        self.check_room(is_large, max(0, len(reserved) - idle))
        reservation = Reservation(reserved)
        reserved[reservation] = now
        return reservation

    def check_room(self, is_large: bool, reserved: int = 0) -> None:
        """Raise OverloadedError if the queue is full, counting this many reserved slots."""
        limit = self.settings.max_waiting_large if is_large else self.settings.max_waiting
        if len(self._queues[is_large]) + reserved >= limit:
            raise describe_full_queue("workers", limit, is_large, self.oldest_wait_s)

    def join(self, call: Call) -> None:
        is_large = call.is_large
        if not self._queues[is_large]:
            self._used_s[is_large] = max(self._used_s.values())
        if not is_large:
            self.small_priority_until = asyncio.get_running_loop().time() + SMALL_PRIORITY_SECONDS
        self._queues[is_large].append(call)

    def leave(self, call: Call) -> None:
        with contextlib.suppress(ValueError):  # it has been taken
            self._queues[call.is_large].remove(call)

    def charge(self, is_large: bool, seconds: float) -> None:
        """Add worker time to a queue."""
        self._used_s[is_large] += seconds

    def take_next(self, may_take_large: bool) -> Call | None:
        """The next call; None if there is none. `may_take_large`: another worker stays free for small uploads."""
        while True:
            is_large = self._choose(may_take_large)
            if not self._queues[is_large]:
                return None
            call = self._queues[is_large].popleft()
            if not call.done.done():  # it is done if it was cancelled and has not left yet
                return call

    def _choose(self, may_take_large: bool) -> bool:
        is_kept_free = not may_take_large and asyncio.get_running_loop().time() < self.small_priority_until
        if is_kept_free or not self._queues[True]:
            return False
        return not self._queues[False] or self._used_s[True] < self._used_s[False]

    def take_batch(self, first: Call, max_blobs: int) -> list[Call]:
        """Take the calls that can join the first one, up to `max_blobs` blobs in all. The first one is included."""
        batch, count = [first], len(first.blobs)
        if not first.may_be_batched:
            return batch
        for call in list(self._queues[False]):
            if call.done.done() or not call.can_join(first):
                continue
            count += len(call.blobs)
            if count > max_blobs:
                break
            self._queues[False].remove(call)
            batch.append(call)
        return batch


def describe_full_queue(workers: str, limit: int, is_large: bool, oldest_wait_s: float) -> OverloadedError:
    """The error for a full queue. `workers` is the word for them: workers or replicas."""
    setting = "CONVSERVE_MAX_WAITING" + ("_LARGE" if is_large else "")
    reason = f"{limit} {'large ' if is_large else ''}uploads are waiting already ({setting})"
    return describe_overload(workers, reason, oldest_wait_s)


def describe_overload(workers: str, reason: str, oldest_wait_s: float) -> OverloadedError:
    retry_after_s = max(1, math.ceil(oldest_wait_s))
    return OverloadedError(f"All {workers} are busy and {reason}. Try again in {retry_after_s} s.", retry_after_s)


class Reservation:
    """A reserved slot in a queue for an upload that is being read."""

    def __init__(self, reserved: "dict[Reservation, float]") -> None:
        self._reserved = reserved

    def release(self) -> None:
        self._reserved.pop(self, None)


current_reservation: ContextVar[Reservation | None] = ContextVar("current_reservation", default=None)
"""The reservation of the current request."""
