"""`GET /livez`: the process responds. `GET /readyz`: the process can take work."""

from fastapi import APIRouter
from pydantic import BaseModel

from app.api.dependencies import ServiceDependency
from app.api.problem_docs import document_problems
from app.errors import OverloadedError

router = APIRouter(tags=["service"])


class Readiness(BaseModel):
    """The worker processes and their queue."""

    status: str
    workers: int
    busy: int
    waiting: int
    oldest_wait_seconds: float


@router.get("/livez", operation_id="get_liveness", summary="Liveness: 200 while the service responds")
async def get_liveness() -> dict[str, str]:
    return {"status": "ok"}


@router.get(
    "/readyz",
    operation_id="get_readiness",
    summary="Readiness: 200 if a worker is warm and the queue is short, else 503",
    responses=document_problems(503),
)
async def get_readiness(service: ServiceDependency) -> Readiness:
    workers = service.pool
    if service.draining.is_set():
        raise OverloadedError("The service is stopping.")
    if workers.ready == 0:
        raise OverloadedError("No worker process is warm yet.")
    if workers.oldest_wait_s > service.settings.max_wait_seconds / 2:
        raise OverloadedError(f"The oldest upload in the queue has waited {workers.oldest_wait_s:.1f} s.")
    return Readiness(
        status="ok",
        workers=workers.ready,
        busy=workers.busy,
        waiting=workers.waiting,
        oldest_wait_seconds=round(workers.oldest_wait_s, 3),
    )
