"""The processes that work on pictures: each gets the next one that waits, is stopped in time, and replaced.

The process that talks HTTP decodes and convolves nothing, so that it always answers.
"""

import asyncio
import logging
import pickle
import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ParamSpec, Protocol, TypeVar

from app.errands import MOST_TOGETHER, TOGETHER_BYTES, Errand
from app.lines import SMALL_SECONDS, Lines, kept_place
from app.observability.record import TimedStep, find_record
from app.process import Worker, describe_end, read_reply
from app.settings import Settings
from app.unfinished import DeadlineError, WorkerLostError

P = ParamSpec("P")
T = TypeVar("T")

RETRY_SECONDS = (0, 1, 2, 5, 10, 30)  # between tries to replace a process; the last one goes on

logger = logging.getLogger(__name__)


class Workers(Protocol):
    """Whoever works on pictures for the routes: `PictureWorkers`, and on Ray `app.cluster.replicas.RayWorkers`."""

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


class PictureWorkers:
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
        self._tasks: set[asyncio.Task[None]] = set()
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
        large = self._is_large(len(message))
        self._take_place(large)
        with TimedStep("queue"):
            worker = await self._wait_for_worker(large)
        assert worker is not None
        task = asyncio.create_task(self._finish(worker, message, large))
        self._tasks.add(task)  # type: ignore[arg-type]
        task.add_done_callback(self._forget)
        return read_reply(await asyncio.shield(task))

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
        hangs on another's picture. Raises what `run` raises.
        """
        size = sum(len(item) for item in items)
        if size > min(TOGETHER_BYTES, self.settings.large_upload_bytes):
            return await self.run(work, items, *how)
        self._take_place(large=False)
        errand = Errand(work, items, how)
        with TimedStep("queue"):
            worker = await self._wait_for_worker(False, errand)
        if worker:
            errands = [errand, *self._lines.take_company(errand, MOST_TOGETHER)]
            task = asyncio.create_task(self._finish_together(worker, errands))
            self._tasks.add(task)
            task.add_done_callback(self._forget)
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

    async def _finish_together(self, worker: Worker, errands: list[Errand]) -> None:
        first = errands[0]
        items = [item for errand in errands for item in errand.items]
        message = pickle.dumps((find_record().id, first.work, (items, *first.how), {}), pickle.HIGHEST_PROTOCOL)
        for errand in errands:
            errand.alone = len(errands) == 1
        try:
            results, error, record = pickle.loads(await self._finish(worker, message, False))
        except BaseException as lost:
            results, error = [], lost
        if error is not None:
            for errand in errands:
                errand.fail(error)
            return
        for errand in errands:
            part, results = results[: len(errand.items)], results[len(errand.items) :]
            share = replace(record, pixels=record.pixels * len(part) // len(items))
            errand.finish(part, share)

    async def _wait_for_worker(self, large: bool, errand: Errand | None = None) -> Worker | None:
        """A process; None where the errand goes along with another."""
        waiting = self._lines.join(large, errand)
        if not large:
            self._look_again_after(SMALL_SECONDS)
        self._hand_out()
        try:
            async with asyncio.timeout(self.settings.max_wait_seconds):
                return await waiting.worker
        except BaseException as error:
            in_line = self._lines.leave(waiting)
            if not in_line and not waiting.worker.cancelled() and (worker := waiting.worker.result()):
                self._take_back(worker, large)  # handed out in the same moment
            if isinstance(error, TimeoutError):
                limit = f"{self.settings.max_wait_seconds:g} s (CONVSERVE_MAX_WAIT_SECONDS)"
                raise self._lines.describe(f"none became free within {limit}") from None
            raise

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
            self._large_in_work += waiting.large
            waiting.worker.set_result(self._idle.popleft())

    async def _finish(self, worker: Worker, message: bytes, large: bool) -> bytearray | memoryview:
        deadline = self.settings.deadline_seconds
        started = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(deadline):
                return await worker.channel.ask(message)
        except TimeoutError:
            worker.stop()
            raise DeadlineError(
                f"The work took longer than {deadline:g} s (CONVSERVE_DEADLINE_SECONDS) and was stopped. "
                "Send a smaller picture or a smaller kernel."
            ) from None
        except WorkerLostError:
            raise WorkerLostError(
                "The process that worked on the picture ended without an answer. The request can be tried again."
            ) from None
        finally:
            self._lines.charge(large, asyncio.get_running_loop().time() - started)
            self._take_back(worker, large)

    def _take_back(self, worker: Worker, large: bool) -> None:
        self._large_in_work -= large
        if worker in self._workers and not worker.channel.lost.done():
            self._idle.append(worker)
            self._hand_out()

    def _admit(self, worker: Worker) -> None:
        self._workers.add(worker)
        self._idle.append(worker)
        worker.channel.lost.add_done_callback(lambda _: self._replace(worker))
        self._hand_out()

    def _replace(self, worker: Worker) -> None:
        self._workers.discard(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        if not self._closing:
            self.replaced += 1
            task = asyncio.create_task(self._start_another(worker))
            self._tasks.add(task)
            task.add_done_callback(self._forget)

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
