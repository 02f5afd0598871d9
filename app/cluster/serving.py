"""The service on Ray Serve: the same app as ingress, and separate replicas for filters and for digits.

Ray places, scales and replaces the replicas. In each of them one worker process (`app.pool.worker_main`) does the work,
so that a deadline stops it and frees the core.
"""

import asyncio
import json
import time
from typing import Any

from fastapi import FastAPI
from ray import serve
from ray.serve import Application
from ray.serve.handle import DeploymentHandle
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.cluster.messages import pack_error, pack_outcome, read_call
from app.cluster.pool import RayPool
from app.context import REQUEST_ID_HEADER, Record, current_record
from app.errors import DeadlineError, UnfinishedError, WorkerLostError
from app.main import create_app
from app.observability.logs import configure_logging
from app.pool.ipc import Report, Request
from app.pool.pool import WorkerPool
from app.pool.process import START_SECONDS
from app.pool.task import Answer, Outcome
from app.settings import AccessSettings, Settings
from app.tasks.context import load_static_data
from app.tasks.registry import REGISTRY

APP_NAME = "convserve"
FILTER_CORES, DIGIT_CORES, HTTP_CORES = 1, 0.5, 0.5
"""Of a machine, per replica. Ray uses them to place replicas; they limit nothing."""
SPARE_CORES = 1
"""In addition to one core per filter replica: room for the other replicas, which are not always busy."""
BATCH_IMAGES = 16
BATCH_WAIT_SECONDS = 0.005


class Replica:
    """One worker process, watched by this process, which always answers Ray."""

    async def __init__(self, settings_json: str) -> None:  # type: ignore[misc]  # Ray awaits it
        settings = Settings.model_validate_json(settings_json)
        self.pool = WorkerPool(settings, "app.tasks.registry", load_static_data(settings))
        await self.pool.start()
        self._ready_at = time.monotonic()

    def check_health(self) -> None:
        """Raise RuntimeError if the worker process cannot be restarted. Ray then replaces the replica."""
        if self.pool.ready:
            self._ready_at = time.monotonic()
        elif time.monotonic() - self._ready_at > 2 * START_SECONDS:
            raise RuntimeError(
                "the worker process of this replica does not start; the log of the replica has the reason"
            )

    async def work(self, message: bytes) -> bytes:
        """Run one call (`app/cluster/messages.py`). Returns the reply."""
        request, blobs = read_call(message)
        current_record.set(Record(request.request_id))
        try:
            return pack_outcome(await self._call(request, blobs))
        except UnfinishedError as error:
            return pack_error(error)

    async def _call(self, request: Request, blobs: list[bytes]) -> Outcome[Any]:
        return await self.pool.call(REGISTRY.tasks[request.task], bytes(request.params), blobs)


class Filters(Replica):
    """Runs all tasks except those of digits."""


class Digits(Replica):
    """Reads digits. Single digits that arrive at the same time form one batch of the network."""

    @serve.batch(max_batch_size=BATCH_IMAGES, batch_wait_timeout_s=BATCH_WAIT_SECONDS)  # type: ignore[untyped-decorator]
    async def classify(self, messages: list[bytes]) -> list[bytes]:
        """Calls of `CLASSIFY` from several clients, with one image each."""
        calls = [read_call(message) for message in messages]
        replies: dict[int, bytes] = {}
        for params in dict.fromkeys(bytes(request.params) for request, _ in calls):
            indices = [index for index, (request, _) in enumerate(calls) if bytes(request.params) == params]
            batch = await self._classify_batch([calls[index] for index in indices])
            replies |= zip(indices, batch, strict=True)
        return [replies[index] for index in range(len(messages))]

    async def _classify_batch(self, calls: list[tuple[Request, list[bytes]]]) -> list[bytes]:
        """Run calls with the same params as one. If that fails, run each call alone: one image may be the reason."""
        request, blobs = calls[0][0], [blob for _, blobs in calls for blob in blobs]
        try:
            outcome = await self._call(request, blobs)
        except UnfinishedError as error:
            if len(calls) > 1 and isinstance(error, DeadlineError | WorkerLostError):
                return await asyncio.gather(*(self._classify_alone(*call) for call in calls))
            return [pack_error(error)] * len(calls)
        if outcome.answer is None:
            return [pack_outcome(outcome)] * len(calls)
        reports = [outcome.report] + [Report()] * (len(calls) - 1)  # a batch is measured once
        return [
            pack_outcome(Outcome(Answer([result], [blob]), None, report))
            for result, blob, report in zip(outcome.answer.result, outcome.answer.blobs, reports, strict=True)
        ]

    async def _classify_alone(self, request: Request, blobs: list[bytes]) -> bytes:
        try:
            return pack_outcome(await self._call(request, blobs))
        except UnfinishedError as error:
            return pack_error(error)


@serve.ingress()
class Http:
    """Serves HTTP: checks requests, and sends their images to the replicas."""

    def __init__(self, settings: str, access: str, filters: DeploymentHandle, digits: DeploymentHandle) -> None:
        """`settings` and `access` as JSON."""
        self.settings = Settings.model_validate_json(settings)
        self.access = AccessSettings.model_validate_json(access)
        configure_logging(self.settings.log_format, self.settings.log_level)  # Ray writes it to the log of the replica
        self.pool = RayPool(self.settings, filters, digits)

    def __serve_build_asgi_app__(self) -> FastAPI:
        app = create_app(self.settings, self.access, self.pool)
        app.outer_middleware.insert(0, Middleware(HideRequestId))
        return app


class HideRequestId:
    """Middleware that removes the request id from the response, because Ray's proxy adds the same header."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        received = [header for header in scope.get("headers", ()) if header[0] == REQUEST_ID_HEADER.lower().encode()]

        async def send_without_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [one for one in message["headers"] if one not in received]}
            await send(message)

        await self.app(scope, receive, send_without_id)


def build(arguments: dict[str, Any]) -> Application:
    """The application of deploy/ray/serve.yaml. Settings are environment variables (`runtime_env`).

    Raises ValueError if the file has `args`, and ValidationError for a bad setting.
    """
    if arguments:
        raise ValueError(
            f"serve.yaml has args: {arguments}; the application has none. Put settings into env_vars, as CONVSERVE_..."
        )
    return build_application(Settings(), AccessSettings())


def build_application(settings: Settings, access: AccessSettings) -> Application:
    """One replica of each kind; Ray adds filter and digit replicas up to `settings.workers` of each."""
    common: dict[str, Any] = {
        "health_check_period_s": 5,
        "health_check_timeout_s": 15,
        "graceful_shutdown_wait_loop_s": 0.2,
        "graceful_shutdown_timeout_s": settings.max_wait_seconds + settings.deadline_seconds + 5,
    }
    one_thread = {"env_vars": {"OPENBLAS_NUM_THREADS": "1"}}
    scaling = {"min_replicas": 1, "max_replicas": settings.workers, "upscale_delay_s": 5, "downscale_delay_s": 300}
    filters = serve.deployment(
        Filters,
        name="filters",
        max_ongoing_requests=2,  # the second one waits in the replica, so that the worker never waits for Ray
        max_queued_requests=settings.max_waiting,
        autoscaling_config=scaling | {"target_ongoing_requests": 2},
        ray_actor_options={"num_cpus": FILTER_CORES, "runtime_env": one_thread},
        **common,
    )
    digits = serve.deployment(
        Digits,
        name="digits",
        max_ongoing_requests=2 * BATCH_IMAGES,
        max_queued_requests=settings.max_waiting,
        autoscaling_config=scaling | {"target_ongoing_requests": BATCH_IMAGES},
        ray_actor_options={"num_cpus": DIGIT_CORES, "runtime_env": one_thread},
        **common,
    )
    http = serve.deployment(
        Http,
        name="http",
        max_ongoing_requests=1000,  # RayPool rejects more with a 503 that has Retry-After
        num_replicas=1,
        ray_actor_options={"num_cpus": HTTP_CORES},
        **common,
    )
    one_process = settings.model_copy(update={"workers": 1}).model_dump_json()
    replicas = filters.bind(one_process), digits.bind(one_process)
    return http.bind(settings.model_dump_json(), dump_access(access), *replicas)


def dump_access(access: AccessSettings) -> str:
    """As JSON with readable tokens, which pydantic would mask."""
    return json.dumps(access.model_dump(mode="json") | {"tokens": access.tokens.get_secret_value()})
