"""The state of the running service, and the dependency that passes it to the routes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, cast

from fastapi import Depends, FastAPI, Request

from app.observability.metrics import Metrics
from app.pool.pool import Workers
from app.settings import AccessSettings, Settings
from kernels.catalogue import Catalogue

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider


@dataclass(frozen=True)
class Service:
    """Made once by `create_app`. `workers` accept work during the lifespan."""

    settings: Settings
    access: AccessSettings
    catalogue: Catalogue
    model_card: dict[str, Any]
    workers: Workers
    metrics: Metrics
    tracing: "TracerProvider | None" = None
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the shutdown begins."""


@asynccontextmanager
async def run_service(app: FastAPI) -> AsyncIterator[None]:
    """The lifespan: it begins when every worker process is warm."""
    service = cast(Service, app.state.service)
    await service.workers.start()
    port = service.access.metrics_port
    metrics = service.metrics.serve(service.settings.host, port) if port is not None else None
    try:
        yield
    finally:
        if metrics:
            await asyncio.to_thread(metrics.shutdown)
            metrics.server_close()
        await service.workers.close()
        if service.tracing:
            await asyncio.to_thread(service.tracing.shutdown)


async def get_service(request: Request) -> Service:
    return cast(Service, request.app.state.service)


ServiceDependency = Annotated[Service, Depends(get_service)]
