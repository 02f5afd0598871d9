"""The pool of an HTTP replica: it sends calls to the replicas that process images, on any machine of the cluster."""

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

MAX_ATTEMPTS = 4
"""Per call. A call whose replica is lost is safe to repeat: tasks have no side effects, and an image cannot crash a
replica, only the worker process of one."""
REPLICA_LOST = (RayActorError, ActorUnavailableError, ObjectLostError)
POLL_SECONDS = 0.5
"""Between requests for the number of replicas."""
DIGIT_TASKS = {task.name for task in (CLASSIFY, READ, EXPLAIN_DIGIT, EXPLAIN_DIGIT_SHEET)}

logger = logging.getLogger(__name__)


class RayPool:
    """Implements `app.pool.interface.Pool`. The queues in front of the replicas are those of Ray Serve."""

    def __init__(self, settings: Settings, filters: DeploymentHandle, digits: DeploymentHandle) -> None:
        self.settings = settings
        self.filters, self.digits = filters, digits
        self.replicas = {filters.deployment_name: 0, digits.deployment_name: 0}
        self.slots = 0
        """Replicas of both kinds, including those that are starting or stopping."""
        self.replaced = 0  # Ray replaces replicas, and counts them
        self._calls: dict[int, tuple[float, bool]] = {}
        """Start time and whether the upload is large, of every unfinished call."""
        self._polling: asyncio.Task[None] | None = None

    @property
    def ready(self) -> int:
        """Replicas that run; 0 if there is none of one kind."""
        return sum(self.replicas.values()) if all(self.replicas.values()) else 0

    @property
    def busy(self) -> int:
        return min(len(self._calls), self.ready)

    @property
    def pids(self) -> list[int]:
        """None: the processes may run on other machines."""
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
        return max(0.0, time.monotonic() - min(since for since, _ in self._calls.values()))

    def _count_waiting(self, is_large: bool) -> int:
        calls = sum(one == is_large for _, one in self._calls.values())
        return max(0, calls - max(1, self.ready))

    async def start(self) -> None:
        """Start to count replicas. Ray starts them; the service is not ready before."""
        self._polling = asyncio.create_task(self._poll_replicas())

    async def close(self) -> None:
        if self._polling:
            self._polling.cancel()

    async def _poll_replicas(self) -> None:
        app_name = self.filters.app_name
        while True:
            try:
                status = (await asyncio.to_thread(serve.status)).applications[app_name]
                for name in self.replicas:
                    self.replicas[name] = status.deployments[name].replica_states.get("RUNNING", 0)
                self.slots = sum(sum(status.deployments[name].replica_states.values()) for name in self.replicas)
            except Exception:
                logger.exception("the number of replicas is unknown: Ray Serve gives no status")
            await asyncio.sleep(POLL_SECONDS)

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
        call = id(asyncio.current_task())
        self._calls[call] = (time.monotonic(), is_large)
        timeout_s = self.settings.max_wait_seconds + self.settings.deadline_seconds
        try:
            async with asyncio.timeout(timeout_s):
                reply = await self._call(task.name, pack_call(task, params, blobs, find_record().id), len(blobs))
        except TimeoutError:  # a replica stops work at the deadline, so this call was still in the queue
            limit = f"{timeout_s:g} s (CONVSERVE_MAX_WAIT_SECONDS and CONVSERVE_DEADLINE_SECONDS)"
            raise self._describe_overload(f"none became free within {limit}") from None
        except BackPressureError:
            raise self._describe_overload(f"{self.settings.max_waiting} uploads are waiting already") from None
        finally:
            del self._calls[call]
        return unwrap(read_reply(task, reply, len(blobs)))

    async def run_batched(
        self, task: Task[Params, list[Item]], params: Params, blobs: Sequence[bytes]
    ) -> Answer[list[Item]]:
        """Run a batchable task. Replicas batch calls with one blob (`app/cluster/serving.py`)."""
        return await self.run(task, params, blobs)

    async def _call(self, task: str, message: bytes, blob_count: int) -> bytes:
        for _ in range(MAX_ATTEMPTS):
            if task == CLASSIFY.name and blob_count == 1:
                response = self.digits.classify.remote(message)
            elif task in DIGIT_TASKS:
                response = self.digits.work.remote(message)
            else:
                response = self.filters.work.remote(message)
            try:
                return cast(bytes, await response)
            except REPLICA_LOST as error:
                logger.warning("a replica was lost; its call is sent to another one: %s", error)
            except asyncio.CancelledError:
                response.cancel()
                raise
        raise WorkerLostError(f"{MAX_ATTEMPTS} replicas in succession were lost. The request can be tried again.")
