"""The pool of an HTTP replica: the replicas that work on images, on any machine of the cluster."""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import TypeVar, cast

from ray import serve
from ray.exceptions import ActorUnavailableError, ObjectLostError, RayActorError
from ray.serve.exceptions import BackPressureError
from ray.serve.handle import DeploymentHandle

from app.cluster.messages import pack_call, read_reply
from app.context import find_record
from app.errors import OverloadedError, WorkerLostError
from app.pool.interface import unwrap
from app.pool.queue import describe_full_queue, describe_overload
from app.pool.task import Answer, Task
from app.settings import Settings
from app.tasks.classify import CLASSIFY
from app.tasks.explain_digit import EXPLAIN_DIGIT
from app.tasks.explain_digit_sheet import EXPLAIN_DIGIT_SHEET
from app.tasks.read import READ

Params = TypeVar("Params")
Result = TypeVar("Result")
Item = TypeVar("Item")

TRIES = 4
"""Of work whose replica is lost. It can be done again, being a function of bytes; and no image kills a replica, only
the process that the replica watches over, so that none is passed on to the next."""
LOST = (RayActorError, ActorUnavailableError, ObjectLostError)
LOOK_SECONDS = 0.5
DIGIT_TASKS = {task.name for task in (CLASSIFY, READ, EXPLAIN_DIGIT, EXPLAIN_DIGIT_SHEET)}

logger = logging.getLogger(__name__)


class RayPool:
    """The pool of a service on Ray. The queues in front of the replicas are Ray Serve's."""

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
        return self._count_waiting(is_large=False)

    @property
    def waiting_large(self) -> int:
        return self._count_waiting(is_large=True)

    @property
    def oldest_wait_s(self) -> float:
        if not self.waiting:
            return 0.0
        return max(0.0, time.monotonic() - min(since for since, _ in self._asked.values()))

    def _count_waiting(self, is_large: bool) -> int:
        asked = sum(one == is_large for _, one in self._asked.values())
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

    def _check_room(self, is_large: bool) -> None:
        limit = self.settings.max_waiting_large if is_large else self.settings.max_waiting
        if self._count_waiting(is_large) >= limit:
            raise describe_full_queue("replicas", limit, is_large, self.oldest_wait_s)

    def _describe_overload(self, reason: str) -> OverloadedError:
        return describe_overload("replicas", reason, self.oldest_wait_s)

    async def run(self, task: Task[Params, Result], params: Params, blobs: Sequence[bytes] = ()) -> Answer[Result]:
        """Run a task in a replica. Raises TaskError, OverloadedError, DeadlineError or WorkerLostError."""
        is_large = sum(map(len, blobs)) > self.settings.large_upload_bytes
        self._check_room(is_large)
        place = id(asyncio.current_task())
        self._asked[place] = (time.monotonic(), is_large)
        longest_s = self.settings.max_wait_seconds + self.settings.deadline_seconds
        try:
            async with asyncio.timeout(longest_s):
                reply = await self._ask(task.name, pack_call(task, params, blobs, find_record().id), len(blobs))
        except TimeoutError:  # a replica stops work at its deadline, so this call was still waiting
            limit = f"{longest_s:g} s (CONVSERVE_MAX_WAIT_SECONDS and CONVSERVE_DEADLINE_SECONDS)"
            raise self._describe_overload(f"none became free within {limit}") from None
        except BackPressureError:
            raise self._describe_overload(f"{self.settings.max_waiting} uploads are waiting already") from None
        finally:
            del self._asked[place]
        return unwrap(read_reply(task, reply, len(blobs)))

    async def run_batched(
        self, task: Task[Params, list[Item]], params: Params, blobs: Sequence[bytes]
    ) -> Answer[list[Item]]:
        """Run a batchable task. Ray batches the calls of several clients with one blob each."""
        return await self.run(task, params, blobs)

    async def _ask(self, task: str, message: bytes, blob_count: int) -> bytes:
        for _ in range(TRIES):
            if task == CLASSIFY.name and blob_count == 1:
                response = self.digits.classify.remote(message)
            elif task in DIGIT_TASKS:
                response = self.digits.work.remote(message)
            else:
                response = self.filters.work.remote(message)
            try:
                return cast(bytes, await response)
            except LOST as error:
                logger.warning("a replica was lost with a call, which goes to another one: %s", error)
            except asyncio.CancelledError:
                response.cancel()
                raise
        raise WorkerLostError(f"{TRIES} replicas were lost, one after another. The request can be tried again.")
