"""The processes that work on images: each gets the next one that waits, is stopped in time, and replaced.

The process that talks HTTP decodes and convolves nothing, so that it always answers.
"""

import asyncio
import logging
import pickle
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, ParamSpec, Protocol, TypeVar

from app.context import TimedStep, find_record
from app.errors import DeadlineError, WorkerLostError
from app.pool.microbatch import MOST_TOGETHER, TOGETHER_BYTES, Errand
from app.pool.process import Reply, Worker, describe_end, read_reply
from app.pool.queue import SMALL_SECONDS, Lines, Waiting, kept_place
from app.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")

RETRY_SECONDS = (0, 1, 2, 5, 10, 30)  # between tries to replace a process; the last one goes on

logger = logging.getLogger(__name__)


class Workers(Protocol):
    """Whoever works on images for the routes: `WorkerPool`, and on Ray `app.cluster.pool.RayWorkers`."""

    slots: int
    replaced: int

    @property
    def ready(self) -> int: ...
    @property
    def busy(self) -> int: ...
    @property
    def pids(self) -> list[int]: ...
    @property
    def waiting(self) -> int: ...
    @property
    def waiting_small(self) -> int: ...
    @property
    def waiting_large(self) -> int: ...
    @property
    def oldest_wait_s(self) -> float: ...

    async def start(self) -> None: ...
    async def close(self) -> None: ...
    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T: ...
    async def run_together(self, work: Callable[..., list[T]], items: Sequence[bytes], *how: Any) -> list[T]: ...


class WorkerPool:
    """As many processes as slots. Work that finds none free waits in `Lines`; what would wait too long is refused."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.slots = settings.workers
        self.replaced = 0
        """Processes that were stopped or lost, and replaced, since the start."""
        self._workers: set[Worker] = set()
        self._idle: deque[Worker] = deque()
        self._large_in_work = 0
        self._lines = Lines(settings)
        self._next_look: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing = False

    @property
    def ready(self) -> int:
        """Processes that are warm: working or free."""
        return len(self._workers)

    @property
    def busy(self) -> int:
        return len(self._workers) - len(self._idle)

    @property
    def pids(self) -> list[int]:
        """Of the processes that are warm. Like those that follow, for any thread."""
        return [worker.process.pid for worker in list(self._workers)]

    @property
    def waiting(self) -> int:
        return self.waiting_small + self.waiting_large

    @property
    def waiting_small(self) -> int:
        return self._lines.count(large=False)

    @property
    def waiting_large(self) -> int:
        return self._lines.count(large=True)

    @property
    def oldest_wait_s(self) -> float:
        return self._lines.oldest_wait_s

    async def start(self) -> None:
        """Start all processes at once and wait until they are warm. Raises the first error."""
        starts = [asyncio.create_task(Worker.start(self.settings)) for _ in range(self.slots)]
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
        """Stop all processes."""
        self._closing = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for worker in list(self._workers):
            worker.stop()
            await asyncio.to_thread(worker.process.wait)

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function of a module in a process; arguments and result are pickled. The request's record is told the
        wait and the steps of the work.

        Raises what the function raises, and OverloadedError, DeadlineError or WorkerLostError. Cancelled while it
        waits, it leaves the line; what is in work is finished, as stopping it would cost more.
        """
        message = pickle.dumps((find_record().id, work, args, kwargs), protocol=pickle.HIGHEST_PROTOCOL)
        waiting = Waiting(message, self._is_large(len(message)))
        self._take_place(waiting.large)
        with TimedStep("queue"):
            reply = await self._wait_in_line(waiting)
        assert reply is not None
        return read_reply(await asyncio.shield(reply))

    def _is_large(self, size: int) -> bool:
        return size > self.settings.large_upload_bytes

    def expect(self, upload_bytes: int) -> Callable[[], None]:
        """Tell of an upload before it is read. Raises OverloadedError where there will be no place for it.

        Places are kept for those that have been told of and are still being read. Otherwise ten would be let in for
        each place, and nine of them refused after all the work of reading them. Returns what gives the place up,
        which `run` does, too.
        """
        place = self._lines.expect(self._is_large(upload_bytes), len(self._idle))
        kept_place.set(place)
        return place.give_up

    async def run_together(self, work: Callable[..., list[T]], items: Sequence[bytes], *how: Any) -> list[T]:
        """Run `work(items, *how)`, which gives a result for each item, in one go with what waits for the same.

        One at a time, a digit costs more on its way to a process and back, and in the network, than in itself. Nobody
        waits for company; large uploads go alone. What fails in company is tried again alone, so that nobody's answer
        hangs on another's image. Raises what `run` raises.
        """
        size = sum(len(item) for item in items)
        if size > min(TOGETHER_BYTES, self.settings.large_upload_bytes):
            return await self.run(work, items, *how)
        self._take_place(large=False)
        errand = Errand(work, items, how)
        with TimedStep("queue"):
            await self._wait_in_line(Waiting(errand, large=False))
        try:
            results, work_record = await errand.done
        except Exception:
            if errand.alone:
                raise
            return await self.run(work, items, *how)
        find_record().add_work(work_record)
        return results

    def _take_place(self, large: bool) -> None:
        """Instead of the one that was kept. Raises OverloadedError."""
        if place := kept_place.get():
            place.give_up()
        self._lines.refuse_if_full(large)

    async def _wait_in_line(self, waiting: Waiting) -> asyncio.Task[Reply] | None:
        """Until the work has begun; gives what waits for its reply, where it does not go along with another's."""
        self._lines.join(waiting)
        if not waiting.large:
            self._look_again_after(SMALL_SECONDS)
        self._hand_out()
        try:
            async with asyncio.timeout(self.settings.max_wait_seconds):
                return await waiting.begun
        except TimeoutError:
            limit = f"{self.settings.max_wait_seconds:g} s (CONVSERVE_MAX_WAIT_SECONDS)"
            raise self._lines.describe(f"none became free within {limit}") from None
        finally:
            self._lines.leave(waiting)

    def _look_again_after(self, seconds: float) -> None:
        """Then a process that is kept for small uploads may go to a large one."""
        if self._next_look:
            self._next_look.cancel()
        self._next_look = asyncio.get_running_loop().call_later(seconds + 0.01, self._hand_out)

    def _hand_out(self) -> None:
        """Give free processes to those who wait."""
        while self._idle:
            waiting = self._lines.take_next(may_take_large=self.slots == 1 or self._large_in_work < self.slots - 1)
            if waiting is None:
                return
            self._begin(self._idle.popleft(), waiting)

    def _begin(self, worker: Worker, waiting: Waiting) -> None:
        """Send the work at once, before anything else that is to be done: the process would stand still meanwhile."""
        self._large_in_work += waiting.large
        worker.at_large, worker.since = waiting.large, asyncio.get_running_loop().time()
        if isinstance(waiting.work, Errand):
            errands = [waiting.work, *self._lines.take_company(waiting.work, MOST_TOGETHER)]
            self._keep(self._finish_together(self._finish(worker, worker.channel.ask(pack(errands))), errands))
            waiting.begun.set_result(None)
        else:
            waiting.begun.set_result(self._keep(self._finish(worker, worker.channel.ask(waiting.work))))

    def _keep(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    async def _finish_together(self, reply: Awaitable[Reply], errands: list[Errand]) -> None:
        for errand in errands:
            errand.alone = len(errands) == 1
        try:
            results, error, record = pickle.loads(await reply)
        except BaseException as lost:
            results, error = [], lost
        if error is not None:
            for errand in errands:
                errand.fail(error)
            return
        count = len(results)
        for errand in errands:
            part, results = results[: len(errand.items)], results[len(errand.items) :]
            errand.finish(part, replace(record, pixels=record.pixels * len(part) // count))

    async def _finish(self, worker: Worker, reply: Awaitable[Reply]) -> Reply:
        deadline = self.settings.deadline_seconds
        try:
            async with asyncio.timeout(deadline):
                return await reply
        except TimeoutError:
            worker.stop()
            raise DeadlineError(
                f"The work took longer than {deadline:g} s (CONVSERVE_DEADLINE_SECONDS) and was stopped. "
                "Send a smaller image or a smaller kernel."
            ) from None
        except WorkerLostError:
            raise WorkerLostError(
                "The process that worked on the image ended without an answer. The request can be tried again."
            ) from None

    def _take_back(self, worker: Worker) -> None:
        self._settle(worker)
        if not worker.channel.lost.done():
            self._idle.append(worker)
            self._hand_out()

    def _settle(self, worker: Worker) -> None:
        """Its work has ended."""
        self._large_in_work -= worker.at_large
        self._lines.charge(worker.at_large, asyncio.get_running_loop().time() - worker.since)
        worker.at_large = False

    def _admit(self, worker: Worker) -> None:
        self._workers.add(worker)
        self._idle.append(worker)
        worker.channel.on_reply = lambda: self._take_back(worker)
        worker.channel.lost.add_done_callback(lambda _: self._replace(worker))
        self._hand_out()

    def _replace(self, worker: Worker) -> None:
        self._workers.discard(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        else:
            self._settle(worker)
        if not self._closing:
            self.replaced += 1
            self._keep(self._start_another(worker))

    async def _start_another(self, lost: Worker) -> None:
        lost.process.kill()
        end = await asyncio.to_thread(describe_end, lost.process)
        logger.warning("worker process %d ended (%s); starting another", lost.process.pid, end)
        for attempt in range(sys.maxsize):
            await asyncio.sleep(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])
            try:
                self._admit(await Worker.start(self.settings))
                return
            except Exception:
                logger.exception("a worker process did not start")

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # whoever asked for it may have gone


def pack(errands: Sequence[Errand]) -> bytes:
    """One message for all: their items, one errand's after another's."""
    first = errands[0]
    items = [item for errand in errands for item in errand.items]
    return pickle.dumps((first.request_id, first.work, (items, *first.how), {}), pickle.HIGHEST_PROTOCOL)
