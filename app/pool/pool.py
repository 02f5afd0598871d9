"""A fixed number of worker processes that each do one task at a time.

The HTTP process does not process images, so it always responds. A worker that exceeds its deadline is stopped, and a
worker that is stopped or lost is replaced.
"""

import asyncio
import logging
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from app.context import find_record
from app.errors import DeadlineError, WorkerLostError
from app.pool.call import Call
from app.pool.interface import Params, Result, unwrap
from app.pool.ipc import encode
from app.pool.microbatch import MAX_BATCH_BLOBS, MAX_BATCHED_BYTES, finish_batch
from app.pool.process import Worker, describe_end
from app.pool.queue import Queue, current_reservation, describe_overload
from app.pool.task import Answer, Outcome, Task
from app.settings import Settings

T = TypeVar("T")

TIMER_MARGIN_SECONDS = 0.01
"""A timer of the event loop may be early by its resolution."""
RETRY_SECONDS = (0, 1, 2, 5, 10, 30)
"""Delays between attempts to replace a worker. The last one repeats."""

logger = logging.getLogger(__name__)


class WorkerPool:
    """Worker processes on this machine. While all are busy, calls wait in a `Queue`, and are rejected if it is full.

    `registry` is the module with the workers' tasks, and `static` the argument of its `start`.
    """

    def __init__(self, settings: Settings, registry: str, static: bytes = b"") -> None:
        self.settings = settings
        self.registry = registry
        self.static = static
        self.slots = settings.workers
        self.replaced = 0
        """Workers that were stopped or lost, and replaced, since the start."""
        self._workers: set[Worker] = set()
        self._lost: set[Worker] = set()  # until the end of their processes
        self._idle: deque[Worker] = deque()
        self._large_in_work = 0
        self._queue = Queue(settings)
        self._next_dispatch: asyncio.TimerHandle | None = None
        self._background: set[asyncio.Task[None]] = set()
        self._is_closing = False

    @property
    def ready(self) -> int:
        """Workers that have started, busy or idle."""
        return len(self._workers)

    @property
    def busy(self) -> int:
        return len(self._workers) - len(self._idle)

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers. Like the properties below, safe to call from any thread."""
        return [worker.process.pid for worker in list(self._workers)]

    @property
    def waiting(self) -> int:
        return self.waiting_small + self.waiting_large

    @property
    def waiting_small(self) -> int:
        return self._queue.count(is_large=False)

    @property
    def waiting_large(self) -> int:
        return self._queue.count(is_large=True)

    @property
    def oldest_wait_s(self) -> float:
        return self._queue.oldest_wait_s

    async def start(self) -> None:
        """Start all workers at once and wait until they are ready. Raises the first error."""
        starts = [asyncio.create_task(self._start_worker()) for _ in range(self.slots)]
        try:
            for worker in await asyncio.gather(*starts):
                self._admit(worker)
        except BaseException:
            for start in starts:
                start.cancel()
            for started in await asyncio.gather(*starts, return_exceptions=True):
                if isinstance(started, Worker):
                    started.stop()
            raise

    async def close(self) -> None:
        """Stop all workers."""
        self._is_closing = True
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        for worker in [*self._workers, *self._lost]:
            worker.stop()
            await asyncio.to_thread(worker.process.wait)

    async def run(self, task: Task[Params, Result], params: Params, blobs: Sequence[bytes] = ()) -> Answer[Result]:
        """Run a task in a worker. The worker's report is added to the record of the request.

        Raises TaskError for an error of the task, and OverloadedError, DeadlineError or WorkerLostError. If the caller
        is cancelled, a waiting call leaves the queue. Work that has begun is finished, because replacing the worker
        would cost more.
        """
        return unwrap(await self.call(task, encode(params), blobs))

    async def run_batched(self, task: Task[Params, list[T]], params: Params, blobs: Sequence[bytes]) -> Answer[list[T]]:
        """Run a batchable task, in one request with waiting calls of the same task with the same params.

        Reading a single digit takes less time than sending it to a worker and back. No call waits for others to join,
        and large uploads are not batched. A call whose batch fails is run again alone, so that no request fails
        because of another one's image. Raises what `run` raises.
        """
        encoded = encode(params)
        if count_bytes(blobs) > min(MAX_BATCHED_BYTES, self.settings.large_upload_bytes):
            return unwrap(await self.call(task, encoded, blobs))
        call = Call(task, encoded, blobs, is_large=False, may_be_batched=True)
        try:
            outcome = await self._submit(call)
        except Exception:
            if call.is_alone:
                raise
            outcome = await self.call(task, encoded, blobs)
        return unwrap(outcome)

    async def call(self, task: Task[Any, Result], params: bytes, blobs: Sequence[bytes]) -> Outcome[Result]:
        """`run` with encoded params. Does not raise an error of the task, which is part of the outcome."""
        is_large = count_bytes(blobs) > self.settings.large_upload_bytes
        return await self._submit(Call(task, params, blobs, is_large=is_large, may_be_batched=False))

    def reserve(self, upload_bytes: int) -> Callable[[], None]:
        """Reserve a slot in the queue before an upload is read. Raises OverloadedError if there is none.

        Without reservations, many uploads would be read for each slot, and all but one of them rejected afterwards.
        Returns a function that releases the slot. `run` also releases it.
        """
        reservation = self._queue.reserve(upload_bytes > self.settings.large_upload_bytes, len(self._idle))
        current_reservation.set(reservation)
        return reservation.release

    def _use_reservation(self, is_large: bool) -> None:
        """Release the slot that the current request has reserved, and check for room. Raises OverloadedError."""
        if reservation := current_reservation.get():
            reservation.release()
        self._queue.check_room(is_large)

    async def _submit(self, call: Call) -> Outcome[Any]:
        """Queue a call and wait for its outcome. The wait for a worker becomes a step of the request's record."""
        self._use_reservation(call.is_large)
        self._queue.join(call)
        self._dispatch()
        wait_limit = None
        if call.begun is None:
            wait_limit = asyncio.get_running_loop().call_later(self.settings.max_wait_seconds, self._give_up, call)
        try:
            return await call.done
        finally:
            find_record().add_step(call.measure_wait())
            if wait_limit:
                wait_limit.cancel()
                self._queue.leave(call)

    def _give_up(self, call: Call) -> None:
        """Reject a call that has waited for too long."""
        if call.begun is None:
            self._queue.leave(call)
            limit = f"{self.settings.max_wait_seconds:g} s (CONVSERVE_MAX_WAIT_SECONDS)"
            call.fail(describe_overload("workers", f"none became free within {limit}", self.oldest_wait_s))

    def _dispatch(self) -> None:
        """Give queued calls to idle workers."""
        while self._idle:
            call = self._queue.take_next(may_take_large=self.slots == 1 or self._large_in_work < self.slots - 1)
            if call is None:
                self._dispatch_later()
                return
            self._begin(self._idle.popleft(), call)

    def _dispatch_later(self) -> None:
        """Dispatch again when the priority of small uploads ends, if a large one waits for that."""
        if not self._queue.count(is_large=True) or self._next_dispatch:
            return

        def dispatch() -> None:
            self._next_dispatch = None
            self._dispatch()

        end = self._queue.small_priority_until + TIMER_MARGIN_SECONDS
        self._next_dispatch = asyncio.get_running_loop().call_at(end, dispatch)

    def _begin(self, worker: Worker, call: Call) -> None:
        """Send the call to a worker at once, before the event loop continues: until then, the worker is idle."""
        loop = asyncio.get_running_loop()
        self._large_in_work += call.is_large
        worker.has_large_upload, worker.busy_since = call.is_large, loop.time()
        calls = self._queue.take_batch(call, MAX_BATCH_BLOBS)
        for one in calls:
            one.begun, one.is_alone = time.monotonic(), len(calls) == 1
        deadline = loop.call_later(self.settings.deadline_seconds, self._stop_work, worker, calls)
        ask(worker, calls).add_done_callback(partial(finish_calls, calls, deadline))

    def _stop_work(self, worker: Worker, calls: Sequence[Call]) -> None:
        """Stop a worker at the deadline of its work."""
        for call in calls:
            call.fail(
                DeadlineError(
                    f"The work took longer than {self.settings.deadline_seconds:g} s (CONVSERVE_DEADLINE_SECONDS) and "
                    "was stopped. Send a smaller image or a smaller kernel."
                )
            )
        worker.stop()

    async def _start_worker(self) -> Worker:
        return await Worker.start(self.settings, self.registry, self.static)

    def _admit(self, worker: Worker) -> None:
        self._workers.add(worker)
        self._idle.append(worker)
        worker.channel.on_reply = lambda: self._take_back(worker)
        worker.channel.lost.add_done_callback(lambda lost: self._replace(worker, lost.result()))
        self._dispatch()

    def _take_back(self, worker: Worker) -> None:
        self._account(worker)
        if not worker.channel.lost.done():
            self._idle.append(worker)
            self._dispatch()

    def _account(self, worker: Worker) -> None:
        """Account for the worker's current work, which has ended."""
        self._large_in_work -= worker.has_large_upload
        self._queue.charge(worker.has_large_upload, asyncio.get_running_loop().time() - worker.busy_since)
        worker.has_large_upload = False

    def _replace(self, worker: Worker, violation: str) -> None:
        self._workers.discard(worker)
        self._lost.add(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        else:
            self._account(worker)
        if violation:
            logger.error("worker process %d violated the protocol: %s", worker.process.pid, violation)
        if not self._is_closing:
            self.replaced += 1
            task = asyncio.create_task(self._start_another(worker))
            self._background.add(task)
            task.add_done_callback(self._background.discard)

    async def _start_another(self, lost: Worker) -> None:
        lost.process.kill()
        end = await asyncio.to_thread(describe_end, lost.process)
        self._lost.discard(lost)
        logger.warning("worker process %d ended (%s); starting another", lost.process.pid, end)
        for attempt in range(sys.maxsize):
            await asyncio.sleep(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])
            try:
                self._admit(await self._start_worker())
                return
            except Exception:
                logger.exception("a worker process did not start")


def ask(worker: Worker, calls: Sequence[Call]) -> "asyncio.Future[Outcome[Any]]":
    """Send calls of the same task with the same params as one request."""
    first = calls[0]
    blobs = [blob for call in calls for blob in call.blobs]
    read = partial(first.task.read_outcome, sent_blobs=len(blobs))
    return worker.channel.ask(first.task.name, first.params, blobs, read, first.request_id)


def finish_calls(calls: Sequence[Call], deadline: asyncio.TimerHandle, reply: "asyncio.Future[Outcome[Any]]") -> None:
    """Finish the calls of a request whose reply has arrived, or fail them because the worker was lost."""
    deadline.cancel()
    if reply.cancelled() or reply.exception():
        for call in calls:
            call.fail(WorkerLostError("The worker process ended without a reply. The request can be tried again."))
    else:
        finish_batch(reply.result(), calls)


def count_bytes(blobs: Sequence[bytes]) -> int:
    return sum(map(len, blobs))
