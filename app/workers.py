"""The processes that work on pictures, and who gets the next one.

A thread cannot be stopped in the middle of its work; a process can, and its core and memory are free at once. The
process that talks HTTP decodes and convolves nothing, so that it always answers.
"""

import asyncio
import contextlib
import itertools
import logging
import math
import os
import pickle
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, ParamSpec, Protocol, TypeVar, cast

from app.errands import MOST_TOGETHER, TOGETHER_BYTES, Errand
from app.messages import SharedMemory
from app.observability.record import TimedStep, find_record
from app.settings import SECRET_VARIABLES, Settings

P = ParamSpec("P")
T = TypeVar("T")

START_SECONDS = 60  # for a process to import TensorFlow, convolve once and load the digit model
EXPECTED_SECONDS = 0.1  # a place is kept for an upload: long on a network that can overload this, short for an attack
SMALL_SECONDS = 5  # after a small upload, in which more are likely
RETRY_SECONDS = (0, 1, 2, 5, 10, 30)  # between tries to replace a process; the last one goes on

logger = logging.getLogger(__name__)


class UnfinishedError(RuntimeError):
    """The work was not done, for no fault of the request. `retry_after_s` is when it is worth asking again."""

    def __init__(self, message: str = "", retry_after_s: int = 1) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class OverloadedError(UnfinishedError):
    """Too much work is waiting already."""


class DeadlineError(UnfinishedError):
    """The work took longer than the limit and was stopped. The message names the limit and its setting."""


class WorkerLostError(UnfinishedError):
    """The process that had the work ended without an answer."""


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


class Channel(asyncio.Protocol):
    """The front's end of the way to one process: a message out, its reply in, one at a time."""

    def __init__(self, requests: SharedMemory, replies: SharedMemory) -> None:
        self.lost = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._replies = replies
        self._reply: asyncio.Future[bytearray | memoryview] | None = None
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.WriteTransport, transport)

    async def ask(self, message: bytes) -> bytearray | memoryview:
        """Send a message and wait for its reply. Raises WorkerLostError."""
        if self.lost.done():
            raise WorkerLostError
        self._reply = asyncio.get_running_loop().create_future()
        self.transport.write(self._requests.frame(message))
        return await self._reply

    def data_received(self, data: bytes) -> None:
        self._received += data
        reply = self._replies.unframe(self._received)
        if reply is not None and self._reply and not self._reply.done():
            self._received = bytearray()
            self._reply.set_result(reply)

    def connection_lost(self, error: Exception | None) -> None:
        if self._reply and not self._reply.done():
            self._reply.set_exception(WorkerLostError())
        self.lost.set_result(None)
        self._requests.close()
        self._replies.close()


class Worker:
    """One process, warm, and the channel to it."""

    def __init__(self, process: subprocess.Popen[bytes], channel: Channel) -> None:
        self.process = process
        self.channel = channel

    @classmethod
    async def start(cls, settings: Settings) -> "Worker":
        """Start a process and wait until it is warm. Raises the error that kept it from starting."""
        ours, theirs = socket.socketpair()
        requests, replies = SharedMemory.allocate(), SharedMemory.allocate()
        with theirs:
            descriptors = [theirs.fileno(), *(d for d in (requests.descriptor, replies.descriptor) if d is not None)]
            process = subprocess.Popen(
                [sys.executable, "-m", "app.worker", *map(str, descriptors)],
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                env={name: value for name, value in os.environ.items() if name not in SECRET_VARIABLES},
            )
        transport, channel = await asyncio.get_running_loop().create_unix_connection(
            lambda: Channel(requests, replies), sock=ours
        )
        try:
            async with asyncio.timeout(START_SECONDS):
                read_reply(await channel.ask(pickle.dumps(settings)))
        except BaseException as error:
            transport.abort()
            if isinstance(error, WorkerLostError):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(1)  # for its own exit status
            process.kill()
            end = describe_end(process)
            if isinstance(error, WorkerLostError):
                raise WorkerLostError(f"a worker process ended while it was starting ({end}).") from error
            raise
        return cls(process, channel)

    def stop(self) -> None:
        """At once, whatever it is doing."""
        self.channel.transport.abort()
        self.process.kill()


class PictureWorkers:
    """As many processes as slots. Work that finds none free waits; what would wait too long is refused at once.

    Small and large uploads wait in lines of their own and take turns, and for some seconds after a small one, large
    ones leave one process to the next: nobody's thumbnail stands behind a queue of panoramas.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.slots = settings.workers
        self.replaced = 0
        """Processes that were stopped or lost, and replaced, since the start."""
        self._workers: set[Worker] = set()
        self._idle: deque[Worker] = deque()
        self._large_in_work = 0
        self._lines: dict[bool, deque[Waiting]] = {False: deque(), True: deque()}  # by whether the upload is large
        self._turn = False
        self._expected: dict[bool, dict[Place, float]] = {False: {}, True: {}}  # since when, oldest first
        self._small_until = 0.0
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
        return len(self._lines[False])

    @property
    def waiting_large(self) -> int:
        return len(self._lines[True])

    @property
    def oldest_wait_s(self) -> float:
        oldest = now = time.monotonic()
        for line in self._lines.values():
            with contextlib.suppress(IndexError):  # nobody waits there
                oldest = min(oldest, line[0].since)
        return now - oldest

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
        large = len(message) > self.settings.large_upload_bytes
        self._take_place(large)
        with TimedStep("queue"):
            worker = await self._wait_for_worker(large)
        assert worker is not None
        task = asyncio.create_task(self._finish(worker, message, large))
        self._tasks.add(task)  # type: ignore[arg-type]
        task.add_done_callback(self._forget)
        return read_reply(await asyncio.shield(task))

    def expect(self, upload_bytes: int) -> Callable[[], None]:
        """Tell of an upload before it is read. Raises OverloadedError where there will be no place for it.

        Places are kept for those that have been told of and are still being read. Otherwise ten would be let in for
        each place, and nine of them refused after all the work of reading them. Returns what gives the place up,
        which `run` does, too.
        """
        large = upload_bytes > self.settings.large_upload_bytes
        expected, now = self._expected[large], time.monotonic()
        for place in list(itertools.takewhile(lambda place: expected[place] < now - EXPECTED_SECONDS, expected)):
            del expected[place]
        self._refuse_if_full(large, max(0, len(expected) - len(self._idle)))
        place = Place(expected)
        expected[place] = now
        kept_place.set(place)
        return place.give_up

    def _refuse_if_full(self, large: bool, expected: int = 0) -> None:
        limit = self.settings.max_waiting_large if large else self.settings.max_waiting
        if len(self._lines[large]) + expected >= limit:
            name = "CONVSERVE_MAX_WAITING" + ("_LARGE" if large else "")
            raise self._overloaded(f"{limit} {'large ' if large else ''}uploads are waiting already ({name})")

    def _overloaded(self, why: str) -> OverloadedError:
        retry_after_s = max(1, math.ceil(self.oldest_wait_s))
        return OverloadedError(f"All workers are busy and {why}. Try again in {retry_after_s} s.", retry_after_s)

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
            task = asyncio.create_task(self._finish_together(worker, [errand, *self._find_company(errand)]))
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
        self._refuse_if_full(large)

    def _find_company(self, errand: Errand) -> list[Errand]:
        """Take those that wait for the same work out of the line."""
        company, count = [], len(errand.items)
        for waiting in list(self._lines[False]):
            other = waiting.errand
            if other is None or waiting.worker.done() or (other.work, other.how) != (errand.work, errand.how):
                continue
            count += len(other.items)
            if count > MOST_TOGETHER:
                break
            self._lines[False].remove(waiting)
            waiting.worker.set_result(None)
            company.append(other)
        return company

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
        waiting = Waiting(errand)
        self._lines[large].append(waiting)
        if not large:
            self._keep_one_for_small()
        self._hand_out()
        try:
            async with asyncio.timeout(self.settings.max_wait_seconds):
                return await waiting.worker
        except BaseException as error:
            if waiting in self._lines[large]:
                self._lines[large].remove(waiting)
            elif not waiting.worker.cancelled() and (worker := waiting.worker.result()):
                self._take_back(worker, large)  # handed out in the same moment
            if isinstance(error, TimeoutError):
                limit = f"{self.settings.max_wait_seconds:g} s (CONVSERVE_MAX_WAIT_SECONDS)"
                raise self._overloaded(f"none became free within {limit}") from None
            raise

    def _keep_one_for_small(self) -> None:
        loop = asyncio.get_running_loop()
        self._small_until = loop.time() + SMALL_SECONDS
        if self._next_look:
            self._next_look.cancel()
        self._next_look = loop.call_at(self._small_until + 0.01, self._hand_out)

    def _hand_out(self) -> None:
        """Give free processes to those who wait."""
        while self._idle and (self._lines[False] or self._lines[True]):
            large = self._choose_line()
            if not self._lines[large]:
                return
            waiting = self._lines[large].popleft()
            if waiting.worker.done():  # it was cancelled and has not left the line yet
                continue
            self._turn = not large
            self._large_in_work += large
            waiting.worker.set_result(self._idle.popleft())

    def _choose_line(self) -> bool:
        """Whether a large upload is next."""
        kept = self.slots > 1 and asyncio.get_running_loop().time() < self._small_until
        if not self._lines[True] or (kept and self._large_in_work >= self.slots - 1):
            return False
        return self._turn or not self._lines[False]

    async def _finish(self, worker: Worker, message: bytes, large: bool) -> bytearray | memoryview:
        deadline = self.settings.deadline_seconds
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


class Place:
    """Kept in a line for an upload that is being read."""

    def __init__(self, kept: "dict[Place, float]") -> None:
        self._kept = kept

    def give_up(self) -> None:
        self._kept.pop(self, None)


kept_place: ContextVar[Place | None] = ContextVar("kept_place", default=None)
"""Of the request that is being worked on."""


class Waiting:
    """A place in a line: since when, and the process once it has come, or None for who goes along with another."""

    def __init__(self, errand: Errand | None = None) -> None:
        self.since = time.monotonic()
        self.errand = errand
        self.worker: asyncio.Future[Worker | None] = asyncio.get_running_loop().create_future()


def describe_end(process: subprocess.Popen[bytes]) -> str:
    """`signal 9` or `exit status 1`. Waits for the end."""
    status = process.wait()
    return f"signal {-status}" if status < 0 else f"exit status {status}"


def read_reply(reply: bytearray | memoryview) -> Any:
    """The result, or raise the error, that a process sent, and take over what it noted about the work."""
    result, error, work = pickle.loads(reply)
    find_record().add_work(work)
    if error is not None:
        raise error
    return result
