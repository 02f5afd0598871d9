"""The image workers of an HTTP replica: Ray replicas, wherever they are."""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar, cast

from ray import serve
from ray.exceptions import ActorUnavailableError, ObjectLostError, RayActorError
from ray.serve.exceptions import BackPressureError
from ray.serve.handle import DeploymentHandle

from app.context import Record, find_record
from app.errors import OverloadedError, WorkerLostError
from app.settings import Settings
from app.tasks.classify import write_answers

P = ParamSpec("P")
T = TypeVar("T")

TRIES = 4
"""Of work whose replica is lost. It can be done again, being a function of bytes; and no image kills a replica, only
the process that the replica watches over, so that none is passed on to the next."""
LOST = (RayActorError, ActorUnavailableError, ObjectLostError)
LOOK_SECONDS = 0.5
DIGIT_MODULES = ("app.tasks.classify", "app.tasks.explain", "app.tasks.explain_sheet")

Reply = tuple[Any, Exception | None, Record]
"""Result, error, and what was noted about the work. Were the error raised, it would come back as one of Ray's, with a
traceback for its message."""

logger = logging.getLogger(__name__)


class RayWorkers:
    """What `WorkerPool` is to a service on one machine. The lines before the replicas are Ray Serve's."""

    def __init__(self, settings: Settings, filters: DeploymentHandle, digits: DeploymentHandle) -> None:
        self.settings = settings
        self.filters, self.digits = filters, digits
        self.replicas = {filters.deployment_name: 0, digits.deployment_name: 0}
        self.slots = 0
        """Replicas that Ray wants there to be, of both kinds."""
        self.replaced = 0  # Ray counts those
        self._asked: dict[int, tuple[float, bool]] = {}  # when, and whether the upload was large
        self._looking: asyncio.Task[None] | None = None

    @property
    def ready(self) -> int:
        """Replicas that take work; 0 where one kind of them has none."""
        return sum(self.replicas.values()) if all(self.replicas.values()) else 0

    @property
    def busy(self) -> int:
        return min(len(self._asked), self.ready)

    @property
    def pids(self) -> list[int]:
        """Of processes on this machine: whose they are is Ray's to know."""
        return []

    @property
    def waiting(self) -> int:
        return self.waiting_small + self.waiting_large

    @property
    def waiting_small(self) -> int:
        return self._count_waiting(large=False)

    @property
    def waiting_large(self) -> int:
        return self._count_waiting(large=True)

    @property
    def oldest_wait_s(self) -> float:
        if not self.waiting:
            return 0.0
        return max(0.0, time.monotonic() - min(since for since, _ in self._asked.values()))

    def _count_waiting(self, large: bool) -> int:
        asked = sum(is_large == large for _, is_large in self._asked.values())
        return max(0, asked - max(1, self.ready))

    async def start(self) -> None:
        """Replicas start on their own; until there are some, the service is not ready."""
        self._looking = asyncio.create_task(self._look())

    async def close(self) -> None:
        if self._looking:
            self._looking.cancel()

    async def _look(self) -> None:
        """Ask Ray again and again how many replicas there are."""
        app_name = self.filters.app_name
        while True:
            try:
                status = (await asyncio.to_thread(serve.status)).applications[app_name]
                for name in self.replicas:
                    self.replicas[name] = status.deployments[name].replica_states.get("RUNNING", 0)
                self.slots = sum(sum(status.deployments[name].replica_states.values()) for name in self.replicas)
            except Exception:
                logger.exception("Ray does not tell how many replicas there are")
            await asyncio.sleep(LOOK_SECONDS)

    def _refuse_if_full(self, large: bool) -> None:
        limit = self.settings.max_waiting_large if large else self.settings.max_waiting
        if self._count_waiting(large) >= limit:
            name = "CONVSERVE_MAX_WAITING" + ("_LARGE" if large else "")
            raise self._overloaded(f"{limit} {'large ' if large else ''}uploads are waiting already ({name})")

    def _overloaded(self, why: str) -> OverloadedError:
        retry_after_s = max(1, math.ceil(self.oldest_wait_s))
        return OverloadedError(f"All replicas are busy and {why}. Try again in {retry_after_s} s.", retry_after_s)

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function of a module in a replica; arguments and result are pickled.

        Raises what the function raises, and OverloadedError, DeadlineError or WorkerLostError.
        """
        large = count_bytes(args) > self.settings.large_upload_bytes
        self._refuse_if_full(large)
        place = id(asyncio.current_task())
        self._asked[place] = (time.monotonic(), large)
        longest_s = self.settings.max_wait_seconds + self.settings.deadline_seconds
        try:
            async with asyncio.timeout(longest_s):
                result, error, record = await self._ask(work, args, kwargs)
        except TimeoutError:  # a replica stops work at its deadline by itself: this one was waiting
            limit = f"{longest_s:g} s (CONVSERVE_MAX_WAIT_SECONDS and CONVSERVE_DEADLINE_SECONDS)"
            raise self._overloaded(f"none became free within {limit}") from None
        except BackPressureError:
            raise self._overloaded(f"{self.settings.max_waiting} uploads are waiting already") from None
        finally:
            del self._asked[place]
        find_record().add_work(record)
        if error is not None:
            raise error
        return cast(T, result)

    async def run_together(self, work: Callable[..., list[T]], items: Sequence[bytes], *how: Any) -> list[T]:
        """Run `work(items, *how)`, which gives a result for each item. Raises what `run` raises."""
        return await self.run(work, items, *how)

    async def _ask(self, work: Callable[..., Any], args: Any, kwargs: Any) -> Reply:
        request_id = find_record().id
        for _ in range(TRIES):
            if work is write_answers and len(args[0]) == 1:  # of many clients, one each: read in batches
                response = self.digits.classify.remote(args[0][0], *args[1:])
            elif work.__module__ in DIGIT_MODULES:
                response = self.digits.work.remote(request_id, work, *args, **kwargs)
            else:
                response = self.filters.work.remote(request_id, work, *args, **kwargs)
            try:
                return cast(Reply, await response)
            except LOST as error:
                logger.warning("a replica is lost with work on it, which is given to another: %s", error)
            except asyncio.CancelledError:
                response.cancel()
                raise
        raise WorkerLostError(f"{TRIES} replicas were lost, one after another. The request can be tried again.")


def count_bytes(arguments: Any) -> int:
    """Of the images among the arguments, which may be in a list."""
    if isinstance(arguments, bytes):
        return len(arguments)
    return sum(map(count_bytes, arguments)) if isinstance(arguments, list | tuple) else 0
