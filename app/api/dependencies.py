"""The state of the running service, and the dependency that passes it to the routes."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, cast

from fastapi import Depends, FastAPI, Request

from app.api.operations import FilterDemand, FilterText, cache_demands
from app.lessons.read import Lessons
from app.observability.metrics import Metrics
from app.pool.interface import Pool
from app.settings import AccessSettings, Settings
from kernels.catalogue import Catalogue

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Service:
    """Created once by `create_app`. `pool` accepts work during the lifespan of the app."""

    settings: Settings
    access: AccessSettings
    catalogue: Catalogue
    lessons: Lessons
    model_card: dict[str, Any]
    pool: Pool
    metrics: Metrics
    tracing: "TracerProvider | None" = None
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when shutdown begins."""

    @cached_property
    def parse_filter_text(self) -> Callable[[FilterText], FilterDemand]:
        """Parse a filter request, with a cache. Raises RequestValidationError or KernelError."""
        return cache_demands(self.catalogue)


@asynccontextmanager
async def run_service(app: FastAPI) -> AsyncIterator[None]:
    """The lifespan of the app. Startup is complete when every worker process is warm."""
    service = cast(Service, app.state.service)
    for fault in service.lessons.faults:
        logger.warning("lesson left out: %s", fault)
    await service.pool.start()
    port = service.access.metrics_port
    metrics = service.metrics.serve(service.settings.host, port) if port is not None else None
    try:
        yield
    finally:
        if metrics:
            await asyncio.to_thread(metrics.shutdown)
            metrics.server_close()
        await service.pool.close()
        if service.tracing:
            await asyncio.to_thread(service.tracing.shutdown)


async def get_service(request: Request) -> Service:
    return cast(Service, request.app.state.service)


ServiceDependency = Annotated[Service, Depends(get_service)]
