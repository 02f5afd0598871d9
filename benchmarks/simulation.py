"""The service in simulated time: the lines and limits of `app/pool/pool.py` themselves, the work on simulated cores.

An event loop whose clock jumps to the next event runs the real `WorkerPool`; what a worker process would compute
is time on simulated cores. So what is simulated cannot drift from what is run, and a minute of load takes a second.
"""

import asyncio
import heapq
import itertools
import selectors
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any, TypeVar

import msgspec

from app.errors import OverloadedError, UnfinishedError
from app.pool.ipc import Reply, Report
from app.pool.pool import WorkerPool
from app.pool.process import Reader, Worker
from app.pool.task import Answer, Task
from app.settings import Settings

T = TypeVar("T")

LARGE_BYTES = 10_000  # stands for the limit of a large upload, so that no megabytes are passed about
WORKER_START_SECONDS = 4  # importing TensorFlow, in place of a process that was stopped


class VirtualSelector(selectors.SelectSelector):
    """Waits by moving the clock."""

    now_s = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("nothing is left that could happen, and somebody waits")
        self.now_s += timeout
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is that of its timers: it sleeps without waiting. Deterministic; no threads, no I/O."""

    def __init__(self) -> None:
        self._clock = VirtualSelector()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now_s


def run_in_virtual_time(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(work)


class Cores:
    """Cores that are shared evenly by whoever computes, one core at most to each: processor sharing, as Linux does."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.busy_s = 0.0
        """Seconds of core time spent so far."""
        self._loop = asyncio.get_running_loop()
        self._received_s = 0.0  # by anyone who has computed since the start
        self._since = self._loop.time()
        self._numbers = itertools.count()
        self._computing: list[tuple[float, int, asyncio.Future[None]]] = []  # (done when received, , )
        self._timer: asyncio.TimerHandle | None = None

    async def compute(self, seconds: float) -> None:
        """Return once the caller has had so many seconds of a core. Cancelled, it gives its share back."""
        self._settle()
        entry = (self._received_s + seconds, next(self._numbers), self._loop.create_future())
        heapq.heappush(self._computing, entry)
        self._wake_next()
        try:
            await entry[2]
        except asyncio.CancelledError:
            self._settle()
            if entry in self._computing:
                self._computing.remove(entry)
                heapq.heapify(self._computing)
            self._wake_next()
            raise

    def _settle(self) -> None:
        """Hand out what was computed since the last change."""
        now = self._loop.time()
        computing = len(self._computing)
        self.busy_s += (now - self._since) * min(computing, self.count)
        self._received_s += (now - self._since) * min(1, self.count / max(computing, 1))
        self._since = now

    def _wake_next(self) -> None:
        if self._timer:
            self._timer.cancel()
        if self._computing:
            share = min(1, self.count / len(self._computing))
            self._timer = self._loop.call_later((self._computing[0][0] - self._received_s) / share, self._finish_first)

    def _finish_first(self) -> None:
        self._settle()
        _, _, done = heapq.heappop(self._computing)
        if not done.done():
            done.set_result(None)
        self._wake_next()


class SingleThread:
    """A process that does one thing after another, such as one with an event loop."""

    def __init__(self, cores: Cores) -> None:
        self._cores = cores
        self._turn = asyncio.Lock()

    async def compute(self, seconds: float) -> None:
        async with self._turn:
            await self._cores.compute(seconds)


class SimulatedWorker(Worker):
    """A worker, and its channel, whose work is time on a core."""

    def __init__(self, cores: Cores) -> None:
        self._cores = cores
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.channel: Any = self
        self.on_reply: Callable[[], None] = lambda: None
        self.has_large_upload, self.busy_since = False, 0.0
        self._working: asyncio.Task[Any] | None = None

    def ask(
        self, task: str, params: bytes, blobs: Sequence[bytes], read: Reader, request_id: str = ""
    ) -> asyncio.Task[Any]:
        self._working = asyncio.create_task(self._work(msgspec.msgpack.decode(params, type=Work), read))
        return self._working

    async def _work(self, work: "Work", read: Reader) -> Any:
        await self._cores.compute(work.seconds)
        outcome = read(Reply(0), [])
        self.on_reply()
        return outcome

    def stop(self) -> None:
        if self._working:
            self._working.cancel()
        self.lost.set_result("")


class SimulatedWorkers(WorkerPool):
    """The lines, turns and limits are inherited."""

    def __init__(self, settings: Settings, cores: Cores) -> None:
        super().__init__(settings, "benchmarks.simulation")
        self._cores = cores

    async def start(self) -> None:
        for _ in range(self.slots):
            self._admit(SimulatedWorker(self._cores))

    async def _start_another(self, lost: Worker) -> None:
        await asyncio.sleep(WORKER_START_SECONDS)
        self._admit(SimulatedWorker(self._cores))


@dataclass(frozen=True)
class Demand:
    """What one request takes, in seconds of a core."""

    worker_s: float
    front_s: float = 0.0
    """Of the process that talks HTTP: half before and half after the work."""
    client_s: float = 0.0
    """Of the load generator, where it shares the machine."""
    refused_front_s: float = 0.0
    refused_client_s: float = 0.0
    large: bool = False


class SimulatedService:
    """A front and its workers on some cores. Make it inside `run_in_virtual_time`."""

    def __init__(self, settings: Settings, cores: int) -> None:
        self.cores = Cores(cores)
        self.front = SingleThread(self.cores)
        self.client = SingleThread(self.cores)
        self.workers = SimulatedWorkers(settings.model_copy(update={"large_upload_bytes": LARGE_BYTES}), self.cores)
        self.in_system = 0

    async def ask(self, demand: Demand) -> int:
        """The status, once the answer is there."""
        self.in_system += 1
        await self.client.compute(demand.refused_client_s / 2)
        status = await self._handle(demand)
        sent_s = demand.refused_client_s / 2
        await self.client.compute(demand.client_s - sent_s if status == 200 else sent_s)
        self.in_system -= 1
        return status

    async def _handle(self, demand: Demand) -> int:
        size = 2 * LARGE_BYTES if demand.large else 0
        try:
            self.workers.reserve(size)
            await self.front.compute(demand.front_s / 2)
            await self.workers.run(SIMULATED, Work(float(demand.worker_s)), [b" " * size])
        except OverloadedError:
            await self.front.compute(demand.refused_front_s)
            return 503
        except UnfinishedError:
            return 503
        await self.front.compute(demand.front_s / 2)
        return 200


class Work(msgspec.Struct, frozen=True):
    """Params of the only task: seconds of a core."""

    seconds: float


def do_nothing(context: Any, params: Work, blobs: Sequence[bytes], report: Report) -> Answer[None]:
    """Never called: the work is simulated."""
    return Answer(None)


SIMULATED = Task("simulated", Work, NoneType, do_nothing, blob_count=0)
