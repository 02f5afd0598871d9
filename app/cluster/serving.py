"""The service on Ray Serve: the same app as ingress, and replicas that work on images, filters and digits apart.

Ray decides where work is done, how many replicas there are and who replaces a lost one. In each replica a worker
process of the service (`app.pool.worker_main`) does the work, so that a deadline frees a core here as well.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from ray import serve
from ray.serve import Application
from ray.serve.handle import DeploymentHandle
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.cluster.pool import RayWorkers, Reply
from app.context import REQUEST_ID_HEADER, Record, current_record
from app.errors import DeadlineError, WorkerLostError
from app.main import create_app
from app.observability.logs import configure_logging
from app.pool.pool import WorkerPool
from app.pool.process import START_SECONDS
from app.settings import AccessSettings, Settings
from app.tasks.classify import write_answers

APP_NAME = "convserve"
FILTER_CORES, DIGIT_CORES, HTTP_CORES = 1, 0.5, 0.5
HELPER_CORES = 1
"""What a machine may place beside one filter replica for each of its cores: none of the others is always at work."""
BATCH_IMAGES = 16
BATCH_WAIT_SECONDS = 0.005


class Replica:
    """One worker process, and this one that watches over it: Ray's questions are always answered."""

    async def __init__(self, settings: Settings) -> None:  # type: ignore[misc]  # Ray awaits it
        self.settings = settings
        self.workers = WorkerPool(settings)
        await self.workers.start()
        self._warm_at = time.monotonic()

    def check_health(self) -> None:
        """Ray replaces a replica whose process does not come back."""
        if self.workers.ready:
            self._warm_at = time.monotonic()
        elif time.monotonic() - self._warm_at > 2 * START_SECONDS:
            raise RuntimeError("the worker process of this replica does not start, see its log")

    async def work(self, request_id: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Reply:
        record = Record(request_id)
        current_record.set(record)
        try:
            return await self.workers.run(function, *args, **kwargs), None, record
        except Exception as error:
            return None, error, record


class Filters(Replica):
    """Everything but digits."""


class Digits(Replica):
    """Reads digits; single ones that come at the same time as one batch of the network."""

    @serve.batch(max_batch_size=BATCH_IMAGES, batch_wait_timeout_s=BATCH_WAIT_SECONDS)  # type: ignore[untyped-decorator]
    async def classify(
        self, images: list[bytes], settings: list[Settings], polarities: list[Any], previews: list[bool]
    ) -> list[Reply]:
        """`write_answers` for several clients with one image each."""
        ways = list(zip(polarities, previews, strict=True))
        replies: dict[int, Reply] = {}
        for way in dict.fromkeys(ways):
            places = [place for place, asked in enumerate(ways) if asked == way]
            replies |= zip(places, await self._classify_alike([images[place] for place in places], *way), strict=True)
        return [replies[place] for place in range(len(images))]

    async def _classify_alike(self, images: list[bytes], *way: Any) -> list[Reply]:
        answers, error, record = await self.work("", write_answers, images, self.settings, *way)
        if isinstance(error, DeadlineError | WorkerLostError) and len(images) > 1:  # one of them is to blame
            alone = [self.work("", write_answers, [image], self.settings, *way) for image in images]
            return await asyncio.gather(*alone)
        if error is not None:
            return [(None, error, record)] * len(images)
        records = [record] + [Record("")] * (len(images) - 1)  # what was noted is counted once
        return [([answer], None, its) for answer, its in zip(answers, records, strict=True)]


@serve.ingress()
class Http:
    """The routes. What comes in is checked here, and the images go to the replicas."""

    def __init__(
        self, settings: Settings, access: AccessSettings, filters: DeploymentHandle, digits: DeploymentHandle
    ) -> None:
        configure_logging(settings.log_format, settings.log_level)  # into the replica's log of Ray
        self.settings, self.access, self.workers = settings, access, RayWorkers(settings, filters, digits)

    def __serve_build_asgi_app__(self) -> FastAPI:
        app = create_app(self.settings, self.access, self.workers)
        app.outer_middleware.insert(0, Middleware(LeaveIdToProxy))
        return app


class LeaveIdToProxy:
    """Middleware: Ray's proxy gives each request an id and names it in the answer, where ours would be a second."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = [header for header in scope.get("headers", ()) if header[0] == REQUEST_ID_HEADER.lower().encode()]

        async def send_without(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [one for one in message["headers"] if one not in given]}
            await send(message)

        await self.app(scope, receive, send_without)


def build(arguments: dict[str, Any]) -> Application:
    """What deploy/ray/serve.yaml names. Settings come from the environment (`runtime_env`), as everywhere."""
    if arguments:
        raise ValueError(
            f"args: {arguments} in serve.yaml mean nothing; settings are variables CONVSERVE_... of env_vars."
        )
    return build_application(Settings(), AccessSettings())


def build_application(settings: Settings, access: AccessSettings) -> Application:
    """Of each kind one replica to begin with, of filters and digits up to `settings.workers`."""
    one_process = settings.model_copy(update={"workers": 1})
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
        max_ongoing_requests=2,  # the second waits inside, so that the process need not wait for Ray to bring it
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
        max_ongoing_requests=1000,  # what is too much is refused by our own 503, which says when to come back
        num_replicas=1,
        ray_actor_options={"num_cpus": HTTP_CORES},
        **common,
    )
    return http.bind(settings, access, filters.bind(one_process), digits.bind(one_process))
